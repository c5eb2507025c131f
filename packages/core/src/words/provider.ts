// How the core speaks to one outside system: the provider's error and a resource kind's handler.

import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { DocumentAddress } from "./document.ts";
import type { MemberName } from "./member.ts";
import type { Expansion, SetResource } from "./set.ts";

/**
 * What the core will do about a provider's failure:
 * - `Unreachable`: retry; the outcome of a write is unknown
 * - `Throttled`: not now, and nothing was done: retry, after the server's word when it gave one
 * - `Denied`: a person must act
 * - `Conflict`: observe and plan again
 * - `Exhausted`: no quota or capacity: elsewhere, or stop
 * - `Invalid`: the document is wrong
 */
export const ProviderReason = Schema.Literals([
  "Unreachable",
  "Throttled",
  "Denied",
  "Conflict",
  "Exhausted",
  "Invalid",
]);
export type ProviderReason = typeof ProviderReason.Type;

/** The one error that providers fail with. */
export class ProviderError extends Schema.TaggedError<ProviderError>()("ProviderError", {
  reason: ProviderReason,
  /** What was being done, such as `LaunchInstance`. */
  operation: Schema.String,
  /** What happened, in the provider's words; text from outside, never trusted. */
  message: Schema.String,
  /** What a person can do about it. */
  remedy: Schema.optionalKey(Schema.String),
  /** The server's identifier of the request. */
  requestId: Schema.optionalKey(Schema.String),
  /** Milliseconds, when the server said how long to wait. */
  retryAfterMillis: Schema.optionalKey(Schema.Number),
  /** On a create, and while its end is awaited: what it made is dead. The next generation may be launched. */
  occupantDead: Schema.optionalKey(Schema.Boolean),
}) {}

/**
 * Where a member is in its life.
 * `stopped` does not count, and keeps its slot; `unknown` counts; neither is removed unasked;
 * `leaving` cannot come back; `gone` is dead.
 */
export type MemberPhase = "starting" | "running" | "stopped" | "leaving" | "gone" | "unknown";

/** Whether a member is well; `unknown` is never a pass. */
export interface Health {
  readonly verdict: "pass" | "fail" | "unknown";
  /** What was measured, in numbers where there are some; text from outside may stand in it. */
  readonly text: string;
}

/** Where the members of a set can go. */
export interface Places {
  /** Equally good: slots take them in turn. */
  readonly spread: ReadonlyArray<string>;
  /** Only where the others have no capacity, best first. */
  readonly fallback: ReadonlyArray<string>;
}

/** A member that was just seen. */
export interface MemberSighting {
  /** The provider's identifier. */
  readonly id: string;
  readonly displayName: string;
  /** The document name that its mark carries. */
  readonly document: string;
  /** Nothing when the mark is missing or cannot be read. */
  readonly name: MemberName | null;
  /** Nothing when no owner has marked it: it counts, and waits for adoption. */
  readonly owner: string | null;
  readonly phase: MemberPhase;
  /** ISO 8601, as the provider gives it. */
  readonly createdAt: string;
  /** Where it runs, such as an availability domain. */
  readonly place: string;
  /** The template that it was made from, by digest; nothing when not marked. */
  readonly template: string | null;
  /** The restart that it was launched under; nothing when none was asked for by then. */
  readonly restart: string | null;
  /** How it is, where somebody asks; nothing when nobody does. */
  readonly health: Health | null;
  /** Changes whenever the member does; volatile, so only ever a precondition. */
  readonly version: string | null;
}

/** Something that stops a document before any change, found by looking. */
export interface Blocker {
  readonly reason: ProviderReason;
  readonly message: string;
  readonly remedy: string;
}

/** What is there for one document: everything, or nothing at all. A half-read list is no list. */
export type Observation =
  | {
      readonly document: DocumentAddress;
      readonly complete: true;
      readonly members: ReadonlyArray<MemberSighting>;
      /** Where each set's members can go. */
      readonly places: Readonly<Record<string, Places>>;
      readonly blockers: ReadonlyArray<Blocker>;
    }
  | {
      readonly document: DocumentAddress;
      readonly complete: false;
      readonly error: ProviderError;
    };

export interface ObserveRequest {
  readonly expansion: Expansion;
  /** Members that the store knows and a lagging list may not show yet. */
  readonly known: ReadonlyArray<string>;
  /** A person asked that members be replaced, though the document does not: somebody will be launched. */
  readonly replacing?: true;
}

/** What a provider says right after it accepted a change. */
export interface Accepted {
  readonly id: string;
  /** The provider's handle on the running work, when it gives one. */
  readonly operation: string | null;
}

export type Progress =
  | { readonly done: false; readonly detail: string }
  | {
      readonly done: true;
      readonly member: MemberSighting | null;
      /** What the provider said when it gave up what it had accepted. */
      readonly givenUp?: string;
    };

export interface CreateRequest {
  readonly expansion: Expansion;
  readonly set: SetResource;
  readonly member: MemberName;
  readonly owner: string;
  readonly place: string;
  readonly token: string;
  /** Digest of the template, to be kept on the member. */
  readonly template: string;
}

export interface MarkRequest {
  readonly expansion: Expansion;
  readonly id: string;
  /** The version that was looked at: the write is conditional on it. */
  readonly version: string | null;
  readonly owner: string;
  readonly document: DocumentAddress;
  readonly member: MemberName;
}

export interface RemoveRequest {
  readonly expansion: Expansion;
  readonly id: string;
  readonly version: string | null;
}

/**
 * The behaviour of one resource kind. A handler never retries, never logs and decides nothing:
 * the core does that, the same way for all.
 */
export interface Handler {
  readonly resource: string;
  /**
   * The first wait between two looks at running work, in milliseconds, where its operator chose one:
   * later ones are longer, up to ten times as long. The core's own pace when not given.
   */
  readonly pollMillis?: number;
  /** Looks at many documents at once; a blind spot is an observation, never a failure. */
  readonly observe: (
    requests: ReadonlyArray<ObserveRequest>,
  ) => Effect.Effect<ReadonlyArray<Observation>>;
  /** The member now, or nothing when it is not to be found. */
  readonly look: (
    expansion: Expansion,
    id: string,
  ) => Effect.Effect<MemberSighting | null, ProviderError>;
  /** Live members of exactly this name, for the look before a launch. */
  readonly find: (
    expansion: Expansion,
    set: SetResource,
    member: MemberName,
  ) => Effect.Effect<ReadonlyArray<MemberSighting>, ProviderError>;
  readonly create: (request: CreateRequest) => Effect.Effect<Accepted, ProviderError>;
  /** Is it running yet? Done with nothing when it is not to be found. */
  readonly created: (
    expansion: Expansion,
    accepted: Accepted,
  ) => Effect.Effect<Progress, ProviderError>;
  /** Writes muster's marks on a member, on condition that it has not changed. */
  readonly mark: (request: MarkRequest) => Effect.Effect<MemberSighting, ProviderError>;
  readonly remove: (request: RemoveRequest) => Effect.Effect<Accepted, ProviderError>;
  /** Is it gone yet? Done with a living member when the provider gave the removal up. */
  readonly removed: (
    expansion: Expansion,
    accepted: Accepted,
  ) => Effect.Effect<Progress, ProviderError>;
}
