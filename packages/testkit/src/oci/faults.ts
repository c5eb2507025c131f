// Decides which planted fault, if any, strikes a request at one moment of its life.

import type { Death } from "./lifecycle.ts";
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
 * - `{status, html}`: as before, but with a page for people, as a proxy or a gateway sends it.
 * - `"drop"`: the connection is destroyed at arrival; nothing was accepted.
 * - `"cut"`: the connection is destroyed at departure; a change was accepted.
 * - `"tear"`: as `cut`, but after the headers and half of the body.
 * - `{hangMs}`: no answer for `hangMs` milliseconds of real time (at most 10 minutes), then the
 *   connection is destroyed. `accepted: true` makes the change first. Default false.
 * - `{delayMs}`: the answer leaves `delayMs` milliseconds of real time late (at most 10 minutes).
 * - `{workRequestFails}`: the change is accepted and its work request fails later.
 * - `{workRequestCanceled}`: the change is accepted and its work request ends CANCELED.
 * - `{dies}`: the launch succeeds; `afterMs` milliseconds after that the instance becomes TERMINATED,
 *   or STOPPED, by itself.
 * - `"repeatCursor"`: a page of a list names itself as its next page. A first page is left alone.
 */
export type FaultAnswer =
  | {
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly when?: FaultMoment;
      readonly retryAfterSeconds?: number;
    }
  | {
      readonly status: number;
      readonly html: string;
      readonly when?: FaultMoment;
      readonly retryAfterSeconds?: number;
    }
  | "drop"
  | "cut"
  | "tear"
  | "repeatCursor"
  | { readonly hangMs: number; readonly accepted?: boolean }
  | { readonly delayMs: number }
  | { readonly workRequestFails: { readonly code: string; readonly message: string } }
  | { readonly workRequestCanceled: true }
  | { readonly dies: Death };

/** Which requests a fault strikes: those that all of its fields let through. */
export interface FaultRule {
  readonly operation: Operation | "*";
  /** Strikes only the nth request that fits (from 1). */
  readonly nth?: number;
  /** Strikes each request whose number, among those that fit, is a multiple of this. */
  readonly every?: number;
  /** Strikes each request that fits with this probability, 0 to 1, drawn from the table's seed. */
  readonly probability?: number;
  /** Strikes at most this often. */
  readonly times?: number;
  /** Only from this time on, in milliseconds since the simulator began. */
  readonly fromMs?: number;
  /** Only before this time, in milliseconds since the simulator began. */
  readonly untilMs?: number;
  /** Only requests for a later page of a list than the first. */
  readonly laterPages?: boolean;
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
  /** Whether it asks for a later page of a list than the first. */
  readonly laterPage?: boolean;
  /** Milliseconds since the simulator began. Default 0. */
  readonly elapsedMs?: number;
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

/** What the service says when no host is left, in an answer or in a work request's errors. */
export const noHostLeft = { code: "InternalError", message: "Out of host capacity." } as const;

/** No hosts left in an availability domain, or in one fault domain of it. */
export const outOfHostCapacity = (
  place: { readonly availabilityDomain?: string; readonly faultDomain?: string } = {},
): FaultRule => ({
  operation: "LaunchInstance",
  ...place,
  // A repeated token finds its instance even when no host is left for another one.
  answer: { status: 500, ...noHostLeft, when: "acceptance" },
});

/** When an answer strikes. */
export const momentOf = (answer: FaultAnswer): FaultMoment => {
  if (answer === "drop") return "arrival";
  if (answer === "cut" || answer === "tear" || answer === "repeatCursor") return "departure";
  if ("hangMs" in answer) return answer.accepted === true ? "departure" : "arrival";
  if ("delayMs" in answer) return "departure";
  if ("workRequestFails" in answer || "workRequestCanceled" in answer) return "acceptance";
  if ("dies" in answer) return "acceptance";
  return answer.when ?? "arrival";
};

const fits = (rule: FaultRule, subject: FaultSubject): boolean =>
  (rule.operation === "*" || rule.operation === subject.operation) &&
  (rule.availabilityDomain === undefined ||
    rule.availabilityDomain === subject.availabilityDomain) &&
  (rule.faultDomain === undefined || rule.faultDomain === subject.faultDomain) &&
  (rule.laterPages !== true || subject.laterPage === true) &&
  (rule.fromMs === undefined || (subject.elapsedMs ?? 0) >= rule.fromMs) &&
  (rule.untilMs === undefined || (subject.elapsedMs ?? 0) < rule.untilMs);

interface Entry {
  readonly rule: FaultRule;
  /** Requests that fitted. */
  count: number;
  /** Requests that it struck. */
  struck: number;
}

const strikes = ({ rule, count, struck }: Entry, draw: () => number): boolean =>
  (rule.nth === undefined || rule.nth === count) &&
  (rule.every === undefined || count % rule.every === 0) &&
  (rule.times === undefined || struck < rule.times) &&
  (rule.probability === undefined || draw() < rule.probability);

/** Numbers from 0 to 1, the same after the same seed on every machine (mulberry32). */
const seededDraws = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** `seed` is what probabilities are drawn from; setting the rules begins the draws anew. */
export const makeFaultTable = (initial: readonly FaultRule[], seed = 1): FaultTable => {
  let entries: Entry[] = [];
  let draw = seededDraws(seed);
  const set = (rules: readonly FaultRule[]): void => {
    entries = rules.slice(0, maxRules).map((rule) => ({ rule, count: 0, struck: 0 }));
    draw = seededDraws(seed);
  };
  set(initial);
  return {
    set,
    add: (rule) => {
      const entry = { rule, count: 0, struck: 0 };
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
        if (!strikes(entry, draw) || struck !== undefined) continue;
        entry.struck += 1;
        struck = entry.rule.answer;
      }
      return struck;
    },
  };
};
