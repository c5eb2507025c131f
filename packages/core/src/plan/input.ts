// What plan is given, whole and per document.

import type { Document } from "../words/document.ts";
import type { Kind } from "../words/kind.ts";
import type { PlannedOverride } from "../words/plan.ts";
import type { Policy } from "../words/policy.ts";
import type { Observation } from "../words/provider.ts";
import type { StoreRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";
import type { Remembered } from "./remembered.ts";

export interface PlanInput {
  readonly kinds: ReadonlyArray<Kind>;
  readonly documents: ReadonlyArray<Document>;
  /** False while any file has faults: then nothing counts as vanished. */
  readonly complete: boolean;
  /** Plan only these, by address; all when not given. What has vanished is told by all documents. */
  readonly about?: ReadonlySet<string>;
  readonly observations: ReadonlyArray<Observation>;
  readonly records: ReadonlyArray<StoreRecord>;
  readonly policy: Policy;
  /** Milliseconds since the epoch; acts only by crossing a deadline that the inputs name. */
  readonly now: number;
}

export interface DocumentInput {
  readonly document: Document;
  /** With the numbers that hold: a person's override, else the document's. */
  readonly expansion: Expansion;
  readonly override: PlannedOverride | null;
  readonly observation: Observation | undefined;
  readonly remembered: Remembered;
  readonly policy: Policy;
  readonly now: number;
}
