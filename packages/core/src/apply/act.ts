// Carries out one change at the provider: look again, act, read back. Chooses nothing.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Random from "effect/Random";
import type { LeaseError } from "../lease/lease.ts";
import type { StoreError } from "../store/store.ts";
import type { DocumentAddress } from "../words/document.ts";
import { formatMember } from "../words/member.ts";
import { escapeText } from "../words/quote.ts";
import type { Change, CreateChange, MarkChange, RemoveChange } from "../words/plan.ts";
import {
  type Accepted,
  type Handler,
  type MemberSighting,
  type Progress,
  ProviderError,
} from "../words/provider.ts";
import type { Expansion } from "../words/set.ts";
import type { Outcome } from "./outcome.ts";
import { type Learned, narrowed, type Pace, pollWait, retrying } from "./retry.ts";

/** How far a write got: from there on some failures say nothing of what it did. */
export interface Sent {
  /** It was sent: a missing answer is an unknown outcome. */
  write: boolean;
  /** A try was never answered: what a later one is told cannot undo what that one may have done. */
  unanswered: boolean;
  /** It was accepted: whatever goes wrong while its end is awaited, it happens. */
  accepted: boolean;
}

export interface Stage {
  readonly document: DocumentAddress;
  readonly expansion: Expansion;
  readonly owner: string;
  readonly handler: Handler;
  readonly pace: Pace;
  /** How long changes of this document took, by action. */
  readonly learned: Learned;
  /** Fails when we may no longer write: asked right before each provider write. */
  readonly mayWrite: Effect.Effect<void, LeaseError>;
  readonly sent: Sent;
  readonly onProgress: (change: Change, detail: string) => Effect.Effect<void>;
  /** Makes the provider's identifier durable as soon as it is known. */
  readonly onAccepted: (change: CreateChange, id: string) => Effect.Effect<void, StoreError>;
}

/** What came of it, and the member that stands there now. */
export interface Acted {
  readonly outcome: Outcome;
  /** The identifier of the member that was created, marked or removed. */
  readonly id: string | null;
  /** What was created is dead: its generation is spent. */
  readonly died?: true;
}

export const create = Effect.fnUntraced(function* (
  stage: Stage,
  change: CreateChange,
): Effect.fn.Return<Acted, ProviderError | LeaseError | StoreError> {
  const accepted = yield* launch(stage, change);
  if (accepted === "dead") {
    const name = formatMember(change.member);
    const message = `${name} was launched before and is dead`;
    return { ...acted(stage, change, "stale", "OccupantDead", message), died: true };
  }
  stage.sent.accepted = true;
  yield* stage.onAccepted(change, accepted.id);
  const awaited = yield* waitFor(
    stage,
    change,
    accepted,
    stage.handler.created(stage.expansion, accepted),
    stage.pace.createMillis,
  ).pipe(
    // The provider knows that it is dead, and why: nothing is left open.
    Effect.catchIf(
      (error) => error.occupantDead === true,
      (error) => Effect.succeed(diedOf(stage, change, accepted.id, error)),
    ),
  );
  if ("outcome" in awaited) return awaited;
  const { member } = awaited;
  if (member !== null && !bearsName(stage, change, member)) {
    const name = formatMember(change.member);
    const message = `the token of ${name} made another member`;
    return { ...acted(stage, change, "stale", "OccupantDead", message), died: true };
  }
  if (member === null || member.phase === "gone" || member.phase === "leaving") {
    return { ...stillborn(stage, change, accepted.id, "it died before it ran"), died: true };
  }
  const how = member.phase === "running" ? "running" : `${member.phase}, it seems,`;
  return acted(stage, change, "done", null, `${how} as ${member.id}`, member.id);
});

/** Launching ends with what will not pass by itself; any other death is one try that failed. */
const diedOf = (stage: Stage, change: CreateChange, id: string, error: ProviderError): Acted => {
  const { outcome } = stillborn(stage, change, id, escapeText(error.message, 1_000));
  return {
    id,
    died: true,
    outcome: {
      ...outcome,
      code: error.reason === "Exhausted" ? "Exhausted" : "OccupantDead",
      remedy: error.remedy === undefined ? outcome.remedy : escapeText(error.remedy, 1_000),
    },
  };
};

const stillborn = (stage: Stage, change: CreateChange, id: string, message: string): Acted => ({
  id,
  outcome: {
    document: stage.document,
    change,
    result: "failed",
    code: "OccupantDead",
    message,
    remedy: `look up in the provider's console why ${id} ended; the next run launches another in its place`,
  },
});

