// The public face of the Taskcluster simulator.

export {
  issueTemporary,
  throwawayClient,
  type IssuedCredentials,
  type SimulatedClient,
} from "./clients.ts";
export {
  taskclusterFaultNames,
  taskclusterFaults,
  type FaultRule,
  type TaskclusterFault,
} from "./faults.ts";
export {
  startTaskcluster,
  TaskclusterSimulatorError,
  type TaskclusterRequest,
  type TaskclusterSimulator,
  type TaskclusterSimulatorOptions,
} from "./simulator.ts";
export type { SimulatedWorker } from "./workers.ts";
