// Makes a fleet be as its numbers say, as a daemon does it at its turns: the same reconcile as apply, verified.

import * as Effect from "effect/Effect";
import type { Outcome } from "@muster/core";
import { isReplacing } from "@muster/core/report/bookkeeping";
import type { TurnInput } from "@muster/core/loop/input";
import type { Ended, OperationError } from "./answer.ts";
import { allThere, finish } from "./finish.ts";
import { underLease } from "./lease.ts";
import { lookAt } from "./look.ts";
import type { Fleet } from "./opened.ts";
import { startOf } from "./restart.ts";
import { directionOf, requestedOf, untilNothingIsLeft } from "./scale.ts";

/** With `only` it does a part of what is due, and the rest is no fault. */
export const keepUp = Effect.fnUntraced(function* (
  fleet: Fleet,
  only: TurnInput["only"],
): Effect.fn.Return<Ended, OperationError> {
  const { plan } = yield* lookAt(fleet);
  const operation = isReplacing(plan) ? ("rolling-restart" as const) : directionOf(plan);
  return yield* underLease(fleet, operation, (grip) =>
    Effect.gen(function* () {
      const requested = isReplacing(plan) ? { launches: 0, terminations: 0 } : requestedOf(plan);
      yield* fleet.tell({ type: "begun", operation, ...requested });
      if (isReplacing(plan)) yield* fleet.tell(startOf(plan));
      const outcomes: ReadonlyArray<Outcome> =
        only === undefined
          ? yield* untilNothingIsLeft(grip)
          : (yield* grip.reconcile(only)).outcomes;
      return yield* finish(fleet, grip, {
        operation,
        outcomes,
        messages: [],
        // A replacement goes on at the next turn, and what was announced is not done yet.
        isThere: (unit) => only !== undefined || allThere(unit) || isReplacing(unit.plan),
        isOver: (unit) => only !== undefined || isReplacing(unit.plan),
      });
    }).pipe(Effect.ensuring(fleet.tell({ type: "ended" }))),
  );
});
