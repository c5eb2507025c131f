// A small honest cloud in memory: launches are idempotent by token, lists lag, writes are conditional.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { formatMember } from "@muster/core/words/member";
import {
  type Accepted,
  type Blocker,
  type CreateRequest,
  type Health,
  type Handler,
  type MemberPhase,
  type MemberSighting,
  type Observation,
  type ObserveRequest,
  type Progress,
  ProviderError,
} from "@muster/core/words/provider";
import type { Expansion } from "@muster/core/words/set";

export const fakeResource = "fake.machines";

export interface FakeMachine extends MemberSighting {
  readonly compartment: string;
  readonly version: string;
}

/** One accepted write, in order. */
export interface FakeMutation {
  readonly operation: "create" | "mark" | "remove";
  readonly id: string;
  readonly name: string;
  /** The document that the machine is marked with afterwards. */
  readonly document: string;
  /** On a create. */
  readonly token: string | null;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** One call that arrived, whatever it was answered. */
export interface FakeCall {
  readonly operation: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface FakeCloud {
  readonly handler: Handler;
  readonly machines: () => ReadonlyArray<FakeMachine>;
  readonly mutations: () => ReadonlyArray<FakeMutation>;
  readonly calls: () => ReadonlyArray<FakeCall>;
  /** Puts a machine there that muster did not make. */
  readonly plant: (machine: Partial<FakeMachine> & { readonly document: string }) => FakeMachine;
  readonly setPhase: (id: string, phase: MemberPhase) => void;
  /** Edits a machine's marks as a person with the console would: its version changes. */
  readonly edit: (id: string, patch: Partial<FakeMachine>) => void;
  /** The most creates that were ever in flight together. */
  readonly peak: () => number;
  readonly faults: FakeFaults;
}

export interface FakeFaults {
  /** Milliseconds by which lists show the past. */
  listLagMillis: number;
  /** How long a launch takes, in milliseconds. */
  launchMillis: number;
  /** How long a removal takes, in milliseconds. */
  removeMillis: number;
  /** What the next calls of an operation answer instead, in order. */
  readonly next: Map<string, Array<ProviderError>>;
  /** How many of the next calls of an operation are carried out but never answered. */
  readonly lost: Map<string, number>;
  /** What a look at a document answers instead, by document name. */
  readonly blind: Map<string, ProviderError>;
  /** What stands in a document's way, by document name. */
  readonly blocked: Map<string, Blocker>;
  /** Where members can go: to the first, and to the others when it is full. */
  places: ReadonlyArray<string>;
  /** Those of them that are equally good. */
  spread: number;
  /** Places without capacity. */
  readonly full: Set<string>;
  /** Machines that are not found when asked for, though they are there, by identifier. */
  readonly hidden: Set<string>;
  /** How a machine is, by identifier; well when nothing is said. */
  readonly health: Map<string, Health>;
  /** Whether a list breaks off before its end. */
  halfRead: boolean;
}

interface Stored {
  machine: FakeMachine;
  readonly bornAt: number;
  readonly readyAt: number;
  /** When its removal was accepted. */
  goneAt: number | null;
  /** When that is over. */
  endsAt: number | null;
}

/** A cloud of its own, empty. */
export const makeFakeCloud = (): FakeCloud => {
  const stored = new Map<string, Stored>();
  const tokens = new Map<string, string>();
  const mutations: Array<FakeMutation> = [];
  const calls: Array<FakeCall> = [];
  const faults: FakeFaults = {
    listLagMillis: 0,
    launchMillis: 0,
    removeMillis: 0,
    next: new Map(),
    lost: new Map(),
    blind: new Map(),
    blocked: new Map(),
    places: ["place-1"],
    spread: 1,
    full: new Set(),
    hidden: new Set(),
    health: new Map(),
    halfRead: false,
  };
  const inFlight = new Set<string>();
  let serial = 0;
  let peak = 0;

  const identify = () => `machine-${String((serial += 1)).padStart(6, "0")}`;
  const put = (machine: FakeMachine, bornAt: number, readyAt = bornAt) => {
    stored.set(machine.id, { machine, bornAt, readyAt, goneAt: null, endsAt: null });
    return machine;
  };
  const current = (one: Stored, now: number): FakeMachine => {
    if (one.endsAt !== null && now >= one.endsAt) return { ...one.machine, phase: "gone" };
    return one.machine.phase === "starting" && now >= one.readyAt
      ? { ...one.machine, phase: "running" }
      : one.machine;
  };
  const change = (id: string, patch: Partial<FakeMachine>) => {
    const one = stored.get(id)!;
    serial += 1;
    one.machine = { ...one.machine, ...patch, version: `v${serial}` };
    return one.machine;
  };
  /** What a list shows: births and deaths of the last moments are not in it yet. */
  const listed = (one: Stored, now: number): FakeMachine | undefined => {
    const then = now - faults.listLagMillis;
    if (one.bornAt > then) return undefined;
    if (one.goneAt !== null && one.goneAt > then)
      return { ...current(one, then), phase: "running" };
    return current(one, then);
  };
  const answer = <A>(operation: string, call: (now: number) => A | ProviderError) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis;
      calls.push({ operation, at: now });
      const fault = faults.next.get(operation)?.shift();
      if (fault !== undefined) return yield* fault;
      const result = call(now);
      if (losesAnswer(operation)) return yield* noAnswer(operation);
      if (result instanceof ProviderError) return yield* result;
      return result as Exclude<A, ProviderError>;
    });
  const losesAnswer = (operation: string): boolean => {
    const left = faults.lost.get(operation) ?? 0;
    if (left > 0) faults.lost.set(operation, left - 1);
    return left > 0;
  };
  const note = (
    operation: FakeMutation["operation"],
    machine: FakeMachine,
    at: number,
    token: string | null = null,
  ) => {
    const { id, document, name, displayName } = machine;
    const shown = name === null ? displayName : formatMember(name);
    mutations.push({ operation, id, name: shown, document, token, at });
  };

