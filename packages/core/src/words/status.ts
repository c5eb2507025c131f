// What report says of a document: conditions that name their reason and the commit that caused them.

import type { DocumentAddress } from "./document.ts";
import type { PlannedOverride } from "./plan.ts";

export type ConditionType =
  | "Ready"
  | "Reconciling"
  | "Stalled"
  | "Drifted"
  | "Gated"
  | "Suspended"
  | "Orphaned"
  | "SourceVerified";

export interface Condition {
  readonly type: ConditionType;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** Since when the status is what it is; ISO 8601. */
  readonly since: string;
  /** The last commit that changed the document's input digest; nothing without git. */
  readonly commit: string | null;
}

export interface MemberStatus {
  readonly name: string;
  readonly id: string;
  readonly phase: string;
  readonly place: string;
  readonly owner: "ours" | "unowned" | "other";
}

export interface DocumentStatus {
  readonly apiVersion: "fleet.v1";
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly observed: { readonly commit: string | null; readonly inputDigest: string | null };
  readonly conditions: ReadonlyArray<Condition>;
  readonly counts: ReadonlyArray<{
    readonly set: string;
    readonly asked: number;
    readonly present: number;
    readonly running: number;
    readonly unowned: number;
  }>;
  readonly members: ReadonlyArray<MemberStatus>;
  /** While members are replaced: how far that has come. */
  readonly rollout?: {
    readonly phase: string;
    readonly stage: number;
    readonly done: number;
    readonly total: number;
  };
  /** While a person's numbers hold in place of the document's. */
  readonly override?: PlannedOverride;
}

export const statusKind = (address: DocumentAddress): string => `${address.kind}Status`;
