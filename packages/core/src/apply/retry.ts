// Decides, the same way for every provider, when a failed call is tried again and how long to wait.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import type { ProviderError } from "../words/provider.ts";

export interface Pace {
  /** First wait between two looks at running work, in milliseconds. */
  readonly pollMillis: number;
  /** Longest wait between two looks, in milliseconds. */
  readonly pollMaxMillis: number;
  /** How long a launch may take before its outcome counts as unknown, in milliseconds. */
  readonly createMillis: number;
  /** How long a removal may take before its outcome counts as unknown, in milliseconds. */
  readonly removeMillis: number;
  /** First wait after a failure, in milliseconds; doubles, jittered, up to `retryMaxMillis`. */
  readonly retryMillis: number;
  readonly retryMaxMillis: number;
  /** How often a look at the world that passing trouble broke off is tried again. */
  readonly looksAgain: number;
  /** How long an unreachable provider is tried, in milliseconds. */
  readonly unreachableMillis: number;
  /** How long a throttling provider is tried, in milliseconds. */
  readonly throttledMillis: number;
}

export const defaultPace: Pace = {
  pollMillis: 500,
  pollMaxMillis: 5_000,
  createMillis: 1_200_000,
  removeMillis: 600_000,
  retryMillis: 500,
  retryMaxMillis: 30_000,
  looksAgain: 3,
  unreachableMillis: 120_000,
  throttledMillis: 600_000,
};

/**
 * Tries again what may succeed later: `Unreachable` and `Throttled`, each within its budget,
 * after the server's word when it gave one. Everything else fails at once.
 */
export const retrying = <A>(
  pace: Pace,
  call: Effect.Effect<A, ProviderError>,
): Effect.Effect<A, ProviderError> =>
  Effect.gen(function* () {
    const started = yield* Clock.currentTimeMillis;
    const attempt = (tries: number): Effect.Effect<A, ProviderError> =>
      Effect.catch(call, (error) =>
        Effect.gen(function* () {
          const wait = waitAfter(pace, error, tries, yield* Random.next);
          const now = yield* Clock.currentTimeMillis;
          if (now + wait > started + budget(pace, error)) return yield* error;
          yield* Effect.sleep(wait);
          return yield* attempt(tries + 1);
        }),
      );
    return yield* attempt(0);
  });

const budget = (pace: Pace, error: ProviderError): number => {
  if (error.reason === "Unreachable") return pace.unreachableMillis;
  if (error.reason === "Throttled") return pace.throttledMillis;
  return -1;
};

/** Full jitter below a doubling ceiling, so that many clients do not come back together. */
export const waitAfter = (pace: Pace, error: ProviderError, tries: number, dice: number): number => {
  const ceiling = Math.min(pace.retryMaxMillis, pace.retryMillis * 2 ** Math.min(tries, 20));
  const jittered = ceiling / 2 + (ceiling / 2) * dice;
  return (error.retryAfterMillis ?? 0) + jittered;
};

/** The wait before the next look at running work: slowly longer, a little jittered. */
export const pollWait = (pace: Pace, looks: number, dice: number): number => {
  const ceiling = Math.min(pace.pollMaxMillis, pace.pollMillis * 1.25 ** Math.min(looks, 40));
  return ceiling * (0.9 + 0.2 * dice);
};