  const observeOne = (now: number, { expansion, known }: ObserveRequest): Observation => {
    const error = faults.halfRead ? halfRead : faults.blind.get(expansion.document.name);
    if (error !== undefined) return { document: expansion.document, complete: false, error };
    const blocker = faults.blocked.get(expansion.document.name);
    const names = [expansion.document.name, expansion.previousName];
    const seen = new Map<string, FakeMachine>();
    for (const one of stored.values()) {
      const machine = listed(one, now);
      if (machine === undefined || !isIn(expansion, machine) || !names.includes(machine.document)) {
        continue;
      }
      seen.set(machine.id, machine);
    }
    for (const id of known) {
      const one = stored.get(id);
      if (one === undefined || faults.hidden.has(id) || seen.has(id)) continue;
      seen.set(id, current(one, now));
    }
    return {
      document: expansion.document,
      complete: true,
      members: [...seen.values()].map((machine) => asked(expansion, machine)),
      places: Object.fromEntries(
        expansion.sets.map((set) => [
          set.name,
          {
            spread: faults.places.slice(0, faults.spread),
            fallback: faults.places.slice(faults.spread),
          },
        ]),
      ),
      blockers: blocker === undefined ? [] : [blocker],
    };
  };

  const asked = (expansion: Expansion, machine: FakeMachine): FakeMachine =>
    expansion.health === undefined || machine.phase !== "running"
      ? machine
      : { ...machine, health: faults.health.get(machine.id) ?? { verdict: "pass", text: "well" } };

  const create = (request: CreateRequest, now: number): Accepted | ProviderError => {
    const before = tokens.get(request.token);
    if (before !== undefined) {
      const { phase } = stored.get(before)!.machine;
      return phase === "gone" || phase === "leaving"
        ? occupantDead
        : { id: before, operation: null };
    }
    if (faults.full.has(request.place)) return noCapacity;
    const machine: FakeMachine = {
      id: identify(),
      displayName: `${request.expansion.document.name}-${formatMember(request.member)}`,
      document: request.expansion.document.name,
      name: request.member,
      owner: request.owner,
      phase: faults.launchMillis === 0 ? "running" : "starting",
      createdAt: new Date(now).toISOString(),
      place: request.place,
      template: request.template,
      restart: request.expansion.restart ?? null,
      health: null,
      version: "v0",
      compartment: compartmentOf(request.expansion),
    };
    put(machine, now, now + faults.launchMillis);
    tokens.set(request.token, machine.id);
    note("create", machine, now, request.token);
    inFlight.add(machine.id);
    peak = Math.max(peak, inFlight.size);
    return { id: machine.id, operation: null };
  };

