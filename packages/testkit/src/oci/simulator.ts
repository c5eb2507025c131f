// Starts and stops a simulator as its options say.

import * as Data from "effect/Data";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { throwawayAccount, type SimulatorAccount } from "./account.ts";
import { systemClock, type SimulatorClock } from "./clock.ts";
import {
  makeCloud,
  type CloudSettings,
  type ForeignInstance,
  type HostCapacity,
  type Quota,
} from "./cloud.ts";
import { controlsOf, type Controls } from "./controls.ts";
import { makeFaultTable, type FaultRule } from "./faults.ts";
import type { InstanceIdentity } from "./instance-identity.ts";
import { openJournal } from "./journal.ts";
import { defaultSeed, type Seed } from "./seed.ts";
import { listen } from "./server.ts";
import type { Service } from "./service.ts";
import { keyRingOf } from "./signature.ts";
import { makeTokens } from "./tokens.ts";
import { makeThrottle, type ThrottleOptions } from "./throttle.ts";

export interface OciSimulatorOptions {
  /** Port on 127.0.0.1. Default 0: any free one. */
  readonly port?: number;
  /** Who may call. Default: one throwaway account that all simulators of this process share. */
  readonly accounts?: readonly SimulatorAccount[];
  /**
   * The machine behind the metadata service (under `/opc/v2/`) and the federation (`/v1/x509`).
   * Default: there is none.
   */
  readonly instance?: InstanceIdentity;
  /** How long a token is taken, in seconds. Default one hour. */
  readonly tokenLifeSeconds?: number;
  /** Governs lifecycles, list lag, token age and throttling. Default `systemClock()`. */
  readonly clock?: SimulatorClock;
  /** What request dates are compared with, milliseconds since the epoch. Default `Date.now`. */
  readonly wallClock?: () => number;
  /** What the tenancy holds. Default `defaultSeed`. */
  readonly seed?: Seed;
  /** From LaunchInstance to RUNNING, milliseconds. Default 2000. */
  readonly launchDelayMs?: number;
  /** From TerminateInstance to TERMINATED, milliseconds. Default 1000. */
  readonly terminateDelayMs?: number;
  /** From STOPPING to STOPPED, milliseconds. Default 1000. */
  readonly stopDelayMs?: number;
  /** From STARTING to RUNNING, milliseconds. Default 1000. */
  readonly startDelayMs?: number;
  /** Whether a launch passes STARTING on its way to RUNNING. Default false. */
  readonly launchPassesStarting?: boolean;
  /** ListInstances answers from the state this long ago, milliseconds. Default 0. */
  readonly listLagMs?: number;
  /**
   * How long a terminated instance can still be read and listed, and a finished work request,
   * milliseconds. Default 12 hours.
   */
  readonly keptAfterEndMs?: number;
  /** Most items on a page of any list. Default 100. */
  readonly pageSize?: number;
  /** Puts an empty page between any two pages of a list. Default false. */
  readonly emptyPages?: boolean;
  /** What a used launch token means once its instance is dead. Default `instance`. */
  readonly usedTokenOfDead?: "instance" | "conflict";
  /**
   * Unknown compartment, image or subnet in a launch: 400 RelatedResourceNotAuthorizedOrNotFound
   * (`related`) or 404 NotAuthorizedOrNotFound (`notFound`). Default `related`.
   */
  readonly unknownReference?: "related" | "notFound";
  /**
   * Terminating what is TERMINATING or TERMINATED: 409 IncorrectState (`conflict`), 404
   * (`notFound`) or 409 Conflict "currently being modified" (`modified`). Default `conflict`.
   */
  readonly terminateAgain?: "conflict" | "notFound" | "modified";
  /** Terminating what is PROVISIONING: accepted, or refused as above. Default `accepted`. */
  readonly terminateProvisioning?: "accepted" | "conflict" | "modified";
  /** Whether work requests may be read, or every question about one is 404. Default `readable`. */
  readonly workRequests?: "readable" | "forbidden";
  /** Instances that are not TERMINATED, before LimitExceeded. Default 10000. */
  readonly instanceLimit?: number;
  /** Instances that are not TERMINATED by compartment, before QuotaExceeded. Default: no limit. */
  readonly quotas?: readonly Quota[];
  /** How many hosts a place has. Default: enough everywhere. */
  readonly capacity?: readonly HostCapacity[];
  /**
   * Where instances have their private addresses: in their subnet, where nobody answers, or at
   * 127.10.x.y, where a test can listen. Default `subnet`.
   */
  readonly addresses?: "subnet" | "loopback";
  /** Requests per user. Default: no limit. */
  readonly throttle?: ThrottleOptions;
  /** Planted faults. Default none. */
  readonly faults?: readonly FaultRule[];
  /** What the faults' probabilities are drawn from. Default 1. */
  readonly faultSeed?: number;
  /** Instances that stand there from the start, launched by nobody. `now` is its time. */
  readonly instances?: (now: number) => readonly ForeignInstance[];
  /** Accepted changes are appended here as JSON lines. Default: kept in memory only. */
  readonly journalFile?: string;
}

