// The public face of the gate sources.

import type { WorkerSourceShape } from "@muster/core/inventory/worker-source";
import { makeClient } from "./taskcluster/client.ts";
import type { TaskclusterSettings } from "./taskcluster/settings.ts";
import { makeWorkerManager, type WorkerManager } from "./taskcluster/worker-manager.ts";

export {
  taskclusterSettings,
  type SettingsFault,
  type TaskclusterSettings,
} from "./taskcluster/settings.ts";
export type { Credentials } from "./taskcluster/hawk.ts";
export type { TaskRun, WorkerDetails, WorkerManager } from "./taskcluster/worker-manager.ts";

/** Taskcluster's worker-manager, asked as the settings say. It neither retries nor logs. */
export const workerManager = (settings: TaskclusterSettings): WorkerManager =>
  makeWorkerManager(makeClient(settings));

/** The workers of Taskcluster, for the roll of hosts. */
export const taskclusterWorkers = (settings: TaskclusterSettings): WorkerSourceShape => {
  const { listWorkers } = workerManager(settings);
  return { list: ({ provisioner, workerType }) => listWorkers(provisioner, workerType) };
};
