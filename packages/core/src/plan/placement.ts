// Decides where a member goes: slots take the places in turn, and one that had no capacity comes last.

import type { MemberName } from "../words/member.ts";
import type { Policy } from "../words/policy.ts";
import type { Places } from "../words/provider.ts";
import type { ExhaustionRecord } from "../words/record.ts";

export interface PlacementInput {
  readonly places: Places;
  readonly remembered: { readonly exhaustions: ReadonlyArray<ExhaustionRecord> };
  readonly policy: Pick<Policy, "exhaustionMillis">;
  readonly now: number;
}

/**
 * Told by the slot, so that any store comes to the same place and the same token; only what was
 * lately found full moves it on. There is at least one place.
 */
export const placeOf = (input: PlacementInput, member: MemberName): string => {
  const { spread, fallback } = input.places;
  const turn = spread.length === 0 ? 0 : (member.slot - 1) % spread.length;
  const places = [...spread.slice(turn), ...spread.slice(0, turn), ...fallback];
  const full = new Map(
    input.remembered.exhaustions
      .filter((one) => one.set === member.set && input.now < endOf(input, one))
      .map(({ place, at }) => [place, at]),
  );
  const free = places.find((place) => !full.has(place));
  if (free !== undefined) return free;
  return places.reduce((best, place) => (full.get(place)! < full.get(best)! ? place : best));
};

/** When the first place counts as any other again; milliseconds since the epoch. */
export const freshAt = (input: PlacementInput): number | null => {
  const ends = input.remembered.exhaustions
    .map((one) => endOf(input, one))
    .filter((end) => end > input.now);
  return ends.length === 0 ? null : Math.min(...ends);
};

const endOf = ({ policy }: PlacementInput, { at }: ExhaustionRecord): number =>
  Date.parse(at) + policy.exhaustionMillis;
