// Replaces the members that are there, one after the other, and goes on with a restart that was interrupted.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { defaultPace, formatAddress, type Outcome, type Plan } from "@muster/core";
import type { Unit } from "@muster/core/loop/look";
import { isReplacing } from "@muster/core/report/bookkeeping";
import { keyOf, type RestartRecord } from "@muster/core/words/record";
import { noteOf } from "../records.ts";
import { viewTime } from "../screen/moment.ts";
import { answerOf, barrierOf, cameToNothing, type Ended, type OperationError } from "./answer.ts";
import type { FleetEvent } from "./event.ts";
import { allThere, finish } from "./finish.ts";
import { checkLedger } from "./ledger-file.ts";
import { type Grip, underLease } from "./lease.ts";
import { lookAt, type Pretence } from "./look.ts";
import { alive } from "./members.ts";
import { overrideIn } from "./numbers.ts";
import type { Fleet } from "./opened.ts";
import { requestedOf } from "./scale.ts";

export interface RestartAsked {
  readonly by: string;
  /** Nothing when the person gave none. */
  readonly reason: string | null;
  readonly dryRun: boolean;
}

/** The restart that is meant: one that is under way, or a new one; nothing where nobody is. */
interface Meant {
  readonly record: RestartRecord | null;
  readonly isNew: boolean;
}

export const rollingRestart = Effect.fnUntraced(function* (
  fleet: Fleet,
  asked: RestartAsked,
): Effect.fn.Return<Ended, OperationError> {
  const seen = yield* lookAt(fleet);
  const barrier = barrierOf(seen.plan);
  if (barrier !== null) return yield* barrier;
  const now = yield* Clock.currentTimeMillis;
  const meant = meantBy(seen, asked, now);
  const preview = yield* lookAt(fleet, pretenceOf(meant));
  const barred = barrierOf(preview.plan);
  if (barred !== null) return yield* barred;
  if (asked.dryRun) {
    const answer = answerOf({
      operation: "rolling-restart",
      expansion: fleet.expansion,
      plan: preview.plan,
      outcomes: [],
      override: overrideIn(fleet.expansion, preview.records, now),
      messages: [told(meant, preview.plan)],
    });
    return { answer, verdict: "done", trouble: null, plan: preview.plan, isDryRun: true };
  }
  yield* checkLedger(fleet.ledger);
  return yield* underLease(fleet, "rolling-restart", (grip) =>
    restarted(fleet, grip, asked).pipe(Effect.ensuring(fleet.tell({ type: "ended" }))),
  );
});

const restarted = Effect.fnUntraced(function* (
  fleet: Fleet,
  grip: Grip,
  asked: RestartAsked,
): Effect.fn.Return<Ended, OperationError> {
  // Nobody else writes from now on: what was seen before may be out of date.
  const seen = yield* lookAt(fleet);
  // Nor is it empty because nobody could look this time.
  const barrier = barrierOf(seen.plan);
  if (barrier !== null) return yield* barrier;
  const now = yield* Clock.currentTimeMillis;
  const meant = meantBy(seen, asked, now);
  const { record, isNew } = meant;
  if (record !== null && isNew) {
    yield* grip.commit({ puts: [record], audit: [noteOfRestart(fleet, record)] });
  }
  const { plan } = yield* lookAt(fleet);
  const begins = startOf(plan);
  yield* fleet.tell({ type: "begun", operation: "rolling-restart", launches: 0, terminations: 0 });
  yield* fleet.tell(begins);
  const outcomes = yield* untilReplaced(fleet, grip);
  return yield* finish(fleet, grip, {
    operation: "rolling-restart",
    outcomes,
    messages: [told(meant, plan)],
    isThere: (unit) => allThere(unit) && nobodyWaits(unit, record),
  });
});

/** An unfinished restart is what is meant, whatever was created since. */
const meantBy = (seen: Unit, { by, reason }: RestartAsked, now: number): Meant => {
  const before = seen.records.find((record): record is RestartRecord => record._tag === "Restart");
  if (before !== undefined) return { record: before, isNew: false };
  const newest = alive(seen)
    .map(({ sighting }) => sighting.createdAt)
    .reduce((a, b) => (a > b ? a : b), "");
  if (newest === "") return { record: null, isNew: true };
  return {
    isNew: true,
    record: {
      _tag: "Restart",
      document: seen.plan.document,
      createdUntil: newest,
      by,
      reason: reason ?? "a rolling restart by hand",
      at: new Date(now).toISOString(),
    },
  };
};

const pretenceOf = ({ record, isNew }: Meant): Pretence => ({
  puts: record !== null && isNew ? [record] : [],
  deletes: [],
});

const noteOfRestart = (fleet: Fleet, record: RestartRecord) =>
  noteOf({
    owner: fleet.owner,
    by: record.by,
    at: record.at,
    action: "rolling-restart",
    reason: record.reason,
    document: formatAddress(fleet.document),
    parameters: { createdUntil: record.createdUntil, record: keyOf("Restart", record.document) },
  });

/** Where it stands when this run takes it up. */
export const startOf = (plan: Plan): Extract<FleetEvent, { readonly type: "restarting" }> => {
  const { rollout } = plan;
  if (rollout === null) return { type: "restarting", total: 0, behind: 0, owed: 0 };
  const gone = Math.max(0, rollout.total - rollout.left);
  const owed = Math.min(gone, requestedOf(plan).launches);
  return { type: "restarting", total: rollout.total, behind: gone - owed, owed };
};

/** Turn after turn, with a short wait while it only waits: for health, a pause, or a machine. */
const untilReplaced = Effect.fnUntraced(function* (
  fleet: Fleet,
  grip: Grip,
): Effect.fn.Return<ReadonlyArray<Outcome>, OperationError> {
  const { pollMillis, pollMaxMillis } = { ...defaultPace, ...fleet.pace };
  const outcomes: Array<Outcome> = [];
  let wait = pollMillis;
  for (;;) {
    const turn = yield* grip.reconcile();
    outcomes.push(...turn.outcomes);
    const [plan] = turn.left;
    if (plan === undefined || cameToNothing(turn.outcomes) || !plan.seen || isStopped(plan))
      return outcomes;
    if (!isReplacing(plan)) return outcomes;
    wait = turn.outcomes.length > 0 ? pollMillis : Math.min(pollMaxMillis, wait * 1.5);
    const now = yield* Clock.currentTimeMillis;
    const due = plan.nextDueAt === null ? wait : Math.max(0, Date.parse(plan.nextDueAt) - now);
    yield* Effect.sleep(Math.min(wait, due));
  }
});

const isStopped = ({ hold, refusals }: Plan): boolean => hold !== null || refusals.length > 0;

/** Everybody who was meant is replaced. */
const nobodyWaits = (unit: Unit, record: RestartRecord | null): boolean =>
  record === null || alive(unit).every(({ sighting }) => sighting.createdAt > record.createdUntil);

const told = ({ record, isNew }: Meant, plan: Plan): string => {
  if (record === null) return "there is no member to restart";
  const { total, behind } = startOf(plan);
  if (!isNew) {
    const left = `${Math.min(behind, total)} of ${total} were replaced before`;
    return `an unfinished restart is continued, which ${record.by} began at ${viewTime(record.at)}: ${left}`;
  }
  return `${total} ${total === 1 ? "member" : "members"} to replace, the newest first`;
};
