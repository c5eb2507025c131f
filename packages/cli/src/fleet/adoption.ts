// Decides which group each member without an owner joins: by our tag, by an old ledger, or by the old naming scheme; never by guessing. Pure.

import type { Unit } from "@muster/core/loop/look";
import type { MemberSighting } from "@muster/core/words/provider";
import type { OldEntry } from "./ledger.ts";
import { sightingsOf } from "./members.ts";
import { groupByOldName } from "./old-names.ts";

interface Joining {
  readonly sighting: MemberSighting;
  readonly group: string;
  readonly by: "its tag" | "the old ledger" | "its name";
}

export interface Adoption {
  readonly joining: ReadonlyArray<Joining>;
  /** Nobody can tell where these belong: they are left as they are. */
  readonly unclear: ReadonlyArray<MemberSighting>;
}

export const adoptionOf = (unit: Unit, old: ReadonlyArray<OldEntry>): Adoption => {
  const groups = unit.expansion.sets.map(({ name }) => name);
  const unowned = new Set(
    unit.plan.outside.flatMap(({ id, why }) => (why === "unowned" ? [id] : [])),
  );
  const joining: Array<Joining> = [];
  const unclear: Array<MemberSighting> = [];
  for (const sighting of sightingsOf(unit).filter(({ id }) => unowned.has(id))) {
    const found = groupOf(unit, sighting, groups, old);
    if (found === null) unclear.push(sighting);
    else joining.push({ sighting, ...found });
  }
  return { joining, unclear };
};

const groupOf = (
  { expansion }: Unit,
  sighting: MemberSighting,
  groups: ReadonlyArray<string>,
  old: ReadonlyArray<OldEntry>,
): Omit<Joining, "sighting"> | null => {
  const tagged = sighting.name?.set;
  if (tagged !== undefined) {
    return groups.includes(tagged) ? { group: tagged, by: "its tag" } : null;
  }
  const noted = old.find(({ id }) => id === sighting.id)?.group;
  if (noted !== undefined && groups.includes(noted)) return { group: noted, by: "the old ledger" };
  const prefixes = [
    expansion.document.name,
    ...expansion.sets.flatMap(({ template }) =>
      typeof template["displayNamePrefix"] === "string" ? [template["displayNamePrefix"]] : [],
    ),
  ];
  const named = groupByOldName(sighting.displayName, [...new Set(prefixes)], groups);
  return named === null ? null : { group: named, by: "its name" };
};
