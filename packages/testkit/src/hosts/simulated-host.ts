// Joins a host's gate, its server and its state into what a test holds in its hand.

import * as Effect from "effect/Effect";
import { isAboutKey, type HostFault } from "./faults.ts";
import type { Gate } from "./gate.ts";
import {
  asFleetError,
  type HostCounts,
  type HostOptions,
  type SimulatedHost,
} from "./host-fleet.ts";
import type { HostServer } from "./host-server.ts";
import { bootAgain, type HostState } from "./host-state.ts";

export interface HostParts {
  readonly state: HostState;
  readonly address: string;
  readonly gate: Gate;
  readonly server: HostServer;
  /** Whether the host's key is known has changed. */
  readonly knownChanged: () => Promise<void>;
}

/** How long a reboot lasts when nobody says, in milliseconds. */
const usualDownMs = 2_000;

/** A host as its fleet holds it. */
export interface HeldHost extends SimulatedHost {
  /** Does what a command of the host asked for: a reboot that ends as its options say. */
  readonly obey: Effect.Effect<void>;
  readonly stop: () => Promise<void>;
}

type RebootEnd = NonNullable<NonNullable<HostOptions["reboot"]>["end"]>;

export const makeHost = (parts: HostParts): HeldHost => {
  const { state, gate, server } = parts;
  const inLine = makeLine();
  let rising: Promise<void> = Promise.resolve();
  let timer: { readonly end: () => void } | undefined;
  let stopped = false;

  const give = async (fault: HostFault | undefined): Promise<void> => {
    const before = state.fault?.name;
    state.fault = fault;
    await gate.heed(fault);
    await server.heed();
    if ([before, fault?.name].includes("unknown-host-key")) await parts.knownChanged();
  };

  /** Ends when it is down; `rising` ends when it is up again. */
  const goDown = (downMs: number, end: RebootEnd): Promise<void> => {
    gate.rest();
    const down = server.halt();
    if (end === "gone") {
      // Nobody who waits for it waits for ever.
      rising = down;
      return down;
    }
    rising = down.then(async () => {
      const { passed, end: endWait } = wait(downMs);
      timer = { end: endWait };
      if (!stopped) await passed;
      timer = undefined;
      if (stopped) return;
      if (end === "back") bootAgain(state);
      await server.boot();
      gate.wake();
    });
    // Whoever waits for it hears of a failure; nobody has to wait.
    rising.catch(() => undefined);
    return down;
  };

  return {
    name: state.name,
    address: parts.address,
    port: gate.port,
    hostKey: state.key.publicKey,
    bootId: Effect.sync(() => state.bootId),
    counts: Effect.promise(() => countsOf(parts)),
    idle: Effect.promise(() => state.tally.idle()),
    strike: (name, details) =>
      Effect.tryPromise({
        try: () => inLine(() => give({ name, ...details })),
        catch: asFleetError,
      }),
    heal: Effect.tryPromise({ try: () => inLine(() => give(undefined)), catch: asFleetError }),
    read: (path) => Effect.promise(() => server.read(path)),
    write: (path, content) => Effect.promise(() => server.write(path, content)),
    reboot: (options = {}) =>
      Effect.promise(() => inLine(() => rebootOnce(options.downMs ?? usualDownMs, "back"))),
    obey: Effect.promise(() => {
      const { end = "back", downMs = usualDownMs } = state.options.reboot ?? {};
      return inLine(() => rebootOnce(downMs, end));
    }),
    up: Effect.promise(() => rising),
    stop: async () => {
      stopped = true;
      timer?.end();
      await inLine(() => rising.catch(() => undefined));
    },
  };

  async function rebootOnce(downMs: number, end: RebootEnd): Promise<void> {
    await rising;
    if (!stopped) await goDown(downMs, end);
  }
};

/** Runs one after the other what must not overlap. */
const makeLine = (): (<A>(next: () => Promise<A>) => Promise<A>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const mine = last.then(act, act);
    last = mine;
    return mine;
  };
};

const wait = (ms: number): { readonly passed: Promise<void>; readonly end: () => void } => {
  let end = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    end = () => {
      clearTimeout(timer);
      resolve();
    };
  });
  return { passed, end: () => end() };
};

/**
 * What a server has already said may still lie in a pipe. One turn of the loop reads it, and two
 * are sure to hold a whole one.
 */
const countsOf = async ({ state, gate, server }: HostParts): Promise<HostCounts> => {
  for (const _ of [1, 2]) await new Promise((resolve) => setImmediate(resolve));
  const { authRequests, ...counts } = state.tally.counts();
  const told = server.counted || isAboutKey(state.fault);
  return {
    ...counts,
    authRequests: told ? authRequests : null,
    bytes: server.counted ? gate.bytes() : null,
  };
};
