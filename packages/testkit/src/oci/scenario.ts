// Keeps what a scenario file may say: the world it begins with, and the faults in it.

import * as Schema from "effect/Schema";
import type { SpecFault } from "@muster/core/words/kind";
import { quote } from "@muster/core/words/quote";
import { rule, withRules, type Rule } from "@muster/core/read/rules";
import type { SourceText } from "@muster/core/read/source";
import { readValue, type ReadValue } from "@muster/core/read/value";
import { longestHoldMs } from "./faults.ts";
import { lifecycleStates } from "./lifecycle.ts";
import { faultNames, namedFaults, type FaultDetails } from "./named-faults.ts";
import { operations } from "./operation.ts";
import { defaultSeed, seedIds } from "./seed.ts";

const whole = (minimum: number, maximum: number, unit = "") => {
  const expected = `a whole number${unit === "" ? "" : ` of ${unit}`} from ${minimum} to ${maximum}`;
  return Schema.Int.check(Schema.isBetween({ minimum, maximum }, { expected }));
};

const dayMs = 86_400_000;
const millis = (maximum = dayMs) => whole(0, maximum, "milliseconds");

const text = Schema.String.check(
  Schema.isMinLength(1, { expected: "text of 1 to 1000 characters" }),
  Schema.isMaxLength(1_000, { expected: "text of 1 to 1000 characters" }),
);

const shortName = (full: string): string => full.replace(/^.*-(AD-\d+)$/u, "$1");

const Domain = Schema.Literals([
  ...defaultSeed.availabilityDomains.map(shortName),
  ...defaultSeed.availabilityDomains,
]);
const FaultDomain = Schema.Literals(defaultSeed.faultDomains);

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

const Fault = Schema.Struct({
  fault: Schema.Literals(faultNames).annotate({
    expected: "the name of a fault",
    hint: "docs/reference/simulator.md lists them",
  }),
  operation: Schema.optionalKey(
    Schema.Literals([...operations, "*"]).annotate({
      expected: 'an operation of the API, or "*"',
      hint: 'such as "LaunchInstance"',
    }),
  ),
  nth: Schema.optionalKey(whole(1, 1_000_000)),
  every: Schema.optionalKey(whole(1, 1_000_000)),
  probability: Schema.optionalKey(
    Schema.Finite.check(
      Schema.isBetween({ minimum: 0, maximum: 1 }, { expected: "a number from 0 to 1" }),
    ),
  ),
  times: Schema.optionalKey(whole(1, 1_000_000)),
  fromMs: Schema.optionalKey(millis(365 * dayMs)),
  untilMs: Schema.optionalKey(millis(365 * dayMs)),
  laterPages: Schema.optionalKey(Schema.Boolean),
  availabilityDomain: Schema.optionalKey(Domain),
  faultDomain: Schema.optionalKey(FaultDomain),
  status: Schema.optionalKey(whole(400, 599)),
  code: Schema.optionalKey(text),
  message: Schema.optionalKey(text),
  forMs: Schema.optionalKey(millis(longestHoldMs)),
  afterMs: Schema.optionalKey(millis()),
  retryAfterSeconds: Schema.optionalKey(whole(0, 3_600, "seconds")),
  accepted: Schema.optionalKey(Schema.Boolean),
});

const most = 1_000;
const listOf = <S extends Schema.Top>(one: S) =>
  Schema.optionalKey(
    Schema.Array(one).check(Schema.isMaxLength(most, { expected: `a list of at most ${most}` })),
  );

const Fields = Schema.Struct({
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

export type Scenario = typeof Fields.Type;
export type ScenarioFault = typeof Fault.Type;

const details: readonly (keyof FaultDetails)[] = [
  "status",
  "code",
  "message",
  "forMs",
  "afterMs",
  "retryAfterSeconds",
  "accepted",
];

type Told = Omit<SpecFault, "path"> & { readonly field: string };

const operationFault = ({ fault, operation }: ScenarioFault): readonly Told[] => {
  const fitting = namedFaults[fault].operations;
  const hint = fitting === "any" ? 'such as "LaunchInstance", or "*"' : fitting.join(", ");
  if (operation === undefined) {
    if (fitting !== "any" && fitting.length === 1) return [];
    return [{ field: "operation", summary: 'missing field "operation"', hint }];
  }
  if (fitting === "any" || fitting.some((one) => one === operation)) return [];
  const summary = `${quote(fault)} does not fit ${operation}`;
  return [{ field: "operation", summary, hint: `it fits: ${hint}` }];
};

const detailFaults = (one: ScenarioFault): readonly Told[] => {
  const { takes, needs = [] } = namedFaults[one.fault];
  const strange = details.filter((name) => one[name] !== undefined && !takes.includes(name));
  const missing = needs.filter((name) => one[name] === undefined);
  const known = takes.length === 0 ? "it takes no details" : `it takes: ${takes.join(", ")}`;
  return [
    ...strange.map((field) => ({
      field,
      summary: `${quote(field)} means nothing to ${quote(one.fault)}`,
      hint: known,
    })),
    ...missing.map((field) => ({
      field,
      summary: `missing field ${quote(field)}`,
      hint: `${quote(one.fault)} needs it`,
    })),
  ];
};

const selectionFaults = (one: ScenarioFault): readonly Told[] => {
  const operation = operationOf(one);
  const faults: Told[] = [];
  for (const field of ["availabilityDomain", "faultDomain"] as const) {
    if (one[field] === undefined || operation === "LaunchInstance") continue;
    const summary = `only launches have ${quote(field)}`;
    faults.push({ field, summary, hint: 'remove it, or write "operation: LaunchInstance"' });
  }
  if (one.laterPages === true && operation !== undefined && !operation.startsWith("List")) {
    const summary = `${operation} has no pages`;
    faults.push({ field: "laterPages", summary, hint: "remove it, or name a list" });
  }
  if (one.untilMs !== undefined && one.untilMs <= (one.fromMs ?? 0)) {
    const hint = '"untilMs" must be later than "fromMs"';
    faults.push({ field: "untilMs", summary: "the fault ends before it begins", hint });
  }
  return faults;
};

/** The operation that a fault strikes: the one that is named, or the only one that it fits. */
export const operationOf = ({ fault, operation }: ScenarioFault) => {
  const fitting = namedFaults[fault].operations;
  return operation ?? (fitting === "any" ? undefined : fitting[0]);
};

const faultRule = rule<Scenario>()(["faults"], ({ faults = [] }) =>
  faults.flatMap((one, index) =>
    [...operationFault(one), ...detailFaults(one), ...selectionFaults(one)].map(
      ({ field, ...fault }) => ({ path: ["faults", index, field], ...fault }),
    ),
  ),
);

const rules: readonly Rule<Scenario>[] = [faultRule];

/** The schema of a scenario file, with its rules. */
export const ScenarioSchema = withRules(Fields, rules);

/** Reads a scenario; every fault in it is told at once, with its place. */
export const readScenario = (source: SourceText): ReadValue<Scenario> =>
  readValue<Scenario>(ScenarioSchema, rules, "a scenario", source);

/** The full name of an availability domain. */
export const fullDomain = (name: string): string =>
  defaultSeed.availabilityDomains.find((full) => full === name || shortName(full) === name) ?? name;

/** Where a quota counts when it names no compartment. */
export const usualCompartment = seedIds.compartmentId;