/** Somebody may have launched this very member since we looked: then there is nothing to send. */
const launch = Effect.fnUntraced(function* (
  stage: Stage,
  change: CreateChange,
): Effect.fn.Return<Accepted | "dead", ProviderError | LeaseError> {
  const set = stage.expansion.sets.find((candidate) => candidate.name === change.member.set);
  if (set === undefined) return yield* bug(`plan names a set that is not asked for`);
  const found = yield* retrying(
    stage.pace,
    stage.handler.find(stage.expansion, set, change.member),
  );
  const ours = found.find((sighting) => sighting.owner === stage.owner);
  if (ours !== undefined) return { id: ours.id, operation: null };
  const request = {
    expansion: stage.expansion,
    set,
    member: change.member,
    owner: stage.owner,
    place: change.place,
    token: change.token,
    template: change.template,
  };
  // The same token each time: a lost answer is asked for again, never launched again.
  return yield* writing(stage, stage.handler.create(request)).pipe(
    Effect.catchTag("ProviderError", (error) => {
      if (error.occupantDead === true) return Effect.succeed("dead" as const);
      return Effect.fail(stage.sent.unanswered ? inDoubt(error) : error);
    }),
  );
});

export const remove = Effect.fnUntraced(function* (
  stage: Stage,
  change: RemoveChange,
): Effect.fn.Return<Acted, ProviderError | LeaseError | StoreError> {
  const now = yield* lookAgain(stage, change);
  // It was seen a moment ago: not being found now may be a matter of rights, or of a copy that lags.
  if (now === null) return stale(stage, change);
  if (now.phase === "gone") {
    return acted(stage, change, "done", null, "it was gone already", change.id);
  }
  if (now.phase !== "leaving" && moved(stage, change, now)) return stale(stage, change);
  const accepted =
    now.phase === "leaving"
      ? { id: now.id, operation: null }
      : yield* terminate(stage, change, now);
  if (accepted === "moved") return stale(stage, change);
  stage.sent.accepted = true;
  const { member, givenUp } = yield* waitFor(
    stage,
    change,
    accepted,
    stage.handler.removed(stage.expansion, accepted),
    stage.pace.removeMillis,
  );
  return member === null || member.phase === "gone"
    ? acted(stage, change, "done", null, "gone", change.id)
    : survivor(stage, change, givenUp ?? "the provider did not remove it");
});

/** What was accepted and given up is known not to have happened. */
const survivor = (stage: Stage, change: RemoveChange, message: string): Acted => ({
  id: change.id,
  outcome: {
    document: stage.document,
    change,
    result: "failed",
    code: "Conflict",
    message: escapeText(message, 1_000),
    remedy: "the next run tries again; if it ends the same way, look it up at the provider",
  },
});

/** A conflict may be the echo of our own lost request: the member itself tells. */
const terminate = (
  stage: Stage,
  change: RemoveChange,
  now: MemberSighting,
): Effect.Effect<Accepted | "moved", ProviderError | LeaseError> =>
  writing(
    stage,
    stage.handler.remove({ expansion: stage.expansion, id: now.id, version: now.version }),
  ).pipe(
    Effect.catchIf(
      (error) => error._tag === "ProviderError" && error.reason === "Conflict",
      () =>
        Effect.map(lookAgain(stage, change), (after) =>
          after === null || after.phase === "leaving" || after.phase === "gone"
            ? { id: change.id, operation: null }
            : ("moved" as const),
        ),
    ),
  );

export const mark = Effect.fnUntraced(function* (
  stage: Stage,
  change: MarkChange,
): Effect.fn.Return<Acted, ProviderError | LeaseError | StoreError> {
  const now = yield* lookAgain(stage, change);
  if (now === null || now.phase === "gone" || now.phase === "leaving") return stale(stage, change);
  if (bearsMark(stage, change, now)) {
    return acted(stage, change, "done", null, "it bore the mark already", now.id);
  }
  if (now.owner !== change.from || isNewer(change, now)) return stale(stage, change);
  const request = {
    expansion: stage.expansion,
    id: now.id,
    version: now.version,
    owner: stage.owner,
    document: stage.document,
    member: change.member,
  };
  const marked = yield* writing(stage, stage.handler.mark(request)).pipe(
    // An answer may have been lost on the way: the member itself tells whether it was marked.
    Effect.catchIf(
      (error) => error._tag === "ProviderError" && error.reason === "Conflict",
      () => lookAgain(stage, change),
    ),
  );
  return marked !== null && bearsMark(stage, change, marked)
    ? acted(stage, change, "done", null, `it is ${formatMember(change.member)} now`, marked.id)
    : stale(stage, change);
});

const lookAgain = (
  stage: Stage,
  change: RemoveChange | MarkChange,
): Effect.Effect<MemberSighting | null, ProviderError> =>
  retrying(stage.pace, stage.handler.look(stage.expansion, change.id));

/** Not ours any more, not the member that was meant, or another version than the plan was made on. */
const moved = (stage: Stage, change: RemoveChange, now: MemberSighting): boolean =>
  now.owner !== stage.owner || !bearsName(stage, change, now) || isNewer(change, now);

