// Keeps what a test can ask of a simulator and do to it behind the API's back.

import {
  allSeenAt,
  emptyCloud,
  endWorkRequests,
  findInstance,
  moveInstance,
  ocid,
  type Cloud,
  type ForeignInstance,
  type Instance,
  type Seen,
} from "./cloud.ts";
import type { FaultRule, FaultTable } from "./faults.ts";
import { instanceView } from "./instances.ts";
import type { JournalEntry, RequestEntry } from "./journal.ts";
import { addressOf, pickFaultDomain } from "./launch.ts";
import { deathStep, type LifecycleState } from "./lifecycle.ts";
import { seedIds } from "./seed.ts";
import type { Service } from "./service.ts";
import type { TokenControls } from "./tokens.ts";

/** An instance as GetInstance writes it, with what only the simulator knows. */
export type SimulatedInstance = ReturnType<typeof instanceView> & {
  readonly etag: string;
  readonly subnetId: string;
  readonly privateIp: string;
  /** True when a test put it there and no API call launched it. */
  readonly foreign: boolean;
};

/** What a test can ask and do, in process or under `/simulator/`. */
export interface Controls {
  /** The simulator's time, milliseconds since the epoch. */
  readonly now: () => number;
  /** Moves the simulator's time forward, milliseconds. */
  readonly advance: (ms: number) => void;
  /** Accepted changes in order (the newest 100 000). */
  readonly journal: () => readonly JournalEntry[];
  /** API requests in order (the newest 50 000). */
  readonly requests: () => readonly RequestEntry[];
  /** All instances as they are now, without list lag, for as long as Get would find them. */
  readonly instances: () => readonly SimulatedInstance[];
  /** The instance dies by itself: TERMINATED at once, no journal entry. False when unknown. */
  readonly kill: (instanceId: string) => boolean;
  /** The instance stops by itself: STOPPED at once, no journal entry. False when unknown. */
  readonly stop: (instanceId: string) => boolean;
  /** Puts an instance there that nobody launched through the API; no journal entry. */
  readonly addForeign: (foreign: ForeignInstance) => SimulatedInstance;
  readonly faults: FaultTable;
  readonly tokens: TokenControls;
  /** Forgets all that happened; the first faults and instances are planted again. */
  readonly reset: () => void;
}

/** The controls of one service; a reset plants the first faults and instances again. */
export const controlsOf = (
  service: Service,
  firstFaults: readonly FaultRule[],
  firstInstances: (now: number) => readonly ForeignInstance[] = () => [],
): Controls => {
  const { cloud, clock, faults, throttle } = service;
  const plant = (): void => {
    for (const instance of firstInstances(clock.now())) addForeign(cloud, instance, clock.now());
  };
  plant();
  return {
    now: clock.now,
    advance: clock.advance,
    journal: cloud.journal.entries,
    requests: cloud.journal.requests,
    instances: () => allSeenAt(cloud, clock.now()).map((seen) => simulatedView(cloud, seen)),
    kill: (instanceId) => forceInto(cloud, instanceId, clock.now(), "TERMINATED"),
    stop: (instanceId) => forceInto(cloud, instanceId, clock.now(), "STOPPED"),
    addForeign: (foreign) => addForeign(cloud, foreign, clock.now()),
    faults,
    tokens: service.tokens,
    reset: () => {
      emptyCloud(cloud);
      cloud.journal.clear();
      throttle?.reset();
      faults.set(firstFaults);
      plant();
    },
  };
};

const simulatedView = (cloud: Cloud, seen: Seen): SimulatedInstance => ({
  ...instanceView(cloud, seen),
  etag: seen.revision.etag,
  subnetId: seen.instance.subnetId,
  privateIp: seen.instance.privateIp,
  foreign: seen.instance.foreign,
});

const forceInto = (
  cloud: Cloud,
  instanceId: string,
  now: number,
  state: LifecycleState,
): boolean => {
  const seen = findInstance(cloud, instanceId, now);
  if (seen === undefined || seen.revision.state === "TERMINATED") return false;
  endWorkRequests(cloud, instanceId, now, {
    outcome: "FAILED",
    error: { code: "InternalError", message: `The instance became ${state} by itself.` },
  });
  const steps = [{ afterMs: 0, state }];
  moveInstance(cloud, seen.instance, now, seen.revision.attributes, steps);
  return true;
};

const addForeign = (cloud: Cloud, asked: ForeignInstance, now: number): SimulatedInstance => {
  const { seed } = cloud;
  const serial = cloud.nextSerial();
  const createdAt = Math.min(asked.createdAt ?? now, now);
  const shape = seed.shapes.find(({ name }) => name === asked.shape) ?? seed.shapes[0];
  const placed: Instance = {
    id: ocid(cloud, "instance", serial),
    serial,
    compartmentId: asked.compartmentId ?? seed.compartments[0]?.id ?? seed.tenancyId,
    availabilityDomain: asked.availabilityDomain ?? seed.availabilityDomains[0] ?? "",
    faultDomain: asked.faultDomain ?? pickFaultDomain(cloud, serial),
    shape: asked.shape ?? shape?.name ?? "",
    shapeConfig: { ocpus: shape?.ocpus ?? 1, memoryInGBs: shape?.memoryInGBs ?? 1 },
    imageId: asked.imageId ?? seed.images[0]?.id ?? seedIds.imageId,
    subnetId: asked.subnetId ?? seed.subnets[0]?.id ?? seedIds.subnetId,
    privateIp: asked.privateIp ?? addressOf(cloud, "10.0", serial),
    createdAt,
    foreign: true,
    history: [],
  };
  const attributes = {
    displayName: asked.displayName ?? `foreign-${serial}`,
    freeformTags: asked.freeformTags ?? {},
    definedTags: asked.definedTags ?? {},
    metadata: asked.metadata ?? {},
  };
  const death = asked.diesAfterMs;
  const steps = [
    { afterMs: 0, state: asked.lifecycleState ?? "RUNNING" } as const,
    ...(death === undefined ? [] : [deathStep({ afterMs: death }, now - createdAt)]),
  ];
  const instance = moveInstance(cloud, placed, createdAt, attributes, steps);
  const revision = instance.history[0];
  if (revision === undefined) throw new Error("an instance has at least one revision");
  return simulatedView(cloud, { instance, revision });
};
