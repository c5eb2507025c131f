// Changes that may run now, each with its reason, bound to one document and one observation.

import type { DocumentAddress } from "./document.ts";
import type { MemberName } from "./member.ts";
import type { RolloutEvent, RolloutPhase, StagePhase } from "./rollout.ts";

/** Why a change, a refusal or a condition is what it is. */
export interface Reason {
  /** From an open set of stable codes, such as `CountRaised`. */
  readonly code: string;
  readonly text: string;
}

/** What must still be true when the change is carried out; volatile, so outside the digest. */
export interface Precondition {
  readonly version: string | null;
}

interface ChangeBase {
  /** Unique within the plan and stable between plans of the same inputs. */
  readonly key: string;
  readonly reason: Reason;
}

export interface CreateChange extends ChangeBase {
  readonly action: "create";
  readonly member: MemberName;
  readonly place: string;
  readonly token: string;
  readonly template: string;
}

export interface RemoveChange extends ChangeBase {
  readonly action: "remove";
  readonly member: MemberName;
  readonly id: string;
  /** Whether a changed number asked for it; what nobody asked for is limited. */
  readonly asked: boolean;
  /** Another member follows: the numbers stand for as many as before. */
  readonly replaced?: true;
  /** The consent that let it through, when the limit had refused it. */
  readonly consent: { readonly by: string; readonly digest: string } | null;
  readonly precondition: Precondition;
}

/** Marks a member as ours under a name: a move after a rename, or an adoption that a person asked for. */
export interface MarkChange extends ChangeBase {
  readonly action: "update" | "adopt";
  readonly member: MemberName;
  readonly id: string;
  /** Whose it is until then; nothing when nobody's. */
  readonly from: string | null;
  readonly precondition: Precondition;
}

/** Settles an intent that an earlier run left open and that no change takes up. */
export interface SettleChange extends ChangeBase {
  readonly action: "settle";
  readonly intent: string;
  readonly outcome: "done" | "failed";
  readonly id: string | null;
  readonly member: MemberName;
}

/** Stops keeping what vanished; touches no machine. */
export interface ForgetChange extends ChangeBase {
  readonly action: "forget";
  /** `orphan`: it stays in sight with its members; `drop`: nothing of it is left. */
  readonly how: "orphan" | "drop";
  readonly document: DocumentAddress;
}

export interface KeepChange extends ChangeBase {
  readonly action: "keep";
  readonly member: MemberName;
  readonly id: string;
}

export type Change =
  | CreateChange
  | RemoveChange
  | MarkChange
  | SettleChange
  | ForgetChange
  | KeepChange;

export type Action = Change["action"];

/** Something that was not planned, or may not run, and what a person can do. */
export interface Refusal {
  readonly reason: Reason;
  readonly remedy: string;
  /** What consent would name, when consent can lift the refusal. */
  readonly consent?: string;
}

/** One field where what is seen differs from what is asked, and nothing is done about it. */
export interface Drift {
  readonly member: string;
  readonly id: string;
  readonly field: string;
  readonly asked: string;
  readonly seen: string;
}

/** A member that is there but outside every count of its set, or outside every removal. */
export interface Outsider {
  readonly id: string;
  readonly name: string;
  readonly why: "unowned" | "unplaced" | "set vanished" | "document vanished" | "other owner";
  readonly owner: string | null;
  /** Whether it still keeps a place: what is unowned or unplaced counts, what vanished does not. */
  readonly counts: boolean;
}

export interface SetCount {
  readonly set: string;
  readonly asked: number;
  readonly present: number;
  readonly running: number;
  readonly unowned: number;
}

/** How far the replacement of members has come, and what this look adds to it. */
export interface PlannedRollout {
  /** What it is for. */
  readonly trigger: string;
  /** It begins with this look; else it goes on from the position that is stored. */
  readonly isNew: boolean;
  /** How many awaited replacement at its start, how many stages' worth are behind it, how many await it. */
  readonly total: number;
  readonly done: number;
  readonly left: number;
  /** The number of the stage that it is at; 0 before the first. */
  readonly stage: number;
  readonly phase: RolloutPhase;
  readonly stagePhase: StagePhase | null;
  /** What was seen since the position was stored. */
  readonly events: ReadonlyArray<RolloutEvent>;
}

/** A person's numbers that are in force in place of the document's. */
export interface PlannedOverride {
  readonly counts: ReadonlyArray<{
    readonly set: string;
    readonly count: number;
    /** What the document asks for. */
    readonly instead: number;
  }>;
  readonly by: string;
  readonly reason: string;
  /** ISO 8601. */
  readonly until: string;
}

export const planFormatVersion = "1.0";

export interface Plan {
  readonly formatVersion: typeof planFormatVersion;
  readonly document: DocumentAddress;
  readonly inputDigest: string | null;
  readonly changes: ReadonlyArray<Change>;
  readonly refusals: ReadonlyArray<Refusal>;
  readonly drift: ReadonlyArray<Drift>;
  /** The names of the sets that the document asks for. */
  readonly groups: ReadonlyArray<string>;
  readonly counts: ReadonlyArray<SetCount>;
  readonly outside: ReadonlyArray<Outsider>;
  /** Intents of earlier runs whose outcome cannot be told yet. */
  readonly unsettled: ReadonlyArray<string>;
  /** Whether observe saw all there is; nothing is planned on less. */
  readonly seen: boolean;
  readonly parallel: { readonly create: number; readonly remove: number };
  /** Nothing while no member awaits replacement, and none did. */
  readonly rollout: PlannedRollout | null;
  readonly override: PlannedOverride | null;
  /** A hold lets the plan be read but not applied. */
  readonly hold: Refusal | null;
  /** The document is no longer asked for; its members stay. */
  readonly orphaned: boolean;
  /** Covers what would be done and what is refused; not counts, drift, preconditions or time. */
  readonly digest: string;
  /** When time alone would change this plan; ISO 8601. Outside the digest. */
  readonly nextDueAt: string | null;
}

/** Whether a change does anything to the world or to the store. */
export const isEffective = (change: Change): boolean => change.action !== "keep";

export const effectiveChanges = (plan: Plan): ReadonlyArray<Change> =>
  plan.changes.filter(isEffective);
