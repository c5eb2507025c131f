// Decides which members that nothing asks for any more are destroyed: those that a person named.

import type { DocumentAddress } from "../words/document.ts";
import type { MemberName } from "../words/member.ts";
import type { RemoveChange } from "../words/plan.ts";
import type { MemberSighting } from "../words/provider.ts";
import { escapeText } from "../words/quote.ts";
import type { DestructionRecord, DocumentRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";
import { longestText } from "./blindness.ts";
import { isPresent } from "./occupancy.ts";
import { consentDigest } from "./removals.ts";

export interface DestroyInput {
  readonly document: DocumentAddress;
  /** Ours, present, and in no set that a document asks for. */
  readonly left: ReadonlyArray<MemberSighting>;
  readonly wishes: ReadonlyArray<DestructionRecord>;
  /**
   * Only wishes of this time and later count (ISO 8601); all of them when nothing. What came back
   * and vanished again is not what the person meant.
   */
  readonly since: string | null;
}

/** A removal for each of these members that a person asked to destroy. */
export const planDestruction = (input: DestroyInput): ReadonlyArray<RemoveChange> => {
  const since = input.since === null ? Number.NEGATIVE_INFINITY : Date.parse(input.since);
  const wishes = input.wishes.filter(({ at }) => Date.parse(at) >= since);
  return input.left.flatMap((sighting) => {
    const wish = wishes.find(({ id }) => id === sighting.id);
    return wish === undefined || !isDestroyable(input.document, sighting)
      ? []
      : [destroy(sighting, wish, wishes)];
  });
};

/**
 * Ours that nothing asks for, as far as the store knows: all of an orphan, else those of sets that
 * vanished. Without a readable mark a member is in no set, so it is left only with an orphan.
 */
export const membersLeft = (
  { document, expansion, orphanedAt }: DocumentRecord,
  sightings: ReadonlyArray<MemberSighting>,
  owner: string,
): ReadonlyArray<MemberSighting> =>
  sightings.filter(
    (sighting) =>
      sighting.owner === owner &&
      sighting.document === document.name &&
      isPresent(sighting) &&
      (orphanedAt !== null || (sighting.name !== null && !asksFor(expansion, sighting.name.set))),
  );

/** Under its name, or under the one that it had before. */
export const asksFor = (expansion: Expansion, set: string): boolean =>
  expansion.sets.some(({ name, previousName }) => name === set || previousName === set);

/** Its marks say that it is this document's: apply looks again, and touches nothing else. */
export const isDestroyable = (
  document: DocumentAddress,
  sighting: MemberSighting,
): sighting is MemberSighting & { readonly name: MemberName } =>
  sighting.document === document.name && sighting.name !== null;

const destroy = (
  sighting: MemberSighting & { readonly name: MemberName },
  wish: DestructionRecord,
  wishes: ReadonlyArray<DestructionRecord>,
): RemoveChange => ({
  action: "remove",
  key: `remove:${sighting.id}`,
  member: sighting.name,
  id: sighting.id,
  asked: true,
  consent: { by: wish.by, digest: consentDigest(askedTogether(wish, wishes)) },
  precondition: { version: sighting.version },
  reason: {
    code: "DestructionAsked",
    text: escapeText(`${wish.by} asked to destroy it: ${wish.reason}`, longestText),
  },
});

/** One command is one consent; its digest is the one that the command showed. */
const askedTogether = (
  wish: DestructionRecord,
  wishes: ReadonlyArray<DestructionRecord>,
): ReadonlyArray<string> =>
  wishes.filter(({ at, by }) => at === wish.at && by === wish.by).map(({ id }) => id);
