// Keeps what requests are signed with, and renews it before it ends: one renewal at a time.

import { CallFailed, withoutSignal } from "./transport.ts";

/** A key, and the name under which OCI knows it. They are only ever used together. */
export interface SigningPair {
  /** Holds the token, when there is one: a secret. */
  readonly keyId: string;
  /** PEM, not encrypted. */
  readonly privateKey: string;
  /** When OCI stops taking it, in milliseconds since the epoch; nothing when it does not end. */
  readonly endsAt: number | null;
}

export interface SigningSource {
  /** What to sign with now. Rejects with `CallFailed` when nothing can sign any more. */
  readonly current: () => Promise<SigningPair>;
  /** What to sign with after OCI refused a pair; nothing when there is no other. Never rejects. */
  readonly after: (refused: SigningPair) => Promise<SigningPair | null>;
}

export interface SigningOptions {
  /** Reads what lies at hand, when that may change by itself; asked before each request. */
  readonly read?: (held: SigningPair | null) => Promise<SigningPair>;
  /** Asks for a pair in place of the one that ends. */
  readonly renew: (held: SigningPair | null) => Promise<SigningPair>;
  /** Whether a pair that was refused before its end is renewed, too. */
  readonly renewsRefused: boolean;
  /** The time that a renewal may take, in milliseconds. */
  readonly timeoutMillis: number;
  /** Default: the time of the machine, in milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Renewed so long before its end, in milliseconds, or at half of its time when that is later. */
const marginMillis = 5 * 60_000;

/** After a renewal that failed while the pair still lasts, the next comes so much later. */
const retryMillis = 30_000;

/** A pair that does not end, such as an API key. */
export const lasting = (pair: Omit<SigningPair, "endsAt">): SigningSource => {
  const whole = { ...pair, endsAt: null };
  return { current: async () => whole, after: async () => null };
};

/** A source whose pairs end. */
export const makeSigningSource = (options: SigningOptions): SigningSource => {
  const now = options.now ?? Date.now;
  let held: SigningPair | null = null;
  let renewAt = 0;
  let renewing: Promise<SigningPair> | undefined;

  const hold = (pair: SigningPair): SigningPair => {
    if (pair.keyId !== held?.keyId) renewAt = renewalOf(pair, now());
    held = pair;
    return pair;
  };

  // Each request in flight would ask for a pair of its own otherwise.
  const renew = (): Promise<SigningPair> =>
    (renewing ??= withoutSignal(() => withinTime(options.timeoutMillis, () => options.renew(held)))
      .then(hold)
      .finally(() => {
        renewing = undefined;
      }));

  const current = async (): Promise<SigningPair> => {
    if (options.read !== undefined) hold(await options.read(held));
    if (held !== null && now() < renewAt) return held;
    try {
      return await renew();
    } catch (failure) {
      if (held === null || !isAlive(held, now())) throw failure;
      renewAt = now() + retryMillis;
      return held;
    }
  };

  const after = async (refused: SigningPair): Promise<SigningPair | null> => {
    try {
      if (options.read !== undefined) hold(await options.read(held));
      if (held !== null && held.keyId !== refused.keyId) return held;
      return options.renewsRefused ? await renew() : null;
    } catch {
      // The refusal itself says more than why nothing could be done about it.
      return null;
    }
  };

  return { current, after };
};

const isAlive = ({ endsAt }: SigningPair, now: number): boolean => endsAt === null || now < endsAt;

const renewalOf = ({ endsAt }: SigningPair, now: number): number =>
  endsAt === null ? Number.POSITIVE_INFINITY : Math.max(endsAt - marginMillis, (now + endsAt) / 2);

// What is asked may wait for ever, and everybody waits for it.
const withinTime = <A>(millis: number, work: () => Promise<A>): Promise<A> =>
  new Promise<A>((resolve, reject) => {
    const deadline = AbortSignal.timeout(millis);
    const abort = (): void => reject(new CallFailed("timed out", { timedOutAfterMillis: millis }));
    deadline.addEventListener("abort", abort, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => deadline.removeEventListener("abort", abort));
  });
