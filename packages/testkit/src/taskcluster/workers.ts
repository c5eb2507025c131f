// Decides what Taskcluster knows of workers: late by up to half an hour, and nothing after a day.

import { createHash } from "node:crypto";

export interface SimulatedWorker {
  readonly provisionerId: string;
  readonly workerType: string;
  /** Default `mdc1`. */
  readonly workerGroup?: string;
  readonly workerId: string;
  /** When it asked for work last, milliseconds since the epoch. Default: it still does. */
  readonly activeUntil?: number;
  /** Milliseconds since the epoch. Default: it never was in quarantine. */
  readonly quarantineUntil?: number;
  /** What it took, oldest first; the last 20 are told. Default: nothing. */
  readonly tasks?: ReadonlyArray<{ readonly taskId: string; readonly runId: number }>;
  /** Whether a list shows it twice, as a worker-manager does that knows it in two pools. Default false. */
  readonly listedTwice?: boolean;
}

/** How often Taskcluster writes down that a worker is there, in milliseconds. */
const writtenEvery = 30 * 60_000;
const keptFor = 24 * 3_600_000;
const tenYears = 10 * 365 * keptFor;
const mostTasks = 20;

const groupOf = ({ workerGroup = "mdc1" }: SimulatedWorker): string => workerGroup;

/** When it was written down last: at a time of its own within each half hour. */
const writtenAt = (worker: SimulatedWorker, now: number): number => {
  const own = createHash("sha256").update(worker.workerId).digest().readUInt32BE(0) % writtenEvery;
  const until = Math.min(worker.activeUntil ?? now, now);
  return until - ((((until - own) % writtenEvery) + writtenEvery) % writtenEvery);
};

const isKept = (worker: SimulatedWorker, now: number): boolean =>
  writtenAt(worker, now) + keptFor > now || (worker.quarantineUntil ?? 0) > now;

const rowOf = (worker: SimulatedWorker, now: number) => {
  const written = writtenAt(worker, now);
  return {
    workerGroup: groupOf(worker),
    workerId: worker.workerId,
    workerPoolId: `${worker.provisionerId}/${worker.workerType}`,
    firstClaim: iso(written - keptFor),
    lastDateActive: iso(written),
    quarantineUntil: iso(worker.quarantineUntil ?? now - tenYears),
    state: "standalone",
    capacity: 0,
    providerId: "none",
  };
};

/** The workers of a pool that are still known, in the order of a list. */
export const listRows = (
  workers: ReadonlyArray<SimulatedWorker>,
  provisionerId: string,
  workerType: string,
  now: number,
) =>
  workers
    .filter((worker) => isOf(worker, provisionerId, workerType) && isKept(worker, now))
    .toSorted((a, b) => compare(groupOf(a), groupOf(b)) || compare(a.workerId, b.workerId))
    .flatMap((worker) => {
      const latestTask = worker.tasks?.at(-1);
      const row = { ...rowOf(worker, now), ...(latestTask === undefined ? {} : { latestTask }) };
      return worker.listedTwice === true ? [row, row] : [row];
    });

/** One worker with what it did; nothing when it is not known, or no longer. */
export const detailsOf = (
  workers: ReadonlyArray<SimulatedWorker>,
  [provisionerId, workerType, workerGroup, workerId]: readonly [string, string, string, string],
  now: number,
) => {
  const worker = workers.find(
    (one) =>
      isOf(one, provisionerId, workerType) &&
      groupOf(one) === workerGroup &&
      one.workerId === workerId,
  );
  if (worker === undefined || !isKept(worker, now)) return undefined;
  return {
    ...rowOf(worker, now),
    provisionerId,
    workerType,
    expires: iso(writtenAt(worker, now) + keptFor),
    quarantineDetails: [],
    recentTasks: (worker.tasks ?? []).slice(-mostTasks),
  };
};

const isOf = (worker: SimulatedWorker, provisionerId: string, workerType: string): boolean =>
  worker.provisionerId === provisionerId && worker.workerType === workerType;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const iso = (millis: number): string => new Date(millis).toISOString();
