// Decides whether a user has asked too often: one token bucket per user.

export interface ThrottleOptions {
  /** Requests per second that the bucket refills with, by the simulator's clock. */
  readonly perSecond: number;
  /** Requests that may come at once. */
  readonly burst: number;
  /** Sent as `retry-after` (seconds) when given. Default: not sent, as the service does. */
  readonly retryAfterSeconds?: number;
}

export interface Throttle {
  /** Takes one request from the user's bucket; false when it is empty. */
  readonly admit: (user: string, now: number) => boolean;
  readonly reset: () => void;
}

export const makeThrottle = (options: ThrottleOptions): Throttle => {
  // As many buckets as accounts: bounded by the key ring.
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    admit: (user, now) => {
      const bucket = buckets.get(user) ?? { tokens: options.burst, at: now };
      buckets.set(user, bucket);
      const earned = ((now - bucket.at) / 1_000) * options.perSecond;
      bucket.tokens = Math.min(options.burst, bucket.tokens + earned);
      bucket.at = now;
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
    reset: () => buckets.clear(),
  };
};
