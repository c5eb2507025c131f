// Writes what was decided of the roll exactly once: decided anew when somebody else was faster, looked for when no answer came.

import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import { canonicalJson, StoreError, type StoreShape } from "@muster/core";
import {
  type Decided,
  type Decision,
  inventoryOwner,
  type Roll,
} from "@muster/core/inventory/roll";
import type { AuditDraft, AuditEntry, AuditHead } from "@muster/core/words/audit";
import { CommandEnd } from "../exit.ts";
import { loadRoll } from "./opened.ts";

/** Asked for each roll anew: who is meant may be somebody else on another one. */
export type Decide = (roll: Roll) => Effect.Effect<Decision, StoreError>;

export interface Done {
  /** What it was decided on. */
  readonly roll: Roll;
  readonly decided: Decided;
}

type Outcome = Effect.Effect<Done, CommandEnd | StoreError>;

const refused = 5;
const wrong = 1;
const unknownOutcome = 7;

/** So often somebody else may be faster, and with such a pause between, before it is given up. */
const tries = 20;
const pause = Schedule.jittered(Schedule.spaced("20 millis"));

/** What would be done now; a refusal ends the command with 5, or with 1 where the asking was wrong. */
export const decideOn = Effect.fnUntraced(function* (
  store: StoreShape,
  decide: Decide,
): Effect.fn.Return<Done, CommandEnd | StoreError> {
  const roll = yield* loadRoll(store);
  const decision = yield* decide(roll);
  if ("decided" in decision) return { roll, decided: decision.decided };
  const { reason, remedy } = decision.refused;
  const code = guards.has(reason.code) ? refused : wrong;
  return yield* new CommandEnd({ code, message: reason.text, remedy });
});

/** What is not wrong to ask, and still not done. */
const guards = new Set(["InUse", "KeptElsewhere"]);

/** Ends the command with 7 when it may be written or not, and nobody can tell. */
export const writeRoll = (store: StoreShape, decide: Decide): Outcome =>
  attempt(store, decide).pipe(
    Effect.retry({
      while: (error) =>
        error._tag === "StoreError" && (error.reason === "Moved" || error.reason === "Fenced"),
      times: tries,
      schedule: pause,
    }),
  );

/**
 * Each edit comes under the lease as it was before the look. Nobody holds it: who has to know that a
 * write without an answer is over counts it up, and so fences that write out.
 */
const attempt = Effect.fnUntraced(function* (
  store: StoreShape,
  decide: Decide,
): Effect.fn.Return<Done, CommandEnd | StoreError> {
  const { version } = yield* store.lease(inventoryOwner);
  const head = yield* store.auditHead;
  const done = yield* decideOn(store, decide);
  const { batch, changed, ofAbsent } = done.decided;
  if (changed.length === 0) return done;
  const fenced = { ...batch, fence: version, ...(ofAbsent ? { auditedTo: head.seq } : {}) };
  yield* store.commit(fenced).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "Unanswered",
      (lost) => lookFor(store, { lost, fence: version, head, drafts: batch.audit ?? [] }),
    ),
  );
  return done;
});

/** How often, and with what pauses, a store that does not answer is asked what became of a write. */
const looks = { times: 6, schedule: Schedule.jittered(Schedule.exponential("200 millis")) };

interface LostWrite {
  readonly lost: StoreError;
  readonly fence: number;
  /** Where the audit ended before it. */
  readonly head: AuditHead;
  /** What the audit says of it, written with it. */
  readonly drafts: ReadonlyArray<AuditDraft>;
}

/** Succeeds when it is written, and fails with `Moved` when it is not and never will be. */
const lookFor = (
  store: StoreShape,
  { lost, fence, head, drafts }: LostWrite,
): Effect.Effect<void, CommandEnd | StoreError> =>
  Effect.gen(function* () {
    yield* fenceOut(store, fence);
    return yield* hasEntry(store, head.seq, drafts);
  }).pipe(
    Effect.retry(looks),
    Effect.mapError(
      () =>
        new CommandEnd({
          code: unknownOutcome,
          message: `${store.place}: ${lost.message}`,
          remedy: "run it again once the store answers: it finds what is so already",
        }),
    ),
    Effect.flatMap((isWritten) => (isWritten ? Effect.void : Effect.fail(notWritten(store)))),
  );

/**
 * Takes its turn behind a write under this lease, and lets no such write come after it. Somebody
 * else may have counted the lease up before: then they did it.
 */
const fenceOut = Effect.fnUntraced(function* (
  store: StoreShape,
  expected: number,
): Effect.fn.Return<void, StoreError> {
  // Long past: it is counted up, and held by nobody.
  const expiresAt = 0;
  const holder = "an edit of the roll";
  yield* store.claimLease({ owner: inventoryOwner, expected, holder, expiresAt });
});

const notWritten = ({ place }: StoreShape): StoreError =>
  new StoreError({
    reason: "Moved",
    place,
    message: "nothing was written: the connection was lost before it was",
    remedy: "run it again",
  });

const page = 500;

/** Whether one of the entries above `after` is one of these. */
const hasEntry = Effect.fnUntraced(function* (
  store: StoreShape,
  after: number,
  drafts: ReadonlyArray<AuditDraft>,
): Effect.fn.Return<boolean, StoreError> {
  let last = after;
  while (true) {
    const entries = yield* store.auditEntries(last, page);
    if (entries.some((entry) => drafts.some((draft) => says(entry, draft)))) return true;
    if (entries.length < page) return false;
    last = entries.at(-1)!.seq;
  }
});

const says = (entry: AuditEntry, draft: AuditDraft): boolean =>
  canonicalJson({ ...entry, ...draft }) === canonicalJson(entry);
