// What a loop tells while it runs, and how it stands for whoever watches over it.

import type { LeaseError } from "@muster/core/lease/lease";
import type { Ended, Ticked, UnitState } from "@muster/core/loop/engine";
import type { Standing } from "@muster/core/loop/ladder";
import type { Diagnostic } from "@muster/core/words/diagnostic";
import type { DocumentAddress } from "@muster/core/words/document";
import type { PublishedRun } from "./publish-run.ts";
import type { Verification } from "./verify.ts";

/** Told while the loop runs, in the order of happening. */
export type LoopEvent =
  | { readonly type: "source"; readonly head: string; readonly verification: Verification }
  | { readonly type: "faults"; readonly diagnostics: ReadonlyArray<Diagnostic> }
  | { readonly type: "ticked"; readonly ticked: Ticked; readonly state: LoopState }
  | { readonly type: "ended"; readonly ended: Ended }
  | {
      readonly type: "standing";
      readonly document: DocumentAddress;
      readonly standing: Standing;
    }
  | { readonly type: "published"; readonly published: PublishedRun }
  | {
      readonly type: "taken";
      readonly error: LeaseError;
      readonly againAt: number;
      /** Whether the same was told at the tick before. */
      readonly again: boolean;
    }
  | { readonly type: "trouble"; readonly error: Trouble; readonly againAt: number }
  | { readonly type: "reloaded" }
  | { readonly type: "stopping"; readonly busy: number }
  | { readonly type: "stopped"; readonly interrupted: number };

/** What went wrong with a tick as a whole; documents tell of their own. */
export interface Trouble {
  readonly reason: string;
  readonly message: string;
  readonly remedy: string | null;
}

/** The loop as it stands, for whoever watches over it. Times in milliseconds since the epoch. */
export interface LoopState {
  readonly startedAt: number;
  readonly ticks: number;
  readonly lastTickAt: number | null;
  /** When a tick last went through to its end. */
  readonly lastGoodTickAt: number | null;
  readonly trouble: Trouble | null;
  readonly head: string | null;
  readonly faults: number;
  readonly units: ReadonlyArray<UnitState>;
  readonly holdsLease: boolean;
}
