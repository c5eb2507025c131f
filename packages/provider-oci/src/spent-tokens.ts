// Decides what a spent launch token means when nothing that it made can be seen.

/** How long a list may lag behind a launch, in milliseconds. */
export const listLagMillis = 10 * 60_000;

/** More tokens than this are not remembered: the oldest waits anew. */
const maxRemembered = 1_000;

/**
 * OCI calls a token invalidated when what it made is gone, and also when it comes with another body
 * than before: then the member may be alive, in a list that does not show it yet. Absence therefore
 * counts only once it has lasted longer than a list can lag.
 */
export interface SpentTokens {
  /**
   * Notes that nothing made by this token could be seen at `now`; answers the milliseconds that are
   * left before that counts as proof, 0 when it does.
   */
  readonly noteAbsence: (token: string, now: number) => number;
  /** What the token made was seen after all. */
  readonly forget: (token: string) => void;
}

export const makeSpentTokens = (): SpentTokens => {
  const absentSince = new Map<string, number>();
  return {
    noteAbsence: (token, now) => {
      const since = absentSince.get(token) ?? now;
      if (!absentSince.has(token)) {
        absentSince.set(token, since);
        const oldest = absentSince.keys().next();
        if (absentSince.size > maxRemembered && !oldest.done) absentSince.delete(oldest.value);
      }
      return Math.max(0, since + listLagMillis - now);
    },
    forget: (token) => {
      absentSince.delete(token);
    },
  };
};