  const handler: Handler = {
    resource: fakeResource,
    observe: (requests) =>
      Effect.map(Clock.currentTimeMillis, (now) =>
        requests.map((request) => observeOne(now, request)),
      ),
    look: (_expansion, id) =>
      answer("look", (now) => {
        const one = stored.get(id);
        return one === undefined || faults.hidden.has(id) ? null : current(one, now);
      }),
    find: (expansion, _set, member) =>
      answer("find", (now) =>
        [...stored.values()]
          .map((one) => listed(one, now))
          .filter(
            (machine): machine is FakeMachine =>
              machine !== undefined &&
              isIn(expansion, machine) &&
              machine.document === expansion.document.name &&
              machine.name !== null &&
              formatMember(machine.name) === formatMember(member) &&
              machine.phase !== "gone" &&
              machine.phase !== "leaving",
          ),
      ),
    create: (request) => answer("create", (now) => create(request, now)),
    created: (_expansion, accepted) =>
      answer("created", (now): Progress => {
        const one = stored.get(accepted.id);
        if (one === undefined) return { done: true, member: null };
        const machine = current(one, now);
        if (machine.phase === "starting") return { done: false, detail: "starting" };
        inFlight.delete(machine.id);
        return { done: true, member: machine };
      }),
    mark: (request) =>
      answer("mark", (now) => {
        const one = stored.get(request.id);
        if (one === undefined || one.machine.version !== request.version) return conflict;
        const marked = change(request.id, {
          document: request.document.name,
          name: request.member,
          owner: request.owner,
        });
        note("mark", marked, now);
        return marked;
      }),
    remove: (request) =>
      answer("remove", (now) => {
        const one = stored.get(request.id);
        if (one === undefined) return { id: request.id, operation: null };
        if (request.version !== null && one.machine.version !== request.version) return conflict;
        const isSlow = faults.removeMillis > 0;
        note("remove", change(request.id, { phase: isSlow ? "leaving" : "gone" }), now);
        one.goneAt = now;
        one.endsAt = now + faults.removeMillis;
        return { id: request.id, operation: null };
      }),
    removed: (_expansion, accepted) =>
      answer("removed", (now): Progress => {
        const one = stored.get(accepted.id);
        if (one === undefined) return { done: true, member: null };
        const machine = current(one, now);
        return machine.phase === "leaving" && one.endsAt !== null
          ? { done: false, detail: "leaving" }
          : { done: true, member: machine };
      }),
  };

  return {
    handler,
    machines: () => [...stored.values()].map((one) => one.machine),
    mutations: () => mutations,
    calls: () => calls,
    plant: (machine) => {
      const id = identify();
      return put(
        {
          id,
          displayName: `planted-${id}`,
          name: null,
          owner: null,
          phase: "running",
          createdAt: "2026-01-01T00:00:00.000Z",
          place: "place-1",
          template: null,
          restart: null,
          health: null,
          version: "v0",
          compartment: "c1",
          ...machine,
        },
        Number.NEGATIVE_INFINITY,
      );
    },
    setPhase: (id, phase) => {
      change(id, { phase });
    },
    edit: (id, patch) => {
      change(id, patch);
    },
    peak: () => peak,
    faults,
  };
};

const compartmentOf = ({ scope }: Expansion): string => {
  const { compartment } = scope;
  return typeof compartment === "string" ? compartment : "";
};

const isIn = (expansion: Expansion, machine: FakeMachine): boolean =>
  machine.compartment === compartmentOf(expansion);

const halfRead = new ProviderError({
  reason: "Unreachable",
  operation: "ListMachines",
  message: "the list broke off on page 2",
});

const noAnswer = (operation: string): ProviderError =>
  new ProviderError({ reason: "Unreachable", operation, message: "the answer never came" });

const occupantDead = new ProviderError({
  reason: "Conflict",
  operation: "CreateMachine",
  message: "the token is spent",
  occupantDead: true,
});

const noCapacity = new ProviderError({
  reason: "Exhausted",
  operation: "CreateMachine",
  message: "the place is full",
});

const conflict = new ProviderError({
  reason: "Conflict",
  operation: "UpdateMachine",
  message: "the version is another by now",
});
