// Decides who is ours of what one look saw, and what the store shall remember of it. Pure.

import { memberRecord } from "@muster/core/apply/journal";
import { onlyNews } from "@muster/core/report/bookkeeping";
import type { Unit } from "@muster/core/loop/look";
import { unseenOf } from "@muster/core/plan/occupancy";
import { formatMember, type MemberName } from "@muster/core/words/member";
import { defaultPolicy } from "@muster/core/words/policy";
import type { MemberSighting } from "@muster/core/words/provider";
import type { MemberRecord, StoreRecord } from "@muster/core/words/record";

export interface OwnMember {
  readonly id: string;
  readonly member: MemberName;
  /** Nothing when the plan knows it and this look did not show it. */
  readonly sighting: MemberSighting | undefined;
}

export const sightingsOf = ({ observation }: Unit): ReadonlyArray<MemberSighting> =>
  observation?.complete === true ? observation.members : [];

/** Ours, present and in a group of the document. */
export const ours = (unit: Unit): ReadonlyArray<OwnMember> => {
  const seen = new Map(sightingsOf(unit).map((sighting) => [sighting.id, sighting]));
  return unit.plan.changes.flatMap((change) =>
    change.action === "keep" || change.action === "remove"
      ? [{ id: change.id, member: change.member, sighting: seen.get(change.id) }]
      : [],
  );
};

/** Ours that count: what is stopped is no member. */
export const alive = (unit: Unit): ReadonlyArray<OwnMember & { sighting: MemberSighting }> =>
  ours(unit).filter(
    (one): one is OwnMember & { sighting: MemberSighting } =>
      one.sighting !== undefined && one.sighting.phase !== "stopped",
  );

/** What the store holds to be alive, in the groups of the document. */
export const remembered = ({ records, expansion }: Unit): ReadonlyArray<MemberRecord> =>
  records.filter(
    (record): record is MemberRecord =>
      record._tag === "Member" &&
      record.alive &&
      record.id !== null &&
      expansion.sets.some(({ name }) => name === record.member.set),
  );

/**
 * What makes the store remember just what was seen; nothing while not all was seen. Who came to be
 * known lately and is not found may be there all the same, and stays as it is remembered.
 */
export const reconciled = (unit: Unit, now: number): ReadonlyArray<StoreRecord> => {
  if (!unit.plan.seen) return [];
  const { document } = unit.plan;
  const before = remembered(unit);
  const { listLagMillis } = defaultPolicy("");
  const unseen = new Set(
    unseenOf(before, sightingsOf(unit), listLagMillis, now).map(({ name }) => formatMember(name)),
  );
  const seen = ours(unit).map(
    ({ id, member }) =>
      before.find((record) => record.id === id && isSame(record.member, member)) ??
      memberRecord(document, member, id, true, new Date(now).toISOString()),
  );
  const ids = new Set(seen.map(({ id }) => id));
  const slots = new Set(seen.map(({ member }) => `${member.set}/${member.slot}`));
  // Who was only not found keeps no name of the dead: should it come back, it is a member again.
  const seenDead = new Set(
    sightingsOf(unit).flatMap(({ id, phase }) => (phase === "gone" ? [id] : [])),
  ) as ReadonlySet<string | null>;
  const gone = before
    .filter(({ id, member }) => !ids.has(id) && !slots.has(`${member.set}/${member.slot}`))
    .filter(({ member }) => !unseen.has(formatMember(member)))
    .map((record) => ({ ...record, alive: false, id: seenDead.has(record.id) ? record.id : null }));
  return onlyNews([...seen, ...gone], unit.records);
};

const isSame = (a: MemberName, b: MemberName): boolean => formatMember(a) === formatMember(b);
