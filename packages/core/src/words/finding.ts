// What an examination finds: one thing that was looked at, how it stands, and what to do about it.

/** `unknown` when the check could not run: never the same as `ok`. */
export type FindingVerdict = "ok" | "warning" | "failed" | "unknown";

/**
 * What a failure comes from:
 * - `input`: arguments, configuration or credentials; a person has to correct them
 * - `infrastructure`: a machine, a disk, a network or a service
 * - `guard`: something that muster refuses to go on with, such as a broken audit
 */
export type FailureOrigin = "input" | "infrastructure" | "guard";

export interface Finding {
  /** What was looked at, such as `clock of the provider`. */
  readonly check: string;
  readonly verdict: FindingVerdict;
  /** What was found. Holds no secret; text from outside is escaped where it is shown. */
  readonly message: string;
  /** What a person can do; nothing when all is well. */
  readonly remedy: string | null;
  /** On `failed` only. */
  readonly origin: FailureOrigin | null;
}

export const okFinding = (check: string, message: string): Finding => ({
  check,
  verdict: "ok",
  message,
  remedy: null,
  origin: null,
});

export const warningFinding = (check: string, message: string, remedy: string): Finding => ({
  check,
  verdict: "warning",
  message,
  remedy,
  origin: null,
});

export const unknownFinding = (
  check: string,
  message: string,
  remedy: string | null = null,
): Finding => ({ check, verdict: "unknown", message, remedy, origin: null });

export const failedFinding = (
  check: string,
  origin: FailureOrigin,
  message: string,
  remedy: string | null,
): Finding => ({ check, verdict: "failed", message, remedy, origin });

/** A clock that is off by more, in milliseconds, is worth a word: leases are shorter than five minutes. */
const noticeableMillis = 30_000;

/** Signed requests of a clock that is off by more are refused, in milliseconds. */
const refusedMillis = 300_000;

/** How this machine's clock stands to that of a host, which is ahead by so much. */
export const clockFinding = (check: string, aheadMillis: number): Finding => {
  const seconds = Math.round(Math.abs(aheadMillis) / 1_000);
  const side = aheadMillis > 0 ? "behind" : "ahead of";
  const message = `this machine's clock is ${seconds} s ${side} it`;
  const remedy = "set the clock, and keep it set by NTP (chrony, systemd-timesyncd)";
  if (Math.abs(aheadMillis) <= noticeableMillis) {
    return okFinding(check, seconds <= 1 ? "this machine's clock agrees" : message);
  }
  return Math.abs(aheadMillis) <= refusedMillis
    ? warningFinding(check, message, remedy)
    : failedFinding(check, "infrastructure", message, remedy);
};
