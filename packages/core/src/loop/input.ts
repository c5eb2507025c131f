// What one turn of the loop is given.

import * as Effect from "effect/Effect";
import type { Mandate } from "../apply/journal.ts";
import type { Event } from "../apply/outcome.ts";
import type { Pace } from "../apply/retry.ts";
import type { Write } from "../apply/writer.ts";
import type { Handlers } from "../observe/observe.ts";
import type { SourceText } from "../read/read.ts";
import type { SourceVerification } from "../report/status.ts";
import type { DocumentAddress } from "../words/document.ts";
import type { Kind } from "../words/kind.ts";
import type { Change, Refusal } from "../words/plan.ts";
import type { Policy } from "../words/policy.ts";

/** What every look and every apply of a turn is given. */
export interface TurnInput {
  readonly kinds: ReadonlyArray<Kind>;
  readonly handlers: Handlers;
  readonly policy: Policy;
  readonly mandate: Mandate;
  readonly pace: Pace;
  /** Nothing when the documents did not come from git. */
  readonly source: SourceVerification | null;
  /** The chain and head that this run follows, when another store acted before. */
  readonly follows?: { readonly chain: string; readonly head: string };
  /** Written under the lease before anything is done, and only when something is: what this turn acts on. */
  readonly first?: Write;
  /** How often to observe, plan and apply a document before giving up on what is left; 5 when not given. */
  readonly rounds?: number;
  /** Asked before each change of a document: why it may not begin any more. */
  readonly mayBegin?: (about: {
    readonly document: DocumentAddress;
    /** The input that was planned; nothing for a document that vanished. */
    readonly inputDigest: string | null;
  }) => Refusal | null;
  /**
   * Whether the documents are all that this owner asks for; yes when not given. Otherwise those that
   * are not among them have not vanished: they are left alone.
   */
  readonly complete?: boolean;
  /** Carries out only these changes of what is planned; all when not given. */
  readonly only?: (change: Change) => boolean;
  /** The trace that this turn is told in; kept in the history of runs. */
  readonly trace?: string;
  readonly onEvent?: (event: Event) => Effect.Effect<void>;
}

export interface ReconcileInput extends TurnInput {
  readonly sources: ReadonlyArray<SourceText>;
  /** `plan` reads and decides; it writes nothing anywhere. */
  readonly mode: "plan" | "apply";
  /** Apply only what has this digest: otherwise nothing is applied and `stale` says so. */
  readonly expectDigest?: string;
}

export const tell = (input: TurnInput, event: Event): Effect.Effect<void> =>
  input.onEvent?.(event) ?? Effect.void;
