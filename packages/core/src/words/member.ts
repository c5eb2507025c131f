// The durable name of a member: slot and generation, and the launch token that follows from it.

import { canonicalJson, sha256Hex } from "./canonical.ts";
import type { DocumentAddress } from "./document.ts";

/** Which member of which set: `web-3.2` is slot 3, generation 2 of the set `web`. */
export interface MemberName {
  readonly set: string;
  /** From 1; the lowest free slot is filled first. */
  readonly slot: number;
  /** From 1; rises when the occupant is known dead. */
  readonly generation: number;
}

export const formatMember = (name: MemberName): string =>
  `${name.set}-${name.slot}.${name.generation}`;

const memberPattern = /^(.+)-([1-9][0-9]{0,8})\.([1-9][0-9]{0,8})$/;

/** The name that `formatMember` wrote, or nothing: a tag can be edited by anyone. */
export const parseMember = (text: string): MemberName | undefined => {
  const match = memberPattern.exec(text);
  if (match === null) return undefined;
  const [, set, slot, generation] = match;
  return { set: set!, slot: Number(slot), generation: Number(generation) };
};

export const compareMembers = (a: MemberName, b: MemberName): number =>
  (a.set < b.set ? -1 : a.set > b.set ? 1 : 0) || a.slot - b.slot || a.generation - b.generation;

/**
 * The idempotency token of a launch: 64 hex digits, from facts that any successor has.
 * Any store, any machine and a list that lags all lead to the same token, so nothing is doubled.
 */
export const launchToken = (
  owner: string,
  document: DocumentAddress,
  member: MemberName,
  place: string,
): string =>
  sha256Hex(
    canonicalJson([
      "muster.launch.v1",
      owner,
      document.kind,
      document.name,
      member.set,
      member.slot,
      member.generation,
      place,
    ]),
  );
