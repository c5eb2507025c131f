// Finds the hosts that a filter means, with all that queries and tables ask of them.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { nearest, quote, type StoreError, type StoreShape } from "@muster/core";
import { type DriftThresholds, driftOf } from "@muster/core/inventory/drift";
import { historyOwner, sightingsOwner } from "@muster/core/inventory/history";
import { hostRow, type HostView } from "@muster/core/inventory/host-row";
import { neverSeen } from "@muster/core/inventory/sighting";
import { inventoryOwner, type Roll, rollOf } from "@muster/core/inventory/roll";
import { hostFields } from "@muster/core/query/host-fields";
import { selectRows } from "@muster/core/query/judge";
import { parseQuery } from "@muster/core/query/parse";
import { inDefaultScope } from "@muster/core/query/scope";
import { fieldsAsked, type Query } from "@muster/core/query/tree";
import type { Host, Population, Sighting } from "@muster/core/words/host";
import { type CommandEnd, wrongInput } from "../exit.ts";

/** A query of hosts as it was written; every fault with its place in what the person calls it. */
export const readQuery = (
  text: string,
  called: "filter" | "target-query" = "filter",
): Effect.Effect<Query, CommandEnd> => {
  const parsed = parseQuery(text, hostFields);
  if (Result.isSuccess(parsed)) return Effect.succeed(parsed.success);
  const faults = parsed.failure.map(
    ({ at, summary, hint }) =>
      `${called}:1:${at.column}: ${summary}${hint === undefined ? "" : ` (${hint})`}`,
  );
  return Effect.fail(
    wrongInput(
      `the ${called.replace("-", " ")} cannot be read: ${faults.join("; ")}`,
      `such as --${called} 'role:gecko_t_linux_talos AND expected_role:null'`,
    ),
  );
};

export interface Found {
  readonly views: ReadonlyArray<HostView>;
  /** How many hosts there are in all. */
  readonly all: number;
}

/** What a host is judged by, beside what is known of it. */
export interface Ground {
  readonly thresholds: DriftThresholds;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** The hosts of this query, in its order, else by name; disabled ones only where it names them. */
export const findHosts = Effect.fnUntraced(function* (
  store: StoreShape,
  roll: Roll,
  query: Query,
  ground: Ground,
): Effect.fn.Return<Found, StoreError> {
  const views = yield* viewHosts(store, roll, ground);
  return { views: chooseHosts(views, query, ground), all: views.length };
});

/** Those of the hosts that the query means, in its order. */
export const chooseHosts = (
  views: ReadonlyArray<HostView>,
  query: Query,
  { thresholds, now }: Ground,
): ReadonlyArray<HostView> => {
  const asked = fieldsAsked(query).flatMap((field) => /^label\.(.*)$/u.exec(field)?.[1] ?? []);
  const labels = new Set([...asked, ...views.flatMap(({ host }) => Object.keys(host.labels))]);
  const context = { labels: [...labels], workerMillis: thresholds.workerMillis, now };
  const rowOf = memoised((view: HostView) => hostRow(view, context));
  return selectRows(inDefaultScope(query, hostFields), views, rowOf, now);
};

const memoised = <A extends object, B>(compute: (a: A) => B): ((a: A) => B) => {
  const known = new WeakMap<A, { readonly value: B }>();
  return (a) => {
    const before = known.get(a);
    if (before !== undefined) return before.value;
    const value = compute(a);
    known.set(a, { value });
    return value;
  };
};

/** Every host on the roll, by name, with what is known of it. */
const viewHosts = Effect.fnUntraced(function* (
  store: StoreShape,
  roll: Roll,
  ground: Ground,
): Effect.fn.Return<ReadonlyArray<HostView>, StoreError> {
  const sightings = new Map<string, Sighting>();
  for (const record of yield* store.load(sightingsOwner)) {
    if (record._tag === "Sighting") sightings.set(record.sighting.host, record.sighting);
  }
  const views: Array<HostView> = [];
  // A change is written to many hosts: each of its texts is read once.
  const texts = new Map<string, string | null>();
  for (const [name, host] of roll.hosts) {
    const sighting = sightings.get(name) ?? neverSeen(name);
    const sha = sighting.overrideSha?.value ?? null;
    if (sha !== null && !texts.has(sha)) texts.set(sha, yield* overrideText(store, sha));
    const population = roll.populations.get(host.population ?? "") ?? null;
    const override = sha === null ? null : (texts.get(sha) ?? null);
    views.push(viewOf({ host, sighting, population, override }, ground));
  }
  return views;
});

/** One host by its name as people give it, with what is known of it; no other's records are read. */
export const viewCalled = Effect.fnUntraced(function* (
  store: StoreShape,
  called: string,
  ground: Ground,
): Effect.fn.Return<HostView, CommandEnd | StoreError> {
  const host = yield* hostCalled(store, called);
  const name = host.address.host;
  const seen = yield* store.record(sightingsOwner, `Sighting/${name}`);
  const sighting = seen?._tag === "Sighting" ? seen.sighting : neverSeen(name);
  const sha = sighting.overrideSha?.value ?? null;
  const override = sha === null ? null : yield* overrideText(store, sha);
  const belongs =
    host.population === null
      ? null
      : yield* store.record(inventoryOwner, `Population/${host.population}`);
  const population = belongs?._tag === "Population" ? belongs.population : null;
  return viewOf({ host, sighting, population, override }, ground);
});

interface Known {
  readonly host: Host;
  readonly sighting: Sighting;
  readonly population: Population | null;
  readonly override: string | null;
}

const viewOf = ({ host, sighting, population, override }: Known, ground: Ground): HostView => ({
  host,
  sighting,
  drift: driftOf({ host, sighting, expectations: { population, override: null }, ...ground }),
  override,
});

/** The override as text, where its bytes were kept. */
const overrideText = Effect.fnUntraced(function* (
  store: StoreShape,
  sha256: string,
): Effect.fn.Return<string | null, StoreError> {
  const record = yield* store.record(historyOwner, `Content/${sha256}`);
  return record?._tag === "Content" ? Buffer.from(record.base64, "base64").toString() : null;
});

/** A host by its name as people give it; others are read only to tell that there is none. */
export const hostCalled = Effect.fnUntraced(function* (
  store: StoreShape,
  called: string,
): Effect.fn.Return<Host, CommandEnd | StoreError> {
  const record = yield* store.record(inventoryOwner, `Host/${plainName(called)}`);
  if (record?._tag === "Host") return record.host;
  return yield* noHost(rollOf(yield* store.load(inventoryOwner)), called);
});

/** A host's name as people give it, where it is on the roll. */
export const knownHost = (roll: Roll, called: string): Effect.Effect<string, CommandEnd> => {
  const host = plainName(called);
  return roll.hosts.has(host) ? Effect.succeed(host) : Effect.fail(noHost(roll, called));
};

const plainName = (called: string): string => called.toLowerCase().replace(/\.$/u, "");

const noHost = (roll: Roll, called: string): CommandEnd => {
  const host = plainName(called);
  const near = nearest(host, Array.from(roll.hosts.keys()));
  const remedy = roll.seeds.has(host)
    ? "it is a seed that nobody has looked at yet: inventory refresh"
    : near === undefined
      ? "list them with: host list"
      : `did you mean ${quote(near)}?`;
  return wrongInput(`there is no host ${quote(called)}`, remedy);
};
