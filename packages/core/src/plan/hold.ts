// Decides whether the plan of one document may only be read: for its source, a suspension, or quarantine.

import { type DocumentAddress, formatAddress } from "../words/document.ts";
import type { Refusal } from "../words/plan.ts";
import type { Policy } from "../words/policy.ts";
import { escapeText } from "../words/quote.ts";
import type { ApprovalRecord, QuarantineRecord, SuspensionRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";
import { longestText } from "./blindness.ts";
import type { Remembered } from "./remembered.ts";

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

const free: Hold = { refusal: null, dueAt: null };

/** The first that holds: the source, a person's record, the document's own word, quarantine. */
export const holdOf = (input: HoldInput): Hold => {
  const { policy, remembered, suspend, now } = input;
  if (policy.hold !== null) return { refusal: policy.hold, dueAt: null };
  const recorded = remembered.suspensions.find(({ until }) => !hasPassed(until, now));
  if (recorded !== undefined) return until(recorded.until, suspendedByRecord(recorded));
  if (suspend !== undefined && !hasPassed(suspend.until, now)) {
    return until(suspend.until, suspendedByDocument(input.document, suspend));
  }
  const quarantined = policy.quarantine ? quarantineOf(input) : undefined;
  return quarantined === undefined ? free : { refusal: inQuarantine(quarantined), dueAt: null };
};

/** An end that cannot be read never comes: a brake that nobody understands stays on. */
const hasPassed = (end: string, now: number): boolean => now >= Date.parse(end);

const until = (end: string, refusal: Refusal): Hold => {
  const dueAt = Date.parse(end);
  return { refusal, dueAt: Number.isNaN(dueAt) ? null : dueAt };
};

const suspendedByRecord = (record: SuspensionRecord): Refusal => ({
  reason: {
    code: "Suspended",
    text: `${escapeText(record.by)} suspended it until ${timeOf(record.until)}: ${escapeText(record.reason, longestText)}`,
  },
  // The name that the record bears: a document may have been renamed since.
  remedy: `it goes on by itself then; sooner with: muster resume ${formatAddress(record.document)} ${whose}`,
});

const suspendedByDocument = (
  document: DocumentAddress,
  suspend: NonNullable<Expansion["suspend"]>,
): Refusal => ({
  reason: {
    code: "Suspended",
    text: `${formatAddress(document)} itself asks to be left alone until ${timeOf(suspend.until)}: ${escapeText(suspend.reason, longestText)}`,
  },
  remedy: "it goes on by itself then; sooner when spec.suspend is taken out of the document",
});

const quarantineOf = ({ inputDigest, remembered }: HoldInput): QuarantineRecord | undefined =>
  remembered.quarantines.find(
    (record) => record.inputDigest === inputDigest && !isLifted(record, remembered.approvals),
  );

/** Consent of before did not know what came of it. */
const isLifted = (record: QuarantineRecord, approvals: ReadonlyArray<ApprovalRecord>): boolean =>
  approvals.some(
    ({ at, digest }) => digest === record.inputDigest && Date.parse(at) > Date.parse(record.at),
  );

const inQuarantine = (record: QuarantineRecord): Refusal => ({
  reason: {
    code: "Quarantined",
    text: `what it asks for was refused as invalid, and is not tried again: ${escapeText(record.message, longestText)}`,
  },
  remedy: `${advice(record)}; it is tried again when the document changes, or as it is with: muster approve ${record.inputDigest} --reason TEXT ${whose}`,
  consent: record.inputDigest,
});

const advice = ({ remedy }: QuarantineRecord): string =>
  remedy === null ? "change the document" : escapeText(remedy, longestText);

const timeOf = (text: string): string => {
  const time = Date.parse(text);
  return Number.isNaN(time) ? escapeText(text) : new Date(time).toISOString();
};

const whose = "(add --repo and --env for a runner's fleet, else --file)";
