// Decides, the same way for every provider, when a failed call is tried again and how long to wait.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import { attributes, metrics } from "../report/telemetry.ts";
import { count } from "../report/trace.ts";
import { type Handler, ProviderError } from "../words/provider.ts";

export interface Pace {
  /** First wait between two looks at running work, in milliseconds. */
  readonly pollMillis: number;
  /** Longest wait between two looks, in milliseconds. */
  readonly pollMaxMillis: number;
  /** How long a launch may take before its outcome counts as unknown, in milliseconds. */
  readonly createMillis: number;
  /** How long a removal may take before its outcome counts as unknown, in milliseconds. */
  readonly removeMillis: number;
  /** How long one call that writes may take, in milliseconds: shorter than what a lease keeps in hand. */
  readonly writeMillis: number;
  /** How long one call that looks at a member may take, in milliseconds. */
  readonly readMillis: number;
  /** How long a look at all documents of a resource may take, in milliseconds. */
  readonly observeMillis: number;
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
  writeMillis: 16_000,
  readMillis: 60_000,
  observeMillis: 300_000,
  retryMillis: 500,
  retryMaxMillis: 30_000,
  looksAgain: 3,
  unreachableMillis: 120_000,
  throttledMillis: 600_000,
};

/** Longer than this no wait between two looks grows by an operator's choice, in milliseconds. */
const longestPollMillis = 30_000;

/**
 * The pace at which a handler's work is looked at: its operator's first wait goes before ours, and
 * the longest is ten times as long, as it is in ours.
 */
export const paceOf = ({ pollMillis }: Pick<Handler, "pollMillis">, pace: Pace): Pace =>
  pollMillis === undefined
    ? pace
    : {
        ...pace,
        pollMillis,
        pollMaxMillis: Math.max(pollMillis, Math.min(10 * pollMillis, longestPollMillis)),
      };

/**
 * Tries again what may succeed later: `Unreachable` and `Throttled`, each within its budget,
 * after the server's word when it gave one. Everything else fails at once.
 */
export const retrying = <A>(
  pace: Pace,
  call: Effect.Effect<A, ProviderError>,
  callMillis: number = pace.readMillis,
): Effect.Effect<A, ProviderError> =>
  Effect.gen(function* () {
    const started = yield* Clock.currentTimeMillis;
    const attempt = (tries: number): Effect.Effect<A, ProviderError> =>
      Effect.catch(numbered(within(callMillis, call), tries), (error) =>
        Effect.gen(function* () {
          const wait = waitAfter(pace, error, tries, yield* Random.next);
          const now = yield* Clock.currentTimeMillis;
          if (now + wait > started + budget(pace, error)) return yield* error;
          yield* count(metrics.providerRetries, { [attributes.errorType]: error.reason });
          yield* Effect.sleep(wait);
          return yield* attempt(tries + 1);
        }),
      );
    return yield* attempt(0);
  });

/** A handler that never answers is one that cannot be reached. */
export const within = <A>(
  millis: number,
  call: Effect.Effect<A, ProviderError>,
): Effect.Effect<A, ProviderError> =>
  Effect.timeoutOrElse(call, {
    duration: millis,
    orElse: () =>
      Effect.fail(
        new ProviderError({
          reason: "Unreachable",
          operation: "call the provider",
          message: `no answer within ${Math.round(millis / 1_000)} s`,
          remedy: "check the network to the provider; the next run reads back what came of it",
        }),
      ),
  });

/** The spans of a further try say which one it is. */
export const numbered = <A, E, R>(
  call: Effect.Effect<A, E, R>,
  tries: number,
): Effect.Effect<A, E, R> =>
  tries === 0 ? call : Effect.annotateSpans(call, attributes.resends, tries);

const budget = (pace: Pace, error: ProviderError): number => {
  if (error.reason === "Unreachable") return pace.unreachableMillis;
  if (error.reason === "Throttled") return pace.throttledMillis;
  return -1;
};

/** Full jitter below a doubling ceiling, so that many clients do not come back together. */
export const waitAfter = (
  pace: Pace,
  error: Pick<ProviderError, "retryAfterMillis">,
  tries: number,
  dice: number,
): number => {
  const ceiling = Math.min(pace.retryMaxMillis, pace.retryMillis * 2 ** Math.min(tries, 20));
  const jittered = ceiling / 2 + (ceiling / 2) * dice;
  return (error.retryAfterMillis ?? 0) + jittered;
};

/** When work of a sort ends at the earliest, as far as was seen, in milliseconds after its beginning. */
export interface Seen {
  /** The shortest time after which some was seen to have ended. */
  readonly shortest: number;
  /** The latest look before that at which some had not; 0 when there was none. */
  readonly before: number;
}

/** What was seen of each sort of work. */
export type Learned = Map<string, Seen>;

/** Adds one that had ended `elapsed` milliseconds after its beginning, and not yet at the look before. */
export const narrowed = (seen: Seen | undefined, elapsed: number, lookBefore: number): Seen => {
  const shortest = Math.min(elapsed, seen?.shortest ?? elapsed);
  const looks = [seen?.before ?? 0, lookBefore].filter((look) => look < shortest);
  return { shortest, before: Math.max(0, ...looks) };
};

/** Between looks that are closer than this part of the whole, nothing more is learned. */
const closeEnough = 1 / 10;

/**
 * The wait before the next look at work that runs since `elapsed`, in milliseconds. Work of unknown
 * length is looked at ever more rarely, so that little of its time is lost after its end. Where its
 * end was seen to lie between two looks, the next one comes between them; once these are close, some
 * come a little before the earliest end and some after, so that both sides are learned. On the way
 * there looks go half of it, and the next half; past it they come closely.
 */
export const pollWait = (
  pace: Pace,
  elapsed: number,
  seen: Seen | undefined,
  dice: number,
): number => {
  const jitter = 0.9 + 0.2 * dice;
  if (seen === undefined) {
    return jitter * Math.min(pace.pollMaxMillis, pace.pollMillis + elapsed / 4);
  }
  const { shortest } = seen;
  const expected = aimOf(seen, dice) - elapsed;
  const close = Math.max(pace.pollMillis / 10, shortest / 20) + Math.max(0, elapsed - shortest) / 4;
  // Far from its end a look only tells whether it died early: half of the way is soon enough.
  const onTheWay = Math.min(expected, Math.max(jitter * pace.pollMaxMillis, expected / 2));
  return Math.max(Math.min(pace.pollMaxMillis, jitter * close), onTheWay);
};

const aimOf = ({ shortest, before }: Seen, dice: number): number => {
  const apart = shortest - before;
  return apart > closeEnough * shortest
    ? before + apart * (0.4 + 0.2 * dice)
    : shortest * (0.95 + 0.1 * dice);
};
