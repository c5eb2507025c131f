// Keeps since when the end of each change is awaited, and decides when the list is not enough to tell it.

/** Waits that are kept at a time: beyond that the oldest begins anew. */
const maxWaits = 10_000;

/** How long the list may show no end before the work request is asked, in milliseconds. */
const overdueMillis = 300_000;
/** So often it is looked at the list alone: one that lags far behind must not hold up who waits. */
const looksAtList = 30;
/** A list that is older than this part of the wait is too old for it, and so is one of this age. */
const staleness = { part: 1 / 20, millis: 5_000 } as const;

/** How an awaited instance stands in the list. */
export type Listed = "living" | "leaving" | "absent";

export interface Wait {
  /**
   * How old the list may be that is looked at, in milliseconds: a small part of the wait, and no
   * older than the last look, which saw all that was told by then.
   */
  readonly maxAgeMillis: (now: number) => number;
  /** Notes what the list shows; whether the instance and its work request must be asked now. */
  readonly isDue: (listed: Listed, now: number) => boolean;
}

export interface Waits {
  /** The wait for the end of the change of this instance; begins at `now` when it is new. */
  readonly of: (id: string, now: number) => Wait;
  /** The end is known. */
  readonly end: (id: string) => void;
}

export const makeWaits = (): Waits => {
  const waits = new Map<string, Wait>();
  return {
    of: (id, now) => {
      const wait = waits.get(id) ?? makeWait(now);
      if (!waits.has(id)) {
        const oldest = waits.keys().next();
        if (waits.size >= maxWaits && !oldest.done) waits.delete(oldest.value);
        waits.set(id, wait);
      }
      return wait;
    },
    end: (id) => {
      waits.delete(id);
    },
  };
};

const makeWait = (since: number): Wait => {
  let asked = since;
  let looked = since;
  let looks = 0;
  let before: Listed | undefined;
  return {
    maxAgeMillis: (now) =>
      Math.max(0, Math.min((now - since) * staleness.part, staleness.millis, now - looked - 1)),
    isDue: (listed, now) => {
      const cameBack = before === "leaving" && listed === "living";
      looked = now;
      looks += 1;
      const isLate = looks >= looksAtList || now - asked >= overdueMillis;
      // A list that lags behind the change itself tells nothing of it.
      const due = listed === "absent" || cameBack || isLate;
      before = listed;
      if (due) {
        asked = now;
        looks = 0;
      }
      return due;
    },
  };
};
