// Keeps the few calls that muster makes of OCI, in muster's own words.

import type * as Effect from "effect/Effect";
import type { ProviderError } from "@muster/core/words/provider";
import type { CallFailure } from "./errors.ts";

/** An instance as far as a fleet cares. */
export interface OciInstance {
  readonly id: string;
  readonly displayName: string;
  readonly lifecycleState: string;
  /** ISO 8601, as OCI writes it. */
  readonly timeCreated: string;
  readonly availabilityDomain: string;
  readonly faultDomain: string | null;
  readonly freeformTags: Readonly<Record<string, string>>;
  /** Only answers about one instance carry it; a list has none. */
  readonly etag: string | null;
}

export interface Page<Item> {
  readonly items: ReadonlyArray<Item>;
  /** An opaque cursor; a page may be empty and still have a next one. */
  readonly next: string | null;
}

export type DefinedTags = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface LaunchRequest {
  /** At most 64 characters; one token belongs to one launch. */
  readonly token: string;
  readonly compartmentId: string;
  readonly availabilityDomain: string;
  /** Nothing: OCI chooses. */
  readonly faultDomain: string | null;
  readonly displayName: string;
  readonly imageId: string;
  readonly shape: string;
  readonly shapeConfig: { readonly ocpus?: number; readonly memoryInGBs?: number } | null;
  readonly subnetId: string;
  readonly freeformTags: Readonly<Record<string, string>>;
  readonly definedTags: DefinedTags;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a launch came to; a spent token is an answer, because its caller has to look further. */
export type LaunchAnswer =
  | {
      readonly kind: "launched";
      readonly instance: OciInstance;
      readonly workRequestId: string | null;
    }
  | { readonly kind: "token-spent"; readonly error: ProviderError };

/** What a termination came to; the refusals that may mean "already leaving" are answers. */
export type TerminateAnswer =
  | { readonly kind: "accepted"; readonly workRequestId: string | null }
  | { readonly kind: "absent" | "moved"; readonly error: ProviderError };

export interface WorkRequest {
  readonly status: string;
  readonly percentComplete: number;
}

export interface WorkRequestFault {
  readonly code: string;
  readonly message: string;
}

export interface OciImage {
  readonly displayName: string;
  readonly lifecycleState: string;
}

export interface OciSubnet {
  readonly displayName: string;
  readonly lifecycleState: string;
  /** Nothing on a regional subnet. */
  readonly availabilityDomain: string | null;
}

export interface OciVnic {
  readonly privateIp: string | null;
  readonly isPrimary: boolean;
}

type Call<A> = Effect.Effect<A, ProviderError>;

type BareCall<A> = Effect.Effect<A, CallFailure>;

/** The calls that tell whether an account can work at all; what failed is handed on as it came. */
export interface AccountCalls {
  /** Names of all regions of the realm. */
  readonly regions: BareCall<ReadonlyArray<string>>;
  /** Names of the regions that the tenancy is subscribed to. */
  readonly subscribedRegions: BareCall<ReadonlyArray<string>>;
  readonly availabilityDomains: (compartmentId: string) => BareCall<ReadonlyArray<string>>;
  /** Asks for at most one instance; what comes is not looked at. */
  readonly touchInstances: (compartmentId: string) => BareCall<void>;
}

/** As whom OCI is called, and how to find out whether it lets us. */
export interface OciAccount {
  /** Null for an instance, and for a session whose profile names no user. */
  readonly userId: string | null;
  readonly calls: AccountCalls;
}

/**
 * One account in one region. Calls are never retried and end within the client's time-out; where
 * `null` is answered OCI said 404: absent or not permitted, which it never tells apart.
 */
export interface OciApi {
  readonly region: string;
  readonly tenancyId: string;
  /** Who calls, for people: a profile of a file, or the instance itself. */
  readonly account: string;
  readonly listInstances: (query: {
    readonly compartmentId: string;
    readonly page: string | null;
  }) => Call<Page<OciInstance>>;
  readonly getInstance: (id: string) => Call<OciInstance | null>;
  readonly launchInstance: (request: LaunchRequest) => Call<LaunchAnswer>;
  /** Replaces all free-form tags, on condition that the etag is still `version`. */
  readonly updateInstance: (update: {
    readonly id: string;
    readonly freeformTags: Readonly<Record<string, string>>;
    readonly version: string | null;
  }) => Call<OciInstance>;
  readonly terminateInstance: (request: {
    readonly id: string;
    readonly version: string | null;
  }) => Call<TerminateAnswer>;
  readonly getWorkRequest: (id: string) => Call<WorkRequest | null>;
  readonly listWorkRequestErrors: (id: string) => Call<ReadonlyArray<WorkRequestFault>>;
  /** Full names, in the order of the answer. */
  readonly listAvailabilityDomains: (compartmentId: string) => Call<ReadonlyArray<string>>;
  /** Names such as `FAULT-DOMAIN-1`, in the order of the answer. */
  readonly listFaultDomains: (query: {
    readonly compartmentId: string;
    readonly availabilityDomain: string;
  }) => Call<ReadonlyArray<string>>;
  readonly getImage: (id: string) => Call<OciImage | null>;
  readonly getSubnet: (id: string) => Call<OciSubnet | null>;
  /** The identifiers of the VNICs that are attached to an instance, as far as one page tells. */
  readonly listVnics: (query: {
    readonly compartmentId: string;
    readonly instanceId: string;
  }) => Call<ReadonlyArray<string>>;
  readonly getVnic: (id: string) => Call<OciVnic | null>;
}
