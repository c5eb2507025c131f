// Decides which hosts are looked at again, and how thoroughly, by when they were looked at last, whoever did it.

import type { Sighting } from "../words/host.ts";
import type { LookScope } from "./refresh.ts";

/** How old a sight may become, in milliseconds. */
export interface RefreshPace {
  /** Whether it can be reached. */
  readonly fastMillis: number;
  /** All that is asked. */
  readonly fullMillis: number;
}

/** Five minutes and an hour. */
export const defaultRefreshPace: RefreshPace = { fastMillis: 300_000, fullMillis: 3_600_000 };

/**
 * What a wave that begins now asks of a host; nothing when somebody looked at it within half a wave.
 * Waves are `fastMillis` apart: the one that comes nearest to the hour asks for all. A host that has
 * not answered since is asked for all in each wave, so that its facts are fresh once it is back.
 */
export const dueScope = (
  sighting: Sighting | undefined,
  { fastMillis, fullMillis }: RefreshPace,
  now: number,
): LookScope | null => {
  const half = fastMillis / 2;
  const isWithin = (at: string | undefined, millis: number): boolean =>
    at !== undefined && now - Date.parse(at) < millis;
  if (isWithin(sighting?.contact?.at, half)) return null;
  return isWithin(sighting?.os?.at, Math.max(half, fullMillis - half)) ? "fast" : "full";
};

/** From the end of one wave to the beginning of the next; spread by a tenth, and never none. */
export const waveWait = (
  { fastMillis }: RefreshPace,
  elapsedMillis: number,
  dice: number,
): number => Math.max(leastWait, fastMillis * (0.9 + 0.2 * dice) - elapsedMillis);

/** Waves that take longer than their distance follow each other with this between, in milliseconds. */
const leastWait = 1_000;
