// The public face of the simulated hosts.

export { plainAnswers } from "./emulated-answers.ts";
export type { Answerer, EmulatedAnswer, EmulatedExec, EmulatedHost } from "./emulated-host.ts";
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
  type HostFile,
  type HostFleet,
  type HostFleetOptions,
  type HostOptions,
  type SimulatedHost,
} from "./host-fleet.ts";
export {
  startManInTheMiddle,
  type ManInTheMiddle,
  type ManInTheMiddleOptions,
} from "./man-in-the-middle.ts";
export { realHostsMissing, startRealHosts } from "./real.ts";
