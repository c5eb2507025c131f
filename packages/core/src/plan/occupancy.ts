// Decides who holds which slot of a set: what was seen, joined with what the store remembers.

import type { MemberName } from "../words/member.ts";
import type { MemberSighting } from "../words/provider.ts";
import type { IntentRecord, MemberRecord } from "../words/record.ts";

/** What is known of one slot: the highest generation, and whether somebody lives there. */
export interface Slot {
  readonly slot: number;
  readonly generation: number;
  readonly state: "held" | "dead" | "launching";
  /** The launch that may be on its way; its place and token are asked again, never others. */
  readonly intent?: IntentRecord;
}

/** A member of ours in a set, with the name that it shall have (another than its mark's after a move). */
export interface Occupant {
  readonly name: MemberName;
  readonly sighting: MemberSighting;
}

/** `leaving` cannot come back, so its slot is free for the next generation. */
export const isPresent = (sighting: MemberSighting): boolean =>
  sighting.phase !== "gone" && sighting.phase !== "leaving";

/** What is stopped is no member; nothing starts it, and nothing takes its name. */
export const isMember = ({ phase }: MemberSighting): boolean => phase !== "stopped";

/** Oldest first; ties by identifier, so that every successor takes the same side. */
export const compareAge = (a: MemberSighting, b: MemberSighting): number =>
  a.createdAt < b.createdAt
    ? -1
    : a.createdAt > b.createdAt
      ? 1
      : a.id < b.id
        ? -1
        : a.id > b.id
          ? 1
          : 0;

/**
 * Members that came to be known lately, and that nothing shows: a list that lags and a look that
 * finds nothing are no proof of death until every list must have shown them.
 */
export const unseenOf = (
  records: ReadonlyArray<MemberRecord>,
  sightings: ReadonlyArray<MemberSighting>,
  listLagMillis: number,
  now: number,
): ReadonlyArray<Unseen> => {
  const seen = new Set(sightings.map(({ id }) => id));
  return records.flatMap(({ member, id, alive, at }) => {
    if (!alive || id === null || at === undefined || seen.has(id)) return [];
    const absentAt = Date.parse(at) + listLagMillis;
    return now < absentAt ? [{ name: member, absentAt }] : [];
  });
};

export interface Unseen {
  readonly name: MemberName;
  /** From when on its absence counts; milliseconds since the epoch. */
  readonly absentAt: number;
}

/**
 * The slots of one set. A member that the store knows but observe could not find is dead, unless
 * it is only unseen; an intent to launch that nobody has seen yet keeps its generation, so that its token is sent again.
 */
export const slotsOf = (
  occupants: ReadonlyArray<Occupant>,
  dead: ReadonlyArray<MemberName>,
  records: ReadonlyArray<MemberRecord>,
  launching: ReadonlyArray<IntentRecord>,
  unseen: ReadonlyArray<Unseen>,
): ReadonlyMap<number, Slot> => {
  const slots = new Map<number, Slot>();
  const note = (name: MemberName, state: Slot["state"], intent?: IntentRecord) => {
    const known = slots.get(name.slot);
    if (known !== undefined && !outranks({ ...name, state }, known)) return;
    const { slot, generation } = name;
    slots.set(slot, { slot, generation, state, ...(intent === undefined ? {} : { intent }) });
  };
  for (const intent of launching) note(intent.member, "launching", intent);
  for (const record of records) note(record.member, "dead");
  for (const name of dead) note(name, "dead");
  for (const { name } of unseen) note(name, "held");
  for (const occupant of occupants) note(occupant.name, "held");
  return slots;
};

const rank = { launching: 0, dead: 1, held: 2 } as const;

/** Somebody alive always holds the slot; otherwise the higher generation tells more. */
const outranks = (
  a: { readonly generation: number; readonly state: Slot["state"] },
  b: Slot,
): boolean => {
  if (a.state === "held" || b.state === "held") {
    return a.state === "held" && (b.state !== "held" || a.generation > b.generation);
  }
  return (
    a.generation > b.generation || (a.generation === b.generation && rank[a.state] > rank[b.state])
  );
};

/** The lowest free slots, each with the generation that its next occupant gets. */
export const freeSlots = (
  set: string,
  slots: ReadonlyMap<number, Slot>,
  wanted: number,
): ReadonlyArray<MemberName> => {
  const free: Array<MemberName> = [];
  for (let slot = 1; free.length < wanted; slot += 1) {
    const known = slots.get(slot);
    if (known?.state === "held") continue;
    free.push({ set, slot, generation: nextGeneration(known) });
  }
  return free;
};

const nextGeneration = (known: Slot | undefined): number => {
  if (known === undefined) return 1;
  return known.state === "dead" ? known.generation + 1 : known.generation;
};

/**
 * Two live members of one slot and generation are twins: the younger ones go.
 * Answers the members that stay and the twins that do not.
 */
export const separateTwins = (
  occupants: ReadonlyArray<Occupant>,
): { readonly members: ReadonlyArray<Occupant>; readonly twins: ReadonlyArray<Occupant> } => {
  const members: Array<Occupant> = [];
  const twins: Array<Occupant> = [];
  const held = new Set<string>();
  for (const occupant of [...occupants].sort((a, b) => compareAge(a.sighting, b.sighting))) {
    const key = `${occupant.name.slot}.${occupant.name.generation}`;
    (held.has(key) ? twins : members).push(occupant);
    held.add(key);
  }
  return { members, twins };
};
