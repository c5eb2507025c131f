// Decides when a document that met trouble is tried again: ever more rarely, for ever. Pure.

import type { Outcome } from "../apply/outcome.ts";
import { effectiveChanges, type Plan } from "../words/plan.ts";

export interface Ladder {
  /** The wait after the first trouble, in milliseconds; doubles with each that follows. */
  readonly firstMillis: number;
  /** The longest wait, in milliseconds. */
  readonly longestMillis: number;
}

/** Where a document stands between two ticks. */
export interface Standing {
  /** The input that was worked on last; nothing for a document that vanished. */
  readonly inputDigest: string | null;
  /** How often it met trouble since it last went well. */
  readonly failures: number;
  /** What stood in the way; nothing when all went well. */
  readonly trouble: string | null;
  /** What a person can do about it, when that is known. */
  readonly remedy: string | null;
  /** When it is looked at again, in milliseconds since the epoch; 0 at every tick. */
  readonly dueAt: number;
}

/**
 * An input that is new is due at once: what went wrong was about another one. So is a document that
 * would have to wait longer than any wait: then the clock was set back.
 */
export const isDue = (
  standing: Standing | undefined,
  inputDigest: string | null,
  now: number,
  ladder: Ladder,
): boolean =>
  standing === undefined ||
  standing.inputDigest !== inputDigest ||
  now >= standing.dueAt ||
  standing.dueAt - now > ladder.longestMillis;

/** What stood in the way of a document. */
export interface Trouble {
  readonly text: string;
  readonly remedy: string | null;
}

/** How it stands after it was looked at or worked on. `dice` is from 0 to 1. */
export const standingAfter = (
  before: Standing | undefined,
  seen: { readonly inputDigest: string | null; readonly trouble: Trouble | null },
  now: number,
  ladder: Ladder,
  dice: number,
): Standing => {
  const { inputDigest, trouble } = seen;
  if (trouble === null) return { inputDigest, failures: 0, trouble, remedy: null, dueAt: 0 };
  const former = before?.inputDigest === inputDigest ? before.failures : 0;
  return {
    inputDigest,
    failures: former + 1,
    trouble: trouble.text,
    remedy: trouble.remedy,
    dueAt: now + waitAfterFailures(former + 1, ladder, dice),
  };
};

/** Jittered below a doubling ceiling, so that documents that failed together do not come back together. */
export const waitAfterFailures = (failures: number, ladder: Ladder, dice: number): number => {
  const ceiling = Math.min(
    ladder.longestMillis,
    ladder.firstMillis * 2 ** Math.min(failures - 1, 30),
  );
  return Math.round(ceiling * (0.75 + 0.25 * dice));
};

/**
 * What stood in the way of a document, or nothing. What waits for a person, such as a refusal or a
 * hold, is no trouble: consent has to be seen at the next tick.
 */
export const troubleOf = (
  plan: Plan | undefined,
  outcomes: ReadonlyArray<Outcome>,
): Trouble | null => {
  const wrong = outcomes.find(
    ({ result, code }) =>
      result === "failed" || result === "unknown" || (result === "skipped" && code !== "Held"),
  );
  if (wrong !== undefined) return { text: wrong.message, remedy: wrong.remedy };
  const stale = outcomes.find(({ result }) => result === "stale");
  // Moved under us once is a matter of course; again and again with nothing done it is trouble.
  if (stale !== undefined && !outcomes.some(({ result }) => result === "done")) {
    if (plan !== undefined && effectiveChanges(plan).length > 0) {
      return { text: stale.message, remedy: stale.remedy };
    }
  }
  if (plan === undefined || plan.seen) return null;
  const [refusal] = plan.refusals;
  return { text: refusal?.reason.text ?? "it could not be seen", remedy: refusal?.remedy ?? null };
};
