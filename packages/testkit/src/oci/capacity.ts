// Decides whether a launch finds a host, a limit and a quota that still have room.

import { refuse, type Answer } from "./answer.ts";
import { allSeenAt, type Cloud, type HostCapacity, type Instance } from "./cloud.ts";
import { noHostLeft } from "./faults.ts";

/** Where a launch goes: a fault domain with room, or why there is none. */
export type Placement =
  | { readonly faultDomain: string }
  | { readonly full: Required<HostCapacity>["toldBy"]; readonly faultDomain: string };

const occupants = (cloud: Cloud, now: number): readonly Instance[] =>
  allSeenAt(cloud, now).flatMap(({ instance, revision }) =>
    revision.state === "TERMINATED" ? [] : instance,
  );

/** 400 LimitExceeded or QuotaExceeded, when one more instance would be too many. */
export const refuseForCount = (
  cloud: Cloud,
  compartmentId: string,
  now: number,
): Answer | undefined => {
  const alive = occupants(cloud, now);
  if (alive.length >= cloud.settings.instanceLimit) return limitExceeded;
  const here = alive.filter((instance) => instance.compartmentId === compartmentId).length;
  const quota = cloud.settings.quotas.find(
    (one) => one.compartmentId === compartmentId && here >= one.instances,
  );
  return quota === undefined ? undefined : quotaExceeded;
};

const limitExceeded = refuse(
  400,
  "LimitExceeded",
  "The following service limits were exceeded: instance-count. Request a service limit increase.",
);

const quotaExceeded = refuse(
  400,
  "QuotaExceeded",
  "The following compartment quotas were exceeded: instance-count.",
);

/** The answer to a launch into a place that is full, when the answer tells it. */
export const outOfCapacity = refuse(500, noHostLeft.code, noHostLeft.message);

/** Places a launch; without a fault domain the service picks one that has room. */
export const placeFor = (
  cloud: Cloud,
  asked: { readonly availabilityDomain: string; readonly faultDomain?: string | undefined },
  serial: number,
  now: number,
): Placement => {
  const { availabilityDomain } = asked;
  const all = cloud.seed.faultDomains;
  const turn = serial % all.length;
  const wanted =
    asked.faultDomain === undefined
      ? [...all.slice(turn), ...all.slice(0, turn)]
      : [asked.faultDomain];
  const first = wanted[0] ?? "FAULT-DOMAIN-1";
  const rows = cloud.settings.capacity.filter(
    (row) => row.availabilityDomain === availabilityDomain,
  );
  if (rows.length === 0) return { faultDomain: first };
  const there = occupants(cloud, now).filter(
    (instance) => instance.availabilityDomain === availabilityDomain,
  );
  const fullRow = (faultDomain: string): HostCapacity | undefined =>
    rows.find(
      (row) =>
        (row.faultDomain ?? faultDomain) === faultDomain &&
        there.filter(
          (instance) => (row.faultDomain ?? instance.faultDomain) === instance.faultDomain,
        ).length >= row.hosts,
    );
  const free = wanted.find((faultDomain) => fullRow(faultDomain) === undefined);
  return free === undefined
    ? { faultDomain: first, full: fullRow(first)?.toldBy ?? "answer" }
    : { faultDomain: free };
};
