// Decides what stands in the ledger beside the configuration: a projection of the last look, for people and scripts. Pure.

import type { AuditEntry } from "@muster/core/words/audit";
import { formatAddress } from "@muster/core/words/document";
import { formatMember, parseMember } from "@muster/core/words/member";
import { compareText } from "@muster/core/words/diagnostic";
import type { MemberRecord } from "@muster/core/words/record";
import type { Unit } from "@muster/core/loop/look";
import { ours } from "./members.ts";

export const ledgerFormat = "muster-fleet-ledger/1";

interface LedgerInstance {
  readonly id: string;
  readonly group: string;
  /** Such as `web-3.2`: slot 3 of group `web`, generation 2. */
  readonly member: string;
  readonly status: "active" | "terminated";
  /** As the provider shows it; only of active ones. */
  readonly name?: string;
  /** ISO 8601, by the provider's clock; only of active ones. */
  readonly createdAt?: string;
  /** ISO 8601; only of terminated ones, when this store saw it happen. */
  readonly terminatedAt?: string;
}

export interface Ledger {
  readonly format: typeof ledgerFormat;
  readonly fleet: string;
  readonly owner: string;
  /** Where the records are that this was made from; nothing is read from here. */
  readonly store: string;
  /** Newest first, then the terminated ones. */
  readonly instances: ReadonlyArray<LedgerInstance>;
}

export interface LedgerInput {
  readonly unit: Unit;
  readonly owner: string;
  readonly store: string;
  /** The newest of the audit: what was terminated is told from it. */
  readonly entries: ReadonlyArray<AuditEntry>;
}

export const ledgerOf = ({ unit, owner, store, entries }: LedgerInput): Ledger => {
  const active = ours(unit).map(({ id, member, sighting }): LedgerInstance => ({
    id,
    group: member.set,
    member: formatMember(member),
    status: "active",
    ...(sighting === undefined
      ? {}
      : { name: sighting.displayName, createdAt: sighting.createdAt }),
  }));
  const living = new Set(active.map(({ id }) => id));
  const dead = new Map<string, LedgerInstance>();
  for (const record of unit.records.filter(isBuried)) {
    dead.set(record.id!, {
      id: record.id!,
      group: record.member.set,
      member: formatMember(record.member),
      status: "terminated",
    });
  }
  const document = formatAddress(unit.plan.document);
  for (const entry of entries) {
    const gone = entry.document === document ? goneIn(entry) : null;
    if (gone !== null) dead.set(gone.id, gone);
  }
  return {
    format: ledgerFormat,
    fleet: unit.plan.document.name,
    owner,
    store,
    instances: [
      ...active.sort(
        (a, b) => compareText(b.createdAt ?? "", a.createdAt ?? "") || compareText(a.id, b.id),
      ),
      ...[...dead.values()]
        .filter(({ id }) => !living.has(id))
        .sort(
          (a, b) =>
            compareText(b.terminatedAt ?? "", a.terminatedAt ?? "") || compareText(a.id, b.id),
        ),
    ],
  };
};

const isBuried = (record: { readonly _tag: string }): record is MemberRecord => {
  const { _tag, alive, id } = record as MemberRecord;
  return _tag === "Member" && !alive && id !== null;
};

const goneIn = (entry: AuditEntry): LedgerInstance | null => {
  const [name, id] = entry.targets;
  if (entry.action !== "remove" || entry.outcome !== "done") return null;
  const member = name === undefined ? undefined : parseMember(name);
  if (id === undefined || member === undefined) return null;
  return {
    id,
    group: member.set,
    member: formatMember(member),
    status: "terminated",
    terminatedAt: entry.at,
  };
};

/** An identifier that an old ledger names, and the group that it names it in. */
export interface OldEntry {
  readonly id: string;
  readonly group: string;
}

/**
 * What a ledger of an older fleetctl says, wherever in it: objects that name an instance and its
 * group, without those that it calls terminated. Nothing when the text is no such ledger.
 */
export const oldLedger = (text: string): ReadonlyArray<OldEntry> | null => {
  const value = parsed(text);
  if (typeof value !== "object" || value === null || isOwn(value)) return null;
  const entries: Array<OldEntry> = [];
  gather(value, entries, 0);
  return entries;
};

/** Whether a file may be rewritten: it is a ledger of ours, an older one's, or empty. */
export const isLedger = (text: string): boolean => {
  if (text.trim() === "") return true;
  const value = parsed(text);
  return typeof value === "object" && value !== null && (isOwn(value) || looksOld(value));
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const isOwn = (value: object): boolean => "format" in value && value.format === ledgerFormat;

/** Deeper than any ledger goes. */
const deepest = 6;

const gather = (value: unknown, into: Array<OldEntry>, depth: number): void => {
  if (typeof value !== "object" || value === null || depth > deepest) return;
  const { id, group, status, terminatedAt } = lowered(value);
  if (typeof id === "string" && typeof group === "string" && group !== "") {
    const gone =
      (typeof status === "string" && /^terminated$/iu.test(status)) || isTime(terminatedAt);
    if (!gone) into.push({ id, group });
    return;
  }
  for (const one of Object.values(value)) gather(one, into, depth + 1);
};

const isTime = (value: unknown): boolean => typeof value === "string" && /^[1-9]/u.test(value);

/** Field names as the old programs wrote them: `id`, `ID`, `instanceId`, `groupName`. */
const lowered = (value: object) => {
  const fields = new Map(
    Object.entries(value).map(([key, one]) => [key.toLowerCase().replace(/_/gu, ""), one]),
  );
  return {
    id: fields.get("id") ?? fields.get("instanceid") ?? fields.get("ocid"),
    group: fields.get("group") ?? fields.get("groupname"),
    status: fields.get("status") ?? fields.get("state"),
    terminatedAt: fields.get("terminatedat"),
  } as Readonly<Record<"id" | "group" | "status" | "terminatedAt", unknown>>;
};

const looksOld = (value: object): boolean => {
  const keys = Object.keys(value).map((key) => key.toLowerCase());
  return ["records", "instances", "active", "fleets", "fleet"].some((key) => keys.includes(key));
};