/** Why a simulator could not start: the port is taken, or the journal cannot be opened. */
export class OciSimulatorError extends Data.TaggedError("OciSimulatorError")<{
  readonly message: string;
  readonly cause: unknown;
}> {}

export interface OciSimulator extends Controls {
  /** Base URL for `client.endpoint` of every client. */
  readonly endpoint: string;
  readonly port: number;
  readonly accounts: readonly SimulatorAccount[];
  readonly compartmentId: string;
  readonly imageId: string;
  /** A regional subnet. */
  readonly subnetId: string;
  readonly availabilityDomains: readonly string[];
}

export interface OpenOciSimulator extends OciSimulator {
  /** Destroys all connections and frees the port. */
  readonly close: () => Promise<void>;
}

/** Starts a simulator that ends with the scope. */
export const startOciSimulator = (
  options: OciSimulatorOptions = {},
): Effect.Effect<OciSimulator, OciSimulatorError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => openOciSimulator(options),
      catch: (cause) =>
        new OciSimulatorError({
          message: `The OCI simulator cannot start: ${
            cause instanceof Error ? cause.message : String(cause)
          }`,
          cause,
        }),
    }),
    (simulator) => Effect.promise(simulator.close),
  );

/** Starts a simulator; the caller closes it. Rejects when the port or the journal is not free. */
export const openOciSimulator = async (
  options: OciSimulatorOptions = {},
): Promise<OpenOciSimulator> => {
  const accounts = options.accounts ?? [await throwawayAccount()];
  const service = serviceOf(options, accounts);
  const controls = controlsOf(service, options.faults ?? [], options.instances);
  const { journal, seed } = service.cloud;
  try {
    const listening = await listen(service, controls, options.port ?? 0);
    return {
      ...controls,
      endpoint: `http://127.0.0.1:${listening.port}`,
      port: listening.port,
      accounts,
      compartmentId: seed.compartments[0]?.id ?? seed.tenancyId,
      imageId: seed.images[0]?.id ?? "",
      subnetId: seed.subnets[0]?.id ?? "",
      availabilityDomains: seed.availabilityDomains,
      close: async () => {
        await listening.close();
        journal.close();
      },
    };
  } catch (error) {
    journal.close();
    throw error;
  }
};

const serviceOf = (
  options: OciSimulatorOptions,
  accounts: readonly SimulatorAccount[],
): Service => {
  const clock = options.clock ?? systemClock();
  const wallClock = options.wallClock ?? Date.now;
  const tokens = makeTokens(wallClock, options.tokenLifeSeconds ?? 3_600);
  return {
    cloud: makeCloud(
      options.seed ?? defaultSeed,
      settingsOf(options),
      openJournal(options.journalFile),
    ),
    clock,
    wallClock,
    instance: options.instance,
    tokens,
    keys: keyRingOf(accounts, tokens),
    faults: makeFaultTable(options.faults ?? [], options.faultSeed),
    beganAt: clock.now(),
    throttle:
      options.throttle === undefined
        ? undefined
        : { ...options.throttle, ...makeThrottle(options.throttle) },
  };
};

const settingsOf = (options: OciSimulatorOptions): CloudSettings => ({
  launchDelayMs: options.launchDelayMs ?? 2_000,
  terminateDelayMs: options.terminateDelayMs ?? 1_000,
  stopDelayMs: options.stopDelayMs ?? 1_000,
  startDelayMs: options.startDelayMs ?? 1_000,
  launchPassesStarting: options.launchPassesStarting ?? false,
  listLagMs: options.listLagMs ?? 0,
  keptAfterEndMs: options.keptAfterEndMs ?? 12 * 3_600_000,
  pageSize: Math.max(1, options.pageSize ?? 100),
  emptyPages: options.emptyPages ?? false,
  usedTokenOfDead: options.usedTokenOfDead ?? "instance",
  unknownReference: options.unknownReference ?? "related",
  terminateAgain: options.terminateAgain ?? "conflict",
  terminateProvisioning: options.terminateProvisioning ?? "accepted",
  workRequests: options.workRequests ?? "readable",
  instanceLimit: options.instanceLimit ?? 10_000,
  quotas: options.quotas ?? [],
  capacity: options.capacity ?? [],
  addresses: options.addresses ?? "subnet",
});
