// Decides what the operations on work requests answer.

import { notFound, ok } from "./answer.ts";
import type { Cloud, WorkRequest } from "./cloud.ts";
import { refuseCompartment, wants } from "./compartment-query.ts";
import { answered, type Call, type Decide } from "./call.ts";
import { page } from "./paging.ts";

const iso = (time: number): string => new Date(time).toISOString();

const statusAt = (workRequest: WorkRequest, now: number): string => {
  if (now >= workRequest.finishedAt) return workRequest.outcome;
  return now >= workRequest.startedAt ? "IN_PROGRESS" : "ACCEPTED";
};

const percentAt = (workRequest: WorkRequest, now: number): number => {
  if (now >= workRequest.finishedAt) return 100;
  const whole = workRequest.finishedAt - workRequest.acceptedAt;
  return Math.floor(((now - workRequest.acceptedAt) / whole) * 100);
};

const summaryAt = (workRequest: WorkRequest, now: number) => ({
  id: workRequest.id,
  operationType: workRequest.operationType,
  status: statusAt(workRequest, now),
  compartmentId: workRequest.compartmentId,
  percentComplete: percentAt(workRequest, now),
  timeAccepted: iso(workRequest.acceptedAt),
  ...(now >= workRequest.startedAt ? { timeStarted: iso(workRequest.startedAt) } : {}),
  ...(now >= workRequest.finishedAt ? { timeFinished: iso(workRequest.finishedAt) } : {}),
});

const doneTypes = {
  LaunchInstance: "CREATED",
  UpdateInstance: "UPDATED",
  TerminateInstance: "DELETED",
} as const;

const resourceAt = (workRequest: WorkRequest, now: number) => ({
  actionType: now >= workRequest.finishedAt ? doneTypes[workRequest.operationType] : "IN_PROGRESS",
  entityType: "instance",
  identifier: workRequest.instanceId,
  entityUri: `/20160918/instances/${workRequest.instanceId}`,
});

const find = (cloud: Cloud, call: Call): WorkRequest | undefined => {
  const workRequest = cloud.workRequests.get(call.path["workRequestId"] ?? "");
  if (cloud.settings.workRequests === "forbidden") return undefined;
  return workRequest === undefined ||
    call.now >= workRequest.finishedAt + cloud.settings.keptAfterEndMs
    ? undefined
    : workRequest;
};

export const getWorkRequest: Decide = (cloud, call) => {
  const workRequest = find(cloud, call);
  return answered(
    workRequest === undefined
      ? notFound()
      : ok({
          ...summaryAt(workRequest, call.now),
          resources: [resourceAt(workRequest, call.now)],
        }),
  );
};

export const listWorkRequests: Decide = (cloud, call) => {
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  if (cloud.settings.workRequests === "forbidden") return answered(notFound());
  const resourceId = call.query.get("resourceId");
  const items = [...cloud.workRequests.values()]
    .filter(
      (item) =>
        wants(call, "compartmentId", item.compartmentId) &&
        call.now < item.finishedAt + cloud.settings.keptAfterEndMs &&
        (resourceId === null || item.instanceId === resourceId),
    )
    // The newest first.
    .toSorted((left, right) => right.serial - left.serial);
  return answered(
    page(
      items,
      (item) => [-item.serial],
      (item) => summaryAt(item, call.now),
      call.query,
      cloud.settings,
    ),
  );
};

export const listWorkRequestErrors: Decide = (cloud, call) => {
  const workRequest = find(cloud, call);
  if (workRequest === undefined) return answered(notFound());
  const { error, finishedAt } = workRequest;
  const errors =
    error === undefined || call.now < finishedAt ? [] : [{ ...error, timestamp: iso(finishedAt) }];
  return answered(
    page(
      errors,
      () => [0],
      (item) => item,
      call.query,
      cloud.settings,
    ),
  );
};

export const listWorkRequestLogs: Decide = (cloud, call) => {
  const workRequest = find(cloud, call);
  if (workRequest === undefined) return answered(notFound());
  const entries = [
    { at: workRequest.acceptedAt, message: `${workRequest.operationType} accepted.` },
    { at: workRequest.startedAt, message: `${workRequest.operationType} started.` },
    { at: workRequest.finishedAt, message: `${workRequest.operationType} ended.` },
  ].filter((entry) => entry.at <= call.now);
  return answered(
    page(
      entries.map((entry, index) => ({ ...entry, index })),
      (entry) => [entry.index],
      (entry) => ({ message: entry.message, timestamp: iso(entry.at) }),
      call.query,
      cloud.settings,
    ),
  );
};
