// Decides how many members of a set a person's numbers stand for.

import type { AppliedRecord } from "../words/record.ts";
import type { SetResource } from "../words/set.ts";

/** What the store knows of a set under any of its names; nothing when it never saw it. */
export const consentOf = (
  records: ReadonlyArray<AppliedRecord>,
  name: string,
  previousName: string | undefined,
  set: Pick<SetResource, "name" | "previousName">,
): AppliedRecord | undefined => {
  const under = (document: string | undefined, setName: string | undefined) =>
    records.find((record) => record.document.name === document && record.set === setName);
  return (
    under(name, set.name) ??
    under(name, set.previousName ?? set.name) ??
    under(previousName, set.name) ??
    under(previousName, set.previousName ?? set.name)
  );
};

export interface Consent {
  /** Removals that a changed number asks for: the difference, and no more. */
  readonly removals: number;
  /** Members created before this time are asked to go whatever was known; ISO 8601. */
  readonly createdBefore: string | null;
  /** When that ends; milliseconds since the epoch. */
  readonly until: number | null;
}

/**
 * What the numbers consent to. A store that has just met the set knows of no change: there the
 * number itself is the consent to remove what was there before, until a lagging list must have
 * shown all of that.
 */
export const consentTo = (
  known: AppliedRecord | undefined,
  asked: number,
  listLagMillis: number,
  now: number,
): Consent => {
  if (known === undefined) {
    return { removals: Number.MAX_SAFE_INTEGER, createdBefore: null, until: null };
  }
  const removals = Math.max(0, known.count - asked);
  const until = Date.parse(known.knownSince) + listLagMillis;
  return now < until
    ? { removals, createdBefore: known.knownSince, until }
    : { removals, createdBefore: null, until: null };
};
