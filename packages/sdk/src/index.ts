// What people write and call to embed muster.

export { createMuster, type CallOptions, type Muster, type MusterOptions } from "./client.ts";
export { MusterClosed } from "./closed.ts";
export {
  defineConfig,
  type HostsConfig,
  type MusterConfig,
  type OperatorsConfig,
} from "./config.ts";
export {
  FleetActions,
  FleetAnswer,
  FleetBusy,
  type FleetControl,
  FleetControlStatus,
  FleetFailed,
  FleetMetrics,
  FleetOperation,
  FleetOverride,
  FleetPhase,
  RestartRequest,
  ScaleRequest,
} from "./fleet-contract.ts";
export { apply, plan, type TurnError, type TurnOptions } from "./turn.ts";
export {
  ConfigurationError,
  digestOfPlans,
  hasErrors,
  layerMemory,
  LeaseError,
  ProviderError,
  Store,
  StoreError,
  verdictOfApply,
  verdictOfPlan,
} from "@muster/core";
export type {
  Change,
  Diagnostic,
  DocumentStatus,
  Event,
  Mandate,
  Outcome,
  Pace,
  Plan,
  Plugin,
  Policy,
  ReconcileReport,
  SourceText,
  Verdict,
} from "@muster/core";
