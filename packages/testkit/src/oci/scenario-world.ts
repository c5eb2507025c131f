// Turns a scenario into the options of a simulator in which it holds.

import type { ForeignInstance } from "./cloud.ts";
import type { FaultRule } from "./faults.ts";
import { namedFaults } from "./named-faults.ts";
import { operationOf, type ScenarioFault } from "./scenario-fault.ts";
import { fullDomain, usualCompartment, type Scenario } from "./scenario.ts";
import type { OciSimulatorOptions } from "./simulator.ts";

/** The options of a simulator in which the scenario holds. */
export const optionsOf = (scenario: Scenario): OciSimulatorOptions => {
  const skew = (scenario.clockSkewSeconds ?? 0) * 1_000;
  return {
    ...scenario.timing,
    ...scenario.lists,
    ...scenario.variants,
    ...(skew === 0 ? {} : { wallClock: () => Date.now() + skew }),
    ...(scenario.throttle === undefined ? {} : { throttle: scenario.throttle }),
    ...(scenario.instanceLimit === undefined ? {} : { instanceLimit: scenario.instanceLimit }),
    ...(scenario.seed === undefined ? {} : { faultSeed: scenario.seed }),
    quotas: (scenario.quotas ?? []).map((quota) => ({
      compartmentId: quota.compartmentId ?? usualCompartment,
      instances: quota.instances,
    })),
    capacity: (scenario.capacity ?? []).map((row) => ({
      ...row,
      availabilityDomain: fullDomain(row.availabilityDomain),
    })),
    faults: (scenario.faults ?? []).map(faultRuleOf),
    instances: (now) => instancesOf(scenario, now),
  };
};

/** The rule of one fault of a scenario. */
export const faultRuleOf = (one: ScenarioFault): FaultRule => ({
  operation: operationOf(one) ?? "*",
  ...present(one, [
    "nth",
    "every",
    "probability",
    "times",
    "fromMs",
    "untilMs",
    "laterPages",
    "faultDomain",
  ]),
  ...(one.availabilityDomain === undefined
    ? {}
    : { availabilityDomain: fullDomain(one.availabilityDomain) }),
  answer: namedFaults[one.fault].answer(one),
});

const present = <A extends object, K extends keyof A>(from: A, names: readonly K[]): Pick<A, K> =>
  Object.fromEntries(
    names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]),
  ) as Pick<A, K>;

const instancesOf = (scenario: Scenario, now: number): readonly ForeignInstance[] =>
  (scenario.instances ?? []).map(({ ageMs, availabilityDomain, ...instance }) => ({
    ...instance,
    ...(ageMs === undefined ? {} : { createdAt: now - ageMs }),
    ...(availabilityDomain === undefined
      ? {}
      : { availabilityDomain: fullDomain(availabilityDomain) }),
  }));
