// What one turn of the loop is given.

import * as Effect from "effect/Effect";
import type { Mandate } from "../apply/journal.ts";
import type { Event } from "../apply/outcome.ts";
import type { Pace } from "../apply/retry.ts";
import type { Write } from "../apply/writer.ts";
import type { Handlers } from "../observe/observe.ts";
import type { SourceText } from "../read/read.ts";
import type { SourceVerification } from "../report/status.ts";
import type { Kind } from "../words/kind.ts";
import type { Policy } from "../words/policy.ts";

export interface ReconcileInput {
  readonly kinds: ReadonlyArray<Kind>;
  readonly sources: ReadonlyArray<SourceText>;
  readonly handlers: Handlers;
  /** `plan` reads and decides; it writes nothing anywhere. */
  readonly mode: "plan" | "apply";
  readonly policy: Policy;
  readonly mandate: Mandate;
  readonly pace: Pace;
  /** Nothing when the documents did not come from git. */
  readonly source: SourceVerification | null;
  /** Apply only what has this digest: otherwise nothing is applied and `stale` says so. */
  readonly expectDigest?: string;
  /** The chain and head that this run follows, when another store acted before. */
  readonly follows?: { readonly chain: string; readonly head: string };
  /** Written under the lease before anything is done, and only when something is: what this turn acts on. */
  readonly first?: Write;
  /** How often to observe, plan and apply before giving up on what is left; 5 when not given. */
  readonly rounds?: number;
  readonly onEvent?: (event: Event) => Effect.Effect<void>;
}

export const tell = (input: ReconcileInput, event: Event): Effect.Effect<void> =>
  input.onEvent?.(event) ?? Effect.void;
