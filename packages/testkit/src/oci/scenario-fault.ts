// Keeps what a scenario may say of one fault: which, when, where, and what does not fit together.

import * as Schema from "effect/Schema";
import * as SchemaIssue from "effect/SchemaIssue";
import { quote } from "@muster/core/words/quote";
import { longestHoldMs } from "./faults.ts";
import { faultNames, namedFaults, type FaultDetails } from "./named-faults.ts";
import { operations } from "./operation.ts";
import { dayMs, Domain, FaultDomain, millis, text, whole } from "./scenario-values.ts";

const FaultFields = Schema.Struct({
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

export type ScenarioFault = typeof FaultFields.Type;

/** The operation that a fault strikes: the one that is named, or the only one that it fits. */
export const operationOf = ({ fault, operation }: ScenarioFault) => {
  const fitting = namedFaults[fault].operations;
  return operation ?? (fitting === "any" ? undefined : fitting[0]);
};

const details: readonly (keyof FaultDetails)[] = [
  "status",
  "code",
  "message",
  "forMs",
  "afterMs",
  "retryAfterSeconds",
  "accepted",
];

interface Told {
  readonly field: string;
  readonly summary: string;
  readonly hint: string;
}

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

export const Fault = FaultFields.check(
  Schema.makeFilter((one) =>
    [...operationFault(one), ...detailFaults(one), ...selectionFaults(one)].map(
      ({ field, summary, hint }) => ({
        path: [field],
        issue: new SchemaIssue.InvalidValue({ message: summary, hint }),
      }),
    ),
  ),
);
