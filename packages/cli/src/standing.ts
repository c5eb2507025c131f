// Decides how each fleet stands, from what the store remembers alone. Pure.

import {
  type Condition,
  type ConditionType,
  type DocumentAddress,
  type DocumentStatus,
  exitCodes,
  formatAddress,
  type QuarantineRecord,
  type StoreRecord,
  type SuspensionRecord,
} from "@muster/core";
import { knownDocuments } from "./kept.ts";

/**
 * - `ready`: all members run, as asked
 * - `waiting`: something is left to do, held back, or was never reported
 * - `stalled`: a person has to do something
 */
export type State = "ready" | "waiting" | "stalled";

export interface Standing {
  readonly document: DocumentAddress;
  readonly state: State;
  /** One word for it, such as `Suspended` or the reason of a condition. */
  readonly reason: string;
  /** Why, and what a person can do. */
  readonly message: string;
  /** Since when; ISO 8601. */
  readonly since: string | null;
  /** The commit that last changed what it asks for. */
  readonly commit: string | null;
  /** What was last reported; nothing when no run came to its end yet. */
  readonly status: DocumentStatus | null;
  /** A person's suspension that has not ended. */
  readonly suspension: SuspensionRecord | null;
  readonly quarantine: QuarantineRecord | null;
  readonly orphanedAt: string | null;
  /** Changes that were begun, and whose outcome is not known. */
  readonly open: number;
}

/** All fleets that the store remembers, sorted by kind and name. */
export const standingsOf = (
  records: ReadonlyArray<StoreRecord>,
  now: number,
): ReadonlyArray<Standing> => {
  const held = Map.groupBy(
    records.filter((record) => "document" in record),
    (record) => formatAddress(record.document),
  );
  return knownDocuments(records).map((document) =>
    standingOf(document, held.get(formatAddress(document)) ?? [], now),
  );
};

const standingOf = (
  document: DocumentAddress,
  records: ReadonlyArray<StoreRecord>,
  now: number,
): Standing => {
  const record = records.find((one) => one._tag === "Document");
  const kept = records.find((one) => one._tag === "Status");
  const status = kept === undefined ? null : readStatus(kept.json);
  const quarantine = records.find((one) => one._tag === "Quarantine") ?? null;
  const frame = {
    document: { kind: document.kind, name: document.name },
    commit: status?.observed.commit ?? record?.revision ?? null,
    status,
    suspension: suspensionOf(records, now),
    // What asks for something else by now is tried again.
    quarantine: quarantine?.inputDigest === record?.inputDigest ? quarantine : null,
    orphanedAt: record?.orphanedAt ?? null,
    open: records.filter((one) => one._tag === "Intent").length,
  };
  return { ...frame, ...verdictOf(frame) };
};

type Frame = Omit<Standing, "state" | "reason" | "message" | "since">;

const verdictOf = (frame: Frame): Pick<Standing, "state" | "reason" | "message" | "since"> => {
  const { status, suspension } = frame;
  if (status === null) {
    const message = "no run that worked on it came to its end yet; the next one reports";
    return { state: "waiting", reason: "NotReported", message, since: null };
  }
  const stalled = conditionOf(status, "Stalled");
  if (stalled?.status === "True") return told("stalled", stalled);
  if (suspension !== null) {
    const message = `${suspension.by} suspended it until ${suspension.until}: ${suspension.reason}; sooner with: muster resume ${frame.document.name}`;
    return { state: "waiting", reason: "Suspended", message, since: suspension.at };
  }
  const ready = conditionOf(status, "Ready");
  if (ready?.status === "True") return told("ready", ready);
  return told("waiting", ready);
};

const told = (state: State, condition: Condition | undefined) => ({
  state,
  reason: condition?.reason ?? "Unknown",
  message: condition?.message ?? "",
  since: condition?.since ?? null,
});

const conditionOf = (status: DocumentStatus, type: ConditionType): Condition | undefined =>
  status.conditions.find((condition) => condition.type === type);

/** It ends by itself; an end that cannot be read never comes. */
const suspensionOf = (records: ReadonlyArray<StoreRecord>, now: number): SuspensionRecord | null =>
  records.find(
    (record): record is SuspensionRecord =>
      record._tag === "Suspension" && !(Date.parse(record.until) <= now),
  ) ?? null;

/** Our own record, written by report; a damaged one counts as none. */
export const readStatus = (json: string): DocumentStatus | null => {
  try {
    const status = JSON.parse(json) as DocumentStatus;
    return Array.isArray(status.conditions) ? status : null;
  } catch {
    return null;
  }
};

/** 0 when all are ready, 5 when one is stalled, else 4. */
export const exitCodeOf = (standings: ReadonlyArray<Standing>): number => {
  if (standings.some(({ state }) => state === "stalled")) return exitCodes.refused;
  return standings.every(({ state }) => state === "ready") ? 0 : exitCodes["changes waiting"];
};
