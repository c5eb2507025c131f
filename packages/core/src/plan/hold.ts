// Decides whether the plan of one document may only be read: for its source, a suspension, or quarantine.

import type { DocumentAddress } from "../words/document.ts";
import type { Refusal } from "../words/plan.ts";
import type { Policy } from "../words/policy.ts";
import { escapeText } from "../words/quote.ts";
import type { ApprovalRecord, QuarantineRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";
import type { Remembered } from "./remembered.ts";
import {
  endOf,
  hasEnded,
  longestWord,
  ownSuspensionRefusal,
  suspensionRefusal,
  whoseStore,
} from "./suspension.ts";

export interface Hold {
  readonly refusal: Refusal | null;
  /** When it ends by itself; milliseconds since the epoch. */
  readonly dueAt: number | null;
}

export interface HoldInput {
  readonly document: DocumentAddress;
  /** What it asks for now; nothing when it vanished. */
  readonly inputDigest: string | null;
  /** What the document says itself; nothing when it vanished. */
  readonly suspend: Expansion["suspend"];
  readonly remembered: Pick<Remembered, "suspensions" | "quarantines" | "approvals">;
  readonly policy: Pick<Policy, "hold" | "quarantine">;
  readonly now: number;
}

/** The first that holds: the source, a person's record, the document's own word, quarantine. */
export const holdOf = (input: HoldInput): Hold => {
  const { document, policy, remembered, suspend, now } = input;
  if (policy.hold !== null) return { refusal: policy.hold, dueAt: null };
  const recorded = remembered.suspensions.find((record) => !hasEnded(record, now));
  if (recorded !== undefined) {
    return { refusal: suspensionRefusal(recorded), dueAt: endOf(recorded) };
  }
  if (suspend !== undefined && !hasEnded(suspend, now)) {
    return { refusal: ownSuspensionRefusal(document, suspend), dueAt: endOf(suspend) };
  }
  const quarantined = policy.quarantine ? quarantineOf(input) : undefined;
  return { refusal: quarantined === undefined ? null : inQuarantine(quarantined), dueAt: null };
};

const quarantineOf = ({ inputDigest, remembered }: HoldInput): QuarantineRecord | undefined =>
  remembered.quarantines.find(
    (record) => record.inputDigest === inputDigest && !isLifted(record, remembered.approvals),
  );

/** Consent of before did not know what came of it. */
const isLifted = (record: QuarantineRecord, approvals: ReadonlyArray<ApprovalRecord>): boolean =>
  approvals.some(
    ({ at, digest }) => digest === record.inputDigest && Date.parse(at) > Date.parse(record.at),
  );

const inQuarantine = ({ inputDigest, message, remedy }: QuarantineRecord): Refusal => ({
  reason: {
    code: "Quarantined",
    text: `what it asks for was refused as invalid, and is not tried again: ${escapeText(message, longestWord)}`,
  },
  remedy: `${escapeText(remedy ?? "change the document", longestWord)}; it is tried again when the document changes, or as it is with: muster approve ${inputDigest} --reason TEXT ${whoseStore}`,
  consent: inputDigest,
});
