// Keeps the simulated cloud: instances, work requests and used retry tokens.

import { createHash } from "node:crypto";
import type { Journal } from "./journal.ts";
import { makeRetryTokens, type RetryTokens } from "./retry-tokens.ts";
import {
  enter,
  revise,
  revisionAt,
  type Attributes,
  type Delays,
  type History,
  type LifecycleState,
  type Revision,
  type Step,
} from "./lifecycle.ts";
import type { PagingOptions } from "./paging.ts";
import type { Seed } from "./seed.ts";

/** How many instances fit into a place. Those that are TERMINATED take no room. */
export interface HostCapacity {
  /** Full name. */
  readonly availabilityDomain: string;
  /** Default: the availability domain as a whole. */
  readonly faultDomain?: string;
  readonly hosts: number;
  /** Whether a launch is refused, or accepted with a work request that fails. Default `answer`. */
  readonly toldBy?: "answer" | "workRequest";
}

/** How many instances a compartment may have. Those that are TERMINATED do not count. */
export interface Quota {
  readonly compartmentId: string;
  readonly instances: number;
}

/** What the service leaves open, or what tests want to turn. */
export interface CloudSettings extends Delays, PagingOptions {
  readonly listLagMs: number;
  readonly keptAfterEndMs: number;
  readonly usedTokenOfDead: "instance" | "conflict";
  readonly unknownReference: "related" | "notFound";
  readonly terminateAgain: "conflict" | "notFound" | "modified";
  readonly terminateProvisioning: "accepted" | "conflict" | "modified";
  readonly workRequests: "readable" | "forbidden";
  readonly instanceLimit: number;
  readonly quotas: readonly Quota[];
  readonly capacity: readonly HostCapacity[];
  readonly addresses: "subnet" | "loopback";
}

export interface Instance {
  readonly id: string;
  readonly serial: number;
  readonly compartmentId: string;
  readonly availabilityDomain: string;
  readonly faultDomain: string;
  readonly shape: string;
  readonly shapeConfig: { readonly ocpus: number; readonly memoryInGBs: number };
  readonly imageId: string;
  readonly bootVolumeSizeInGBs?: number;
  readonly subnetId: string;
  readonly privateIp: string;
  readonly publicIp?: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Not launched through the API: a test put it there. */
  readonly foreign: boolean;
  readonly history: History;
}

export interface WorkRequest {
  readonly id: string;
  readonly serial: number;
  readonly operationType: TrackedOperation;
  readonly instanceId: string;
  readonly compartmentId: string;
  readonly acceptedAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly outcome: "SUCCEEDED" | "FAILED" | "CANCELED";
  readonly error?: { readonly code: string; readonly message: string };
}

type TrackedOperation = "LaunchInstance" | "TerminateInstance" | "UpdateInstance";

export interface Cloud {
  readonly seed: Seed;
  readonly settings: CloudSettings;
  readonly journal: Journal;
  readonly instances: Map<string, Instance>;
  readonly workRequests: Map<string, WorkRequest>;
  readonly retryTokens: RetryTokens;
  /** A new number at each call, never twice, also after a reset. */
  readonly nextSerial: () => number;
}

export const makeCloud = (seed: Seed, settings: CloudSettings, journal: Journal): Cloud => {
  let serial = 0;
  return {
    seed,
    settings,
    journal,
    instances: new Map(),
    workRequests: new Map(),
    retryTokens: makeRetryTokens(),
    nextSerial: () => (serial += 1),
  };
};

export const emptyCloud = (cloud: Cloud): void => {
  cloud.instances.clear();
  cloud.workRequests.clear();
  cloud.retryTokens.clear();
};

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** The 60 letters at the end of an OCID: the same serial always gives the same ones. */
export const lettersOf = (kind: string, serial: number): string =>
  [...createHash("sha512").update(`${kind}:${serial}`).digest().subarray(0, 60)]
    .map((byte) => alphabet[byte % alphabet.length] ?? "a")
    .join("");

/** `ocid1.<kind>.oc1.phx.<60 letters>`. */
export const ocid = (cloud: Cloud, kind: string, serial: number): string =>
  `ocid1.${kind}.oc1.${cloud.seed.regionKey.toLowerCase()}.${lettersOf(kind, serial)}`;

export const newEtag = (cloud: Cloud) => (): string =>
  createHash("sha256").update(`etag:${cloud.nextSerial()}`).digest("hex");

/** An instance together with the revision in force. */
export interface Seen {
  readonly instance: Instance;
  readonly revision: Revision;
}

