// Keeps the retry tokens that led to a change, with the body each was tied to.

/** What the first request with a token led to. */
export interface UsedToken {
  readonly bodyDigest: string;
  readonly instanceId: string;
  readonly workRequestId?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface RetryTokens {
  readonly find: (key: string, now: number) => UsedToken | undefined;
  readonly keep: (key: string, used: UsedToken) => void;
  readonly clear: () => void;
}

/** A token counts for 24 hours. */
export const tokenLifeMs = 24 * 3_600_000;

const maxTokens = 100_000;

export const makeRetryTokens = (): RetryTokens => {
  const tokens = new Map<string, UsedToken>();
  return {
    find: (key, now) => {
      const used = tokens.get(key);
      return used === undefined || now >= used.at + tokenLifeMs ? undefined : used;
    },
    keep: (key, used) => {
      // Deleted first, so that the map stays in order of age and its head is the oldest.
      tokens.delete(key);
      tokens.set(key, used);
      for (const [oldest, { at }] of tokens) {
        if (used.at < at + tokenLifeMs && tokens.size <= maxTokens) break;
        tokens.delete(oldest);
      }
    },
    clear: () => tokens.clear(),
  };
};
