// Decides which planted fault, if any, strikes a request at one moment of its life.

import type { Operation } from "./operation.ts";

/**
 * When a fault strikes:
 * - `arrival`: signed and routed, nothing decided yet.
 * - `acceptance`: a new change was found valid and is about to be made (reads, refusals and
 *   repeats of a used retry token never come here).
 * - `departure`: an answer of success is about to leave.
 */
export type FaultMoment = "arrival" | "acceptance" | "departure";

/**
 * - `{status, code, message}`: this error is answered, by default at arrival. With
 *   `when: "departure"` the change was made although the answer is an error.
 * - `"drop"`: the connection is destroyed at arrival; nothing was accepted.
 * - `"cut"`: the connection is destroyed at departure; a change was accepted.
 * - `"tear"`: as `cut`, but after the headers and half of the body.
 * - `{hangMs}`: no answer for `hangMs` milliseconds of real time (at most 10 minutes), then the
 *   connection is destroyed. `accepted: true` makes the change first. Default false.
 * - `{delayMs}`: the answer leaves `delayMs` milliseconds of real time late (at most 10 minutes).
 * - `{workRequestFails}`: the change is accepted and its work request fails later.
 */
export type FaultAnswer =
  | {
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly when?: FaultMoment;
      readonly retryAfterSeconds?: number;
    }
  | "drop"
  | "cut"
  | "tear"
  | { readonly hangMs: number; readonly accepted?: boolean }
  | { readonly delayMs: number }
  | { readonly workRequestFails: { readonly code: string; readonly message: string } };

/** Which requests a fault strikes. With neither `nth` nor `every`: each of them. */
export interface FaultRule {
  readonly operation: Operation | "*";
  /** Strikes only the nth request that fits (from 1). */
  readonly nth?: number;
  /** Strikes each request whose number, among those that fit, is a multiple of this. */
  readonly every?: number;
  /** Only launches into this availability domain. */
  readonly availabilityDomain?: string;
  /** Only launches into this fault domain. */
  readonly faultDomain?: string;
  readonly answer: FaultAnswer;
}

export interface FaultSubject {
  readonly operation: Operation;
  readonly availabilityDomain?: string | undefined;
  readonly faultDomain?: string | undefined;
}

export interface FaultTable {
  readonly set: (rules: readonly FaultRule[]) => void;
  /** Adds one rule; the answer takes it away again. */
  readonly add: (rule: FaultRule) => () => void;
  readonly clear: () => void;
  readonly rules: () => readonly FaultRule[];
  /** Counts the request for every rule that fits; the first that strikes is the answer. */
  readonly strike: (moment: FaultMoment, subject: FaultSubject) => FaultAnswer | undefined;
}

const maxRules = 1_000;

/** Real time that a fault may hold an answer back, in milliseconds. */
export const longestHoldMs = 10 * 60_000;

/** No hosts left in an availability domain, or in one fault domain of it. */
export const outOfHostCapacity = (
  place: { readonly availabilityDomain?: string; readonly faultDomain?: string } = {},
): FaultRule => ({
  operation: "LaunchInstance",
  ...place,
  answer: {
    status: 500,
    code: "InternalError",
    message: "Out of host capacity.",
    // A repeated token finds its instance even when no host is left for another one.
    when: "acceptance",
  },
});

/** When an answer strikes. */
export const momentOf = (answer: FaultAnswer): FaultMoment => {
  if (answer === "drop") return "arrival";
  if (answer === "cut" || answer === "tear") return "departure";
  if ("hangMs" in answer) return answer.accepted === true ? "departure" : "arrival";
  if ("delayMs" in answer) return "departure";
  if ("workRequestFails" in answer) return "acceptance";
  return answer.when ?? "arrival";
};

const fits = (rule: FaultRule, subject: FaultSubject): boolean =>
  (rule.operation === "*" || rule.operation === subject.operation) &&
  (rule.availabilityDomain === undefined ||
    rule.availabilityDomain === subject.availabilityDomain) &&
  (rule.faultDomain === undefined || rule.faultDomain === subject.faultDomain);

const strikes = (rule: FaultRule, count: number): boolean =>
  (rule.nth === undefined || rule.nth === count) &&
  (rule.every === undefined || count % rule.every === 0);

export const makeFaultTable = (initial: readonly FaultRule[]): FaultTable => {
  let entries: Array<{ readonly rule: FaultRule; count: number }> = [];
  const set = (rules: readonly FaultRule[]): void => {
    entries = rules.slice(0, maxRules).map((rule) => ({ rule, count: 0 }));
  };
  set(initial);
  return {
    set,
    add: (rule) => {
      const entry = { rule, count: 0 };
      entries = [...entries, entry].slice(-maxRules);
      return () => {
        entries = entries.filter((other) => other !== entry);
      };
    },
    clear: () => set([]),
    rules: () => entries.map((entry) => entry.rule),
    strike: (moment, subject) => {
      let struck: FaultAnswer | undefined;
      for (const entry of entries) {
        if (momentOf(entry.rule.answer) !== moment || !fits(entry.rule, subject)) continue;
        entry.count += 1;
        if (strikes(entry.rule, entry.count)) struck ??= entry.rule.answer;
      }
      return struck;
    },
  };
};
