// The public face of the OCI simulator.

export {
  accountFromPem,
  fingerprintOf,
  keyIdOf,
  makeAccount,
  throwawayAccount,
  writeAccount,
  type AccountOptions,
  type SimulatorAccount,
  type SimulatorCaller,
  type WrittenAccount,
} from "./account.ts";
export {
  systemClock,
  virtualClock,
  type SimulatorClock,
  type VirtualClockOptions,
} from "./clock.ts";
export type { ForeignInstance, HostCapacity, Quota } from "./cloud.ts";
export type { Controls, SimulatedInstance } from "./controls.ts";
export {
  outOfHostCapacity,
  type FaultAnswer,
  type FaultMoment,
  type FaultRule,
  type FaultTable,
} from "./faults.ts";
export {
  makeInstanceIdentity,
  type IdentityOptions,
  type InstanceIdentity,
} from "./instance-identity.ts";
export type { JournalEntry, RequestEntry } from "./journal.ts";
export type { LifecycleState } from "./lifecycle.ts";
export { faultNames, namedFaults, type FaultName, type NamedFault } from "./named-faults.ts";
export { operations, type Operation } from "./operation.ts";
export { rules, type Rule, type RuleSource } from "./rules.ts";
export { readScenario, type Scenario } from "./scenario.ts";
export type { ScenarioFault } from "./scenario-fault.ts";
export { faultRuleOf, optionsOf } from "./scenario-world.ts";
export { defaultSeed, seedIds, type Seed } from "./seed.ts";
export type { SignatureFailure } from "./signature.ts";
export {
  OciSimulatorError,
  openOciSimulator,
  startOciSimulator,
  type OciSimulator,
  type OciSimulatorOptions,
  type OpenOciSimulator,
} from "./simulator.ts";
export type { TokenControls } from "./tokens.ts";
export type { ThrottleOptions } from "./throttle.ts";
