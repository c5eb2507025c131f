// Keeps what a scenario file may say: the world it begins with, and the faults in it.

import * as Schema from "effect/Schema";
import type { SourceText } from "@muster/core/read/source";
import { readValue, type ReadValue } from "@muster/core/read/value";
import { lifecycleStates } from "./lifecycle.ts";
import { Fault } from "./scenario-fault.ts";
import { dayMs, Domain, FaultDomain, millis, shortName, text, whole } from "./scenario-values.ts";
import { defaultSeed, seedIds } from "./seed.ts";

const Timing = Schema.Struct({
  launchDelayMs: Schema.optionalKey(millis()),
  terminateDelayMs: Schema.optionalKey(millis()),
  stopDelayMs: Schema.optionalKey(millis()),
  startDelayMs: Schema.optionalKey(millis()),
  launchPassesStarting: Schema.optionalKey(Schema.Boolean),
  listLagMs: Schema.optionalKey(millis()),
});

const Lists = Schema.Struct({
  pageSize: Schema.optionalKey(whole(1, 1_000)),
  emptyPages: Schema.optionalKey(Schema.Boolean),
});

const Variants = Schema.Struct({
  usedTokenOfDead: Schema.optionalKey(Schema.Literals(["instance", "conflict"])),
  unknownReference: Schema.optionalKey(Schema.Literals(["related", "notFound"])),
  terminateAgain: Schema.optionalKey(Schema.Literals(["conflict", "notFound", "modified"])),
  terminateProvisioning: Schema.optionalKey(Schema.Literals(["accepted", "conflict", "modified"])),
  workRequests: Schema.optionalKey(Schema.Literals(["readable", "forbidden"])),
});

const Throttle = Schema.Struct({
  perSecond: Schema.Finite.check(
    Schema.isBetween({ minimum: 0.001, maximum: 100_000 }, { expected: "a number above 0" }),
  ),
  burst: whole(1, 100_000),
  retryAfterSeconds: Schema.optionalKey(whole(0, 3_600, "seconds")),
});

const Quota = Schema.Struct({
  compartmentId: Schema.optionalKey(Schema.Literals(defaultSeed.compartments.map(({ id }) => id))),
  instances: whole(0, 100_000),
});

const Capacity = Schema.Struct({
  availabilityDomain: Domain,
  faultDomain: Schema.optionalKey(FaultDomain),
  hosts: whole(0, 100_000),
  toldBy: Schema.optionalKey(Schema.Literals(["answer", "workRequest"])),
});

const Tags = Schema.Record(Schema.String, Schema.String);

const Instance = Schema.Struct({
  displayName: Schema.optionalKey(text),
  freeformTags: Schema.optionalKey(Tags),
  lifecycleState: Schema.optionalKey(Schema.Literals(lifecycleStates)),
  availabilityDomain: Schema.optionalKey(Domain),
  faultDomain: Schema.optionalKey(FaultDomain),
  ageMs: Schema.optionalKey(millis(365 * dayMs)),
  diesAfterMs: Schema.optionalKey(millis()),
});

const most = 1_000;
const listOf = <S extends Schema.Top>(one: S) =>
  Schema.optionalKey(
    Schema.Array(one).check(Schema.isMaxLength(most, { expected: `a list of at most ${most}` })),
  );

export const ScenarioSchema = Schema.Struct({
  about: Schema.optionalKey(text),
  seed: Schema.optionalKey(whole(0, 4_294_967_295)),
  clockSkewSeconds: Schema.optionalKey(whole(-31_536_000, 31_536_000, "seconds")),
  timing: Schema.optionalKey(Timing),
  lists: Schema.optionalKey(Lists),
  variants: Schema.optionalKey(Variants),
  throttle: Schema.optionalKey(Throttle),
  instanceLimit: Schema.optionalKey(whole(0, 100_000)),
  quotas: listOf(Quota),
  capacity: listOf(Capacity),
  instances: listOf(Instance),
  faults: listOf(Fault),
});

export type Scenario = typeof ScenarioSchema.Type;

/** Reads a scenario; every fault in it is told at once, with its place. */
export const readScenario = (source: SourceText): ReadValue<Scenario> =>
  readValue<Scenario>(ScenarioSchema, "a scenario", source);

/** The full name of an availability domain. */
export const fullDomain = (name: string): string =>
  defaultSeed.availabilityDomains.find((full) => full === name || shortName(full) === name) ?? name;

/** Where a quota counts when it names no compartment. */
export const usualCompartment = seedIds.compartmentId;
