// Decides what a person's total does to the records: an override in place of the document's counts, or the end of one. Pure.

import { keyOf, type OverrideRecord, type StoreRecord } from "@muster/core/words/record";
import type { Expansion } from "@muster/core/words/set";
import { overridden } from "@muster/core/plan/override";
import type { FleetOverride } from "@muster/sdk/fleet-contract";
import { distribute } from "./distribution.ts";

/** How long a person's numbers hold when nobody says, in milliseconds. */
const defaultHoldMillis = 3_600_000;

export interface ScaleAsked {
  readonly desired: number;
  readonly by: string;
  /** Nothing when the person gave none. */
  readonly reason: string | null;
  /** How long it shall hold, in milliseconds; an hour when not given. */
  readonly forMillis: number | null;
}

/** What the store shall be told; `kept` when it says so already. */
export interface Numbers {
  readonly what: "override" | "kept" | "document" | "ended";
  readonly override: OverrideRecord | null;
  readonly puts: ReadonlyArray<StoreRecord>;
  readonly deletes: ReadonlyArray<string>;
  readonly how: string | null;
}

/** The same total asked again leaves a record as it is, unless an end or a reason is given anew. */
export const numbersOf = (
  asked: ScaleAsked,
  { document, sets }: Expansion,
  records: ReadonlyArray<StoreRecord>,
  now: number,
): Numbers => {
  const { groups, how } = distribute(
    asked.desired,
    sets.map(({ name, count }) => ({ group: name, count })),
  );
  const before = overrideIn({ document, sets }, records, now);
  const key = keyOf("Override", document);
  if (sets.reduce((sum, { count }) => sum + count, 0) === asked.desired) {
    const known = records.some((record) => isOf(record, document));
    const deletes = known ? [key] : [];
    const what = before === null ? "document" : "ended";
    return { what, override: null, puts: [], deletes, how };
  }
  const counts = groups.map(({ group, count }, index) => ({
    set: group,
    count,
    instead: sets[index]!.count,
  }));
  const same =
    before !== null &&
    before.counts.every(({ set, count }) =>
      counts.some((one) => one.set === set && one.count === count),
    );
  if (same && asked.forMillis === null && asked.reason === null) {
    return { what: "kept", override: before, puts: [], deletes: [], how };
  }
  const override: OverrideRecord = {
    _tag: "Override",
    document: { kind: document.kind, name: document.name },
    counts,
    by: asked.by,
    reason: asked.reason ?? `scaled to ${asked.desired} by hand`,
    at: new Date(now).toISOString(),
    until: new Date(now + (asked.forMillis ?? defaultHoldMillis)).toISOString(),
  };
  return { what: "override", override, puts: [override], deletes: [], how };
};

const isOf = (record: StoreRecord, document: Expansion["document"]): record is OverrideRecord =>
  record._tag === "Override" &&
  record.document.kind === document.kind &&
  record.document.name === document.name;

/** The override of a document that is in force; its expansion bears the document's own numbers. */
export const overrideIn = (
  expansion: Pick<Expansion, "document" | "sets">,
  records: ReadonlyArray<StoreRecord>,
  now: number,
): OverrideRecord | null => {
  const mine = records.filter((record) => isOf(record, expansion.document));
  const inForce = overridden({ ...frame, ...expansion }, mine, now).override;
  return inForce === null ? null : (mine[0] ?? null);
};

/** What of an expansion no override looks at. */
const frame = { resource: "", scope: {}, parallel: { create: 1, remove: 1 } };

/** As it is told outside. */
export const tellOverride = (override: OverrideRecord): FleetOverride => ({
  desired: override.counts.reduce((sum, { count }) => sum + count, 0),
  counts: override.counts.map(({ set, count, instead }) => ({ group: set, count, instead })),
  by: override.by,
  reason: override.reason,
  until: override.until,
  afterwards: afterwards(override.counts),
});

/** What happens when the document's own numbers hold again. */
export const afterwards = (
  counts: ReadonlyArray<{
    readonly set: string;
    readonly count: number;
    readonly instead: number;
  }>,
): string => {
  const launched = differences(counts.map((one) => [one.set, one.instead - one.count]));
  const removed = differences(counts.map((one) => [one.set, one.count - one.instead]));
  const parts = [
    ...(launched.sum === 0 ? [] : [`${members(launched.sum)} launched (${launched.text})`]),
    ...(removed.sum === 0
      ? []
      : [`${members(removed.sum)} removed, the newest first (${removed.text})`]),
  ];
  return parts.length === 0 ? "nothing changes" : parts.join(" and ");
};

const members = (count: number): string => `${count} ${count === 1 ? "member is" : "members are"}`;

const differences = (all: ReadonlyArray<readonly [string, number]>) => {
  const some = all.filter(([, difference]) => difference > 0);
  return {
    sum: some.reduce((sum, [, difference]) => sum + difference, 0),
    text: some.map(([set, difference]) => `${set} ${difference}`).join(", "),
  };
};
