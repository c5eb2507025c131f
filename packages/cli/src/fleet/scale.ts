// Makes a fleet as large as a person says: numbers first, then the same reconcile as apply, then verification.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { effectiveChanges, formatAddress, type Outcome, type Plan } from "@muster/core";
import { isConverged } from "@muster/core/report/bookkeeping";
import type { FleetOperation } from "@muster/sdk/fleet-contract";
import { noteOf } from "../records.ts";
import { viewTime } from "../screen/moment.ts";
import { answerOf, barrierOf, cameToNothing, type Ended, type OperationError } from "./answer.ts";
import { allThere, finish } from "./finish.ts";
import { checkLedger } from "./ledger-file.ts";
import { type Grip, underLease } from "./lease.ts";
import { lookAt } from "./look.ts";
import { afterwards, type Numbers, numbersOf, type ScaleAsked, tellOverride } from "./numbers.ts";
import type { Fleet } from "./opened.ts";
import type { Presence } from "./presence.ts";

export interface ScaleRequest extends ScaleAsked {
  /** Shows the plan and writes nothing, no record either. */
  readonly dryRun: boolean;
  /** Whether a daemon keeps this fleet. */
  readonly daemon: Presence;
}

export const scale = Effect.fnUntraced(function* (
  fleet: Fleet,
  request: ScaleRequest,
): Effect.fn.Return<Ended, OperationError> {
  const now = yield* Clock.currentTimeMillis;
  const records = yield* fleet.store.load(fleet.owner);
  const meant = numbersOf(request, fleet.expansion, records, now);
  const preview = yield* lookAt(fleet, meant);
  const barrier = barrierOf(preview.plan);
  if (barrier !== null) return yield* barrier;
  const operation = directionOf(preview.plan);
  if (request.dryRun) {
    const messages = [...tellHow(meant), ...tellHold(fleet, meant, request)];
    const { override } = meant;
    const { expansion } = fleet;
    const { plan } = preview;
    const answer = answerOf({ operation, expansion, plan, outcomes: [], override, messages });
    return { answer, verdict: "done", trouble: null, plan, isDryRun: true };
  }
  yield* checkLedger(fleet.ledger);
  return yield* underLease(fleet, operation, (grip) =>
    scaled(fleet, grip, request, operation).pipe(Effect.ensuring(fleet.tell({ type: "ended" }))),
  );
});

const scaled = Effect.fnUntraced(function* (
  fleet: Fleet,
  grip: Grip,
  request: ScaleRequest,
  operation: FleetOperation,
): Effect.fn.Return<Ended, OperationError> {
  const now = yield* Clock.currentTimeMillis;
  // Nobody else writes from now on: what was read before may be out of date.
  const records = yield* fleet.store.load(fleet.owner);
  const numbers = numbersOf(request, fleet.expansion, records, now);
  yield* remember(fleet, grip, request, numbers, now);
  const { plan } = yield* lookAt(fleet);
  const override = numbers.override === null ? null : tellOverride(numbers.override);
  yield* fleet.tell({ type: "begun", operation, ...requestedOf(plan), override });
  const outcomes = yield* untilNothingIsLeft(grip);
  return yield* finish(fleet, grip, {
    operation,
    outcomes,
    messages: [...tellHow(numbers), ...tellHold(fleet, numbers, request)],
    isThere: allThere,
  });
});

const remember = Effect.fnUntraced(function* (
  fleet: Fleet,
  grip: Grip,
  { by, reason, desired }: ScaleRequest,
  { puts, deletes, override }: Numbers,
  now: number,
) {
  if (puts.length + deletes.length === 0) return;
  yield* grip.commit({
    puts,
    deletes,
    audit: [
      noteOf({
        owner: fleet.owner,
        by,
        at: new Date(now).toISOString(),
        action: "scale",
        reason: override?.reason ?? reason ?? "the numbers of the document hold again",
        document: formatAddress(fleet.document),
        parameters: { desired, until: override?.until ?? null },
      }),
    ],
  });
});

/** One turn does all there is, unless the world moved: then another goes on while it gets on. */
export const untilNothingIsLeft = Effect.fnUntraced(function* (
  grip: Grip,
): Effect.fn.Return<ReadonlyArray<Outcome>, OperationError> {
  const outcomes: Array<Outcome> = [];
  for (;;) {
    const turn = yield* grip.reconcile();
    outcomes.push(...turn.outcomes);
    const [plan] = turn.left;
    const gotOn =
      turn.outcomes.some(({ result }) => result === "done") && !cameToNothing(turn.outcomes);
    if (plan === undefined || isConverged(plan) || !gotOn) return outcomes;
  }
});

/** Where nothing has to be done it is told as the direction of nothing: up. */
export const directionOf = (plan: Plan): "scale-up" | "scale-down" => {
  const { launches, terminations } = requestedOf(plan);
  return terminations > launches ? "scale-down" : "scale-up";
};

export const requestedOf = (plan: Plan) => {
  const changes = effectiveChanges(plan);
  const count = (action: "create" | "remove") =>
    changes.filter((change) => change.action === action).length;
  return { launches: count("create"), terminations: count("remove") };
};

const tellHow = ({ how }: Numbers): ReadonlyArray<string> => (how === null ? [] : [how]);

/** How long the numbers hold, and what ends them. */
const tellHold = (
  { store }: Fleet,
  { what, override }: Numbers,
  { desired, daemon }: ScaleRequest,
): ReadonlyArray<string> => {
  if (override === null) {
    return what === "ended"
      ? [`the override is ended: the document asks for ${desired} itself`]
      : [`the document asks for ${desired} itself: no override is needed`];
  }
  const instead = override.counts.reduce((sum, one) => sum + one.instead, 0);
  const then = afterwards(override.counts);
  const until = viewTime(override.until);
  return [
    `an override until ${until}, kept in ${store.place}: the document asks for ${instead}, and a changed count in it ends the override sooner`,
    daemon.running
      ? `then the daemon brings back what the document asks: ${then}`
      : `no daemon keeps this fleet, so nothing undoes it until the next muster apply or daemon start; after ${until} that brings back what the document asks, and ${then}; a daemon announces a removal one interval before`,
    `to keep ${desired}, write it into the document`,
  ];
};
