// The public face of the simulated hosts.

export {
  plainAnswers,
  type Answerer,
  type EmulatedAnswer,
  type EmulatedExec,
  type EmulatedHost,
} from "./emulated-answers.ts";
export { startEmulatedHosts, type EmulatedFleetOptions } from "./emulated.ts";
export {
  bytesBeforeCut,
  hostFaultNames,
  hostFaults,
  type HostFault,
  type HostFaultAbout,
  type HostFaultName,
} from "./faults.ts";
export {
  HostFleetError,
  type HostCounts,
  type HostFleet,
  type HostFleetOptions,
  type HostOptions,
  type SimulatedHost,
} from "./host-fleet.ts";
export { realHostsMissing, startRealHosts } from "./real.ts";