/** How the instance looked at `time`; undefined before it was there and after it was forgotten. */
export const seenAt = (cloud: Cloud, instance: Instance, time: number): Seen | undefined => {
  const revision = revisionAt(instance.history, time);
  if (revision === undefined) return undefined;
  const { keptAfterEndMs } = cloud.settings;
  const forgotten = revision.state === "TERMINATED" && time >= revision.at + keptAfterEndMs;
  return forgotten ? undefined : { instance, revision };
};

export const findInstance = (cloud: Cloud, id: string, time: number): Seen | undefined => {
  const instance = cloud.instances.get(id);
  return instance === undefined ? undefined : seenAt(cloud, instance, time);
};

export const allSeenAt = (cloud: Cloud, time: number): readonly Seen[] =>
  [...cloud.instances.values()].flatMap((instance) => seenAt(cloud, instance, time) ?? []);

/** Puts an instance into the given states and stores it. */
export const moveInstance = (
  cloud: Cloud,
  instance: Instance,
  now: number,
  attributes: Attributes,
  steps: readonly Step[],
): Instance => {
  const history = enter(instance.history, now, attributes, steps, newEtag(cloud));
  return store(cloud, { ...instance, history });
};

export const changeAttributes = (
  cloud: Cloud,
  instance: Instance,
  now: number,
  attributes: Attributes,
): Instance => {
  const history = revise(instance.history, now, attributes, newEtag(cloud));
  return store(cloud, { ...instance, history });
};

const store = (cloud: Cloud, instance: Instance): Instance => {
  cloud.instances.set(instance.id, instance);
  return instance;
};

/** Opens a work request that ends after `delayMs`. */
export const openWorkRequest = (
  cloud: Cloud,
  instance: Instance,
  operationType: TrackedOperation,
  now: number,
  delayMs: number,
  end: { readonly error?: WorkRequest["error"]; readonly canceled?: boolean },
): WorkRequest => {
  const { error, canceled } = end;
  const serial = cloud.nextSerial();
  const workRequest: WorkRequest = {
    id: ocid(cloud, "coreservicesworkrequest", serial),
    serial,
    operationType,
    instanceId: instance.id,
    compartmentId: instance.compartmentId,
    acceptedAt: now,
    // Long enough to be seen as ACCEPTED, short enough to be IN_PROGRESS most of the time.
    startedAt: now + Math.floor(delayMs / 10),
    finishedAt: now + delayMs,
    outcome: error !== undefined ? "FAILED" : canceled === true ? "CANCELED" : "SUCCEEDED",
    ...(error === undefined ? {} : { error }),
  };
  cloud.workRequests.set(workRequest.id, workRequest);
  return workRequest;
};

/** Ends whatever is still under way for an instance, because it is going away. */
export const endWorkRequests = (
  cloud: Cloud,
  instanceId: string,
  now: number,
  end: Pick<WorkRequest, "outcome" | "error">,
): void => {
  for (const workRequest of cloud.workRequests.values()) {
    if (workRequest.instanceId !== instanceId || workRequest.finishedAt <= now) continue;
    cloud.workRequests.set(workRequest.id, {
      ...workRequest,
      startedAt: Math.min(workRequest.startedAt, now),
      finishedAt: now,
      ...end,
    });
  }
};

/** Frees what can no longer be seen by anybody, so that long runs stay bounded. */
export const forgetTheOld = (cloud: Cloud, now: number): void => {
  const { keptAfterEndMs, listLagMs } = cloud.settings;
  const oldestView = now - listLagMs;
  for (const instance of cloud.instances.values()) {
    const last = instance.history.at(-1);
    if (last === undefined || last.at > oldestView) continue;
    if (seenAt(cloud, instance, oldestView) === undefined) cloud.instances.delete(instance.id);
  }
  for (const workRequest of cloud.workRequests.values()) {
    if (now >= workRequest.finishedAt + keptAfterEndMs) cloud.workRequests.delete(workRequest.id);
  }
};

/** What a test may ask for an instance that no API call launched. */
export interface ForeignInstance {
  readonly displayName?: string;
  readonly freeformTags?: Readonly<Record<string, string>>;
  readonly definedTags?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Default RUNNING. */
  readonly lifecycleState?: LifecycleState;
  readonly compartmentId?: string;
  /** Default: the first. */
  readonly availabilityDomain?: string;
  readonly faultDomain?: string;
  readonly shape?: string;
  readonly imageId?: string;
  readonly subnetId?: string;
  /** Default: one of the subnet, or of this machine, as the simulator's `addresses` says. */
  readonly privateIp?: string;
  /** Milliseconds since the epoch. Default now. An earlier one is listed despite the list lag. */
  readonly createdAt?: number;
  /** It becomes TERMINATED by itself so many milliseconds from now. Default: never. */
  readonly diesAfterMs?: number;
}
