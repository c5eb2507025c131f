// Ends an operation: verifies what was done against discovery, makes store and ledger agree with it, and answers.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { defaultPace, effectiveChanges, type Outcome, type StoreError } from "@muster/core";
import { isConverged } from "@muster/core/report/bookkeeping";
import type { Unit } from "@muster/core/loop/look";
import type { FleetOperation } from "@muster/sdk/fleet-contract";
import {
  answerOf,
  cameToNothing,
  type Ended,
  type OperationError,
  type Trouble,
  troubleOf,
  verdictOf,
} from "./answer.ts";
import { writeLedger } from "./ledger-file.ts";
import type { Grip } from "./lease.ts";
import { lookAt } from "./look.ts";
import { reconciled } from "./members.ts";
import { overrideIn } from "./numbers.ts";
import type { Fleet } from "./opened.ts";

export interface Done {
  readonly operation: FleetOperation;
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly messages: ReadonlyArray<string>;
  /** Whether discovery shows what was asked for. */
  readonly isThere: (unit: Unit) => boolean;
  /** Whether what is left is left on purpose; never when not given. */
  readonly isOver?: (unit: Unit) => boolean;
}

/** As many are there as are asked for, group by group. */
export const allThere = ({ plan }: Unit): boolean =>
  plan.seen &&
  plan.counts.length > 0 &&
  plan.counts.every(({ asked, present }) => asked === present);

export const finish = Effect.fnUntraced(function* (
  fleet: Fleet,
  grip: Grip,
  done: Done,
): Effect.fn.Return<Ended, OperationError> {
  yield* fleet.tell({ type: "verifying" });
  const { unit, outcomes, verified } = yield* verify(fleet, grip, done);
  const news = reconciled(unit, yield* Clock.currentTimeMillis);
  if (news.length > 0) yield* grip.commit({ puts: news });
  const told = yield* writeLedger(fleet, yield* remembering(fleet, unit, news.length > 0));
  const isOver = done.isOver?.(unit) === true && unit.plan.refusals.length === 0;
  const reached = isOver && !cameToNothing(outcomes) ? "done" : verdictOf(unit.plan, outcomes);
  const late = reached === "done" && !verified;
  const trouble = late
    ? lateness(fleet, unit)
    : reached === "done"
      ? null
      : troubleOf(unit.plan, outcomes);
  if (trouble !== null) yield* fleet.tell({ type: "trouble", message: trouble.message });
  const now = yield* Clock.currentTimeMillis;
  const answer = answerOf({
    operation: done.operation,
    expansion: fleet.expansion,
    plan: unit.plan,
    outcomes,
    override: overrideIn(ownNumbers(fleet), unit.records, now),
    messages: [...done.messages, ...told],
  });
  return {
    answer,
    verdict: late ? "infrastructure failed" : reached,
    trouble,
    plan: null,
    isDryRun: false,
  };
});

const ownNumbers = ({ document, expansion }: Fleet) => ({
  document: { kind: document.kind, name: document.name },
  sets: expansion.sets,
});

/** The records of a look of before its news were written are out of date. */
const remembering = Effect.fnUntraced(function* (
  fleet: Fleet,
  unit: Unit,
  isOld: boolean,
): Effect.fn.Return<Unit, StoreError> {
  if (!isOld) return unit;
  const records = yield* fleet.store.load(fleet.owner);
  const { kind, name } = fleet.document;
  const mine = records.filter(
    (record) =>
      "document" in record && record.document.kind === kind && record.document.name === name,
  );
  return { ...unit, records: mine };
});

/**
 * Looks again and again, ever more rarely, until it is there or the time is over. What the world
 * undid meanwhile is done again; what failed is told at once, because waiting does not make it come.
 */
const verify = Effect.fnUntraced(function* (
  fleet: Fleet,
  grip: Grip,
  { isThere, isOver, outcomes: before }: Done,
): Effect.fn.Return<
  {
    readonly unit: Unit;
    readonly outcomes: ReadonlyArray<Outcome>;
    readonly verified: boolean;
  },
  OperationError
> {
  const began = yield* Clock.currentTimeMillis;
  const { pollMillis, pollMaxMillis } = { ...defaultPace, ...fleet.pace };
  const outcomes = [...before];
  for (let wait = pollMillis; ; wait = Math.min(pollMaxMillis, wait * 1.5)) {
    const unit = yield* lookAt(fleet);
    const verified = isThere(unit) && (isOver?.(unit) === true || isConverged(unit.plan));
    const { seen, hold, refusals } = unit.plan;
    const barred = seen && (hold !== null || refusals.length > 0);
    const left = began + fleet.verifyMillis - (yield* Clock.currentTimeMillis);
    if (verified || barred || cameToNothing(outcomes) || left <= 0) {
      return { unit, outcomes, verified };
    }
    if (seen && effectiveChanges(unit.plan).length > 0) {
      outcomes.push(...(yield* grip.reconcile()).outcomes);
    } else yield* Effect.sleep(Math.min(wait, left));
  }
});

const lateness = ({ verifyMillis }: Fleet, { plan }: Unit): Trouble => {
  const counts = plan.counts.map(
    ({ set, asked, present }) => `${set} ${present} instead of ${asked}`,
  );
  const unowned = plan.counts.reduce((sum, one) => sum + one.unowned, 0);
  return {
    message: `after ${Math.round(verifyMillis / 1_000)} s discovery still shows ${counts.join(", ")}; what was done stays, and nothing more is done`,
    remedy:
      unowned > 0
        ? `${unowned} of them have no owner, and are never removed unasked: adopt them with sync-state`
        : "look at the fleet's status, and run it again when it stays so",
  };
};
