// Decides whose each seen member is: ours in a set, moving in under a new name, or outside.

import { compareText } from "../words/diagnostic.ts";
import type { Document } from "../words/document.ts";
import { formatMember, type MemberName } from "../words/member.ts";
import type { Outsider } from "../words/plan.ts";
import type { MemberSighting } from "../words/provider.ts";
import { escapeText } from "../words/quote.ts";
import type { AdoptionRecord, MemberRecord } from "../words/record.ts";
import type { Expansion, SetResource } from "../words/set.ts";
import { isMember, isPresent, type Occupant } from "./occupancy.ts";

export interface Roster {
  /** Ours, by set name. */
  readonly members: ReadonlyMap<string, ReadonlyArray<Occupant>>;
  /** Ours, but under a name of before: their marks must follow. */
  readonly moving: ReadonlyMap<string, ReadonlyArray<Occupant>>;
  /** Names whose occupant is known dead, by set name. */
  readonly dead: ReadonlyMap<string, ReadonlyArray<MemberName>>;
  /** Present, but without an owner or without a readable name: they count and are never removed. */
  readonly waiting: ReadonlyArray<MemberSighting>;
  /** Members that a person asked to adopt. */
  readonly adoptable: ReadonlyArray<{
    readonly sighting: MemberSighting;
    readonly adoption: AdoptionRecord;
  }>;
  /** Present members of another owner: they stop the document. */
  readonly foreign: ReadonlyArray<MemberSighting>;
  /** Ours, present, in a set that the document does not ask for any more; they stand outside. */
  readonly vanished: ReadonlyArray<MemberSighting>;
  readonly outside: ReadonlyArray<Outsider>;
}

export interface RosterInput {
  readonly document: Pick<Document, "kind" | "name" | "previousName">;
  readonly expansion: Expansion;
  readonly sightings: ReadonlyArray<MemberSighting>;
  readonly records: ReadonlyArray<MemberRecord>;
  /** Members that are known to have ended, whatever a lagging list still shows. */
  readonly buried: ReadonlySet<string>;
  readonly adoptions: ReadonlyArray<AdoptionRecord>;
  readonly owner: string;
}

type Place =
  | { readonly at: "member" | "moving"; readonly occupant: Occupant }
  | { readonly at: "dead"; readonly name: MemberName }
  | { readonly at: "waiting" | "foreign" }
  | { readonly at: "adoptable"; readonly adoption: AdoptionRecord }
  | { readonly at: "vanished" }
  | { readonly at: "nowhere" };

/** Sorts everything that was seen for one document into whose it is. */
export const callRoster = (input: RosterInput): Roster => {
  const ended = new Set(
    input.records.flatMap((record) => (!record.alive && record.id !== null ? [record.id] : [])),
  );
  const members = new Map<string, Array<Occupant>>();
  const moving = new Map<string, Array<Occupant>>();
  const dead = new Map<string, Array<MemberName>>();
  const waiting: Array<MemberSighting> = [];
  const foreign: Array<MemberSighting> = [];
  const vanished: Array<MemberSighting> = [];
  const outside: Array<Outsider> = [];
  const adoptable: Array<{ sighting: MemberSighting; adoption: AdoptionRecord }> = [];
  for (const sighting of input.sightings) {
    const place = placeOf(input, sighting, ended.has(sighting.id) || input.buried.has(sighting.id));
    if (place.at === "member") push(members, place.occupant.name.set, place.occupant);
    if (place.at === "moving") push(moving, place.occupant.name.set, place.occupant);
    if (place.at === "dead") push(dead, place.name.set, place.name);
    if (place.at === "foreign") foreign.push(sighting);
    if (place.at === "adoptable") adoptable.push({ sighting, adoption: place.adoption });
    if (place.at === "waiting") {
      const counts = isMember(sighting);
      if (counts) waiting.push(sighting);
      outside.push(outsider(sighting, sighting.owner === null ? "unowned" : "unplaced", counts));
    }
    if (place.at === "vanished") {
      vanished.push(sighting);
      outside.push(outsider(sighting, "set vanished", false));
    }
  }
  return { members, moving, dead, waiting, adoptable, foreign, vanished, outside };
};

const placeOf = (input: RosterInput, sighting: MemberSighting, buried: boolean): Place => {
  const names = [input.document.name, input.document.previousName];
  // Known from before, and marked as another document's since: it is that one's.
  if (!names.includes(sighting.document)) return { at: "nowhere" };
  // A list that lags still shows what the store saw end.
  const present = isPresent(sighting) && !buried;
  if (sighting.owner !== input.owner) return placeOfOthers(input, sighting, present);
  const set = setOf(input, sighting);
  if (set === undefined) {
    if (!present) return { at: "nowhere" };
    return { at: sighting.name === null ? "waiting" : "vanished" };
  }
  const name = { ...sighting.name!, set: set.name };
  if (!present) return { at: "dead", name };
  const renamed = sighting.document !== input.document.name || sighting.name!.set !== set.name;
  return { at: renamed ? "moving" : "member", occupant: { name, sighting } };
};

const placeOfOthers = (input: RosterInput, sighting: MemberSighting, present: boolean): Place => {
  if (!present) return { at: "nowhere" };
  const adoption = input.adoptions.find(
    (wish) =>
      wish.id === sighting.id &&
      wish.from === sighting.owner &&
      input.expansion.sets.some((set) => set.name === wish.set),
  );
  if (adoption !== undefined) return { at: "adoptable", adoption };
  return { at: sighting.owner === null ? "waiting" : "foreign" };
};

const setOf = (input: RosterInput, sighting: MemberSighting): SetResource | undefined => {
  // A mark that anyone may have edited: without one it is in no set, and waits.
  if (sighting.name === null) return undefined;
  const name = sighting.name.set;
  return (
    input.expansion.sets.find((set) => set.name === name) ??
    input.expansion.sets.find((set) => set.previousName === name)
  );
};

export const outsider = (
  sighting: MemberSighting,
  why: Outsider["why"],
  counts: boolean,
): Outsider => ({
  id: sighting.id,
  name: escapeText(sighting.name === null ? sighting.displayName : formatMember(sighting.name)),
  why,
  owner: sighting.owner,
  counts,
});

/** In an order that does not depend on the list's. */
export const sortOutside = (outside: ReadonlyArray<Outsider>): ReadonlyArray<Outsider> =>
  [...outside].sort((a, b) => compareText(a.name, b.name) || compareText(a.id, b.id));

const push = <A>(map: Map<string, Array<A>>, key: string, value: A): void => {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
};