/** Another version than the plan was made on, where the provider's list tells versions at all. */
const isNewer = (change: RemoveChange | MarkChange, now: MemberSighting): boolean =>
  change.precondition.version !== null && now.version !== change.precondition.version;

const bearsMark = (stage: Stage, change: MarkChange, now: MemberSighting): boolean =>
  now.owner === stage.owner && bearsName(stage, change, now);

/** A document may bear a name that another had before: then a token can answer with the other's member. */
const bearsName = (
  stage: Stage,
  { member }: MarkChange | CreateChange | RemoveChange,
  now: MemberSighting,
): boolean =>
  now.document === stage.document.name &&
  now.name !== null &&
  formatMember(now.name) === formatMember(member);

/** An earlier try was never answered: what a later one is told cannot undo what that one may have done. */
const inDoubt = (error: ProviderError): ProviderError =>
  new ProviderError({
    reason: "Unreachable",
    operation: error.operation,
    message: `an earlier try was not answered; the last one: ${error.message}`,
    remedy: error.remedy ?? "the next run reads back what came of it",
    ...(error.requestId === undefined ? {} : { requestId: error.requestId }),
  });

/** Every try of a write asks first whether we still may. */
const writing = <A>(
  stage: Stage,
  call: Effect.Effect<A, ProviderError>,
): Effect.Effect<A, ProviderError | LeaseError> => {
  let lost: LeaseError | undefined;
  const guarded = Effect.catchTag(stage.mayWrite, "LeaseError", (error) => {
    lost = error;
    return bug(error.message);
  }).pipe(
    Effect.andThen(
      Effect.suspend(() => {
        stage.sent.write = true;
        return Effect.tapError(call, (error) =>
          Effect.sync(() => {
            if (error.reason === "Unreachable") stage.sent.unanswered = true;
          }),
        );
      }),
    ),
  );
  return Effect.mapError(retrying(stage.pace, guarded, stage.pace.writeMillis), (error) => {
    if (lost !== undefined) return lost;
    // What a conflict means is told by the member itself; anything else leaves the doubt.
    return stage.sent.unanswered && error.reason !== "Conflict" ? inDoubt(error) : error;
  });
};

/** Looks until it is done or the time is up; what is not told by then is unknown, never assumed. */
const waitFor = Effect.fnUntraced(function* (
  stage: Stage,
  change: Change,
  accepted: Accepted,
  look: Effect.Effect<Progress, ProviderError>,
  limitMillis: number,
): Effect.fn.Return<Extract<Progress, { readonly done: true }>, ProviderError> {
  const began = yield* Clock.currentTimeMillis;
  // Work that was begun just now is not done yet; what was found on its way may be.
  let sawItRun = accepted.operation !== null;
  if (sawItRun) yield* Effect.sleep(yield* waitAfterStart(stage, change, 0));
  let told = "";
  let lookBefore = 0;
  while (true) {
    const progress = yield* retrying(stage.pace, look);
    const elapsed = (yield* Clock.currentTimeMillis) - began;
    if (progress.done) {
      if (sawItRun && progress.member !== null) learn(stage, change, elapsed, lookBefore);
      return progress;
    }
    sawItRun = true;
    lookBefore = elapsed;
    if (progress.detail !== told) yield* stage.onProgress(change, progress.detail);
    told = progress.detail;
    const wait = yield* waitAfterStart(stage, change, elapsed);
    if (elapsed + wait > limitMillis) {
      return yield* new ProviderError({
        reason: "Unreachable",
        operation: `wait for ${change.action}`,
        message: `no end after ${Math.round(limitMillis / 1000)} s; last seen: ${progress.detail}`,
        remedy: "the next run reads it back and goes on from there",
      });
    }
    yield* Effect.sleep(wait);
  }
});

const waitAfterStart = (stage: Stage, change: Change, elapsed: number): Effect.Effect<number> =>
  Effect.map(Random.next, (dice) =>
    pollWait(stage.pace, elapsed, stage.learned.get(change.action), dice),
  );

const learn = (
  { learned }: Stage,
  { action }: Change,
  elapsed: number,
  lookBefore: number,
): void => {
  learned.set(action, narrowed(learned.get(action), elapsed, lookBefore));
};

const acted = (
  stage: Stage,
  change: Change,
  result: Outcome["result"],
  code: Outcome["code"],
  message: string,
  id: string | null = null,
): Acted => ({
  outcome: {
    document: stage.document,
    change,
    result,
    code,
    message,
    remedy: result === "stale" ? "the next run looks again and plans anew" : null,
  },
  id,
});

const stale = (stage: Stage, change: Change): Acted =>
  acted(stage, change, "stale", "Moved", "it changed since the plan was made; nothing was done");

const bug = (message: string): Effect.Effect<never, ProviderError> =>
  Effect.fail(new ProviderError({ reason: "Invalid", operation: "apply", message }));
