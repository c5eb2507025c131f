// Carries the operations on one fleet out for a person: opened from flags, told while they run, answered at their end.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import { type ConfigurationError, exitCodes, type LeaseError, type StoreError } from "@muster/core";
import type { FleetBusy, FleetFailed } from "@muster/sdk/fleet-contract";
import { type CommandEnd, endWith } from "../exit.ts";
import { type Actions, noActions, noteAction } from "../fleet/actions.ts";
import type { Ended } from "../fleet/answer.ts";
import type { FleetEvent } from "../fleet/event.ts";
import { lookAt } from "../fleet/look.ts";
import { type Fleet, openFleet } from "../fleet/opened.ts";
import { lookForDaemon } from "../fleet/presence.ts";
import { rollingRestart } from "../fleet/restart.ts";
import { scale } from "../fleet/scale.ts";
import { standingOf } from "../fleet/standing.ts";
import { syncState } from "../fleet/sync.ts";
import {
  endedAsJson,
  fleetAsJson,
  viewEnded,
  viewFleet,
  viewMember,
} from "../screen/fleet-view.ts";
import { Live } from "../screen/live.ts";
import { Out, type OutShape, sayError } from "../screen/out.ts";
import { subject } from "../screen/plan-view.ts";
import type { CommonFlags } from "./fleet-flags.ts";

type Failure = CommandEnd | StoreError | LeaseError | ConfigurationError | FleetBusy | FleetFailed;

export const showStatus = Effect.fnUntraced(function* (
  flags: CommonFlags,
): Effect.fn.Return<void, Failure> {
  const screen = yield* Out;
  const live = yield* Live;
  const standing = yield* Effect.scoped(
    Effect.gen(function* () {
      const fleet = yield* openFleet(flags, "read");
      const unit = yield* lookAt(fleet);
      const now = yield* Clock.currentTimeMillis;
      const { expansion, owner, store } = fleet;
      return standingOf({ unit, expansion, owner, store: store.place, now });
    }),
  );
  yield* screen.result(
    flags.output === "json"
      ? fleetAsJson(standing)
      : viewFleet({ standing, width: live.columns(), paint: screen.paint }),
  );
  if (standing.remote === null) return yield* endWith(exitCodes["infrastructure failed"]);
});

interface OperationFlags extends CommonFlags {
  readonly reason: Option.Option<string>;
  readonly dryRun: boolean;
  /** In milliseconds. */
  readonly verifyMillis: number;
}

export const runScale = (
  flags: OperationFlags & { readonly total: number; readonly forMillis: number | null },
): Effect.Effect<void, Failure> =>
  operate(flags, (fleet) =>
    Effect.flatMap(lookForDaemon(fleet), (daemon) =>
      scale(fleet, {
        desired: flags.total,
        forMillis: flags.forMillis,
        by: fleet.by,
        reason: Option.getOrNull(flags.reason),
        dryRun: flags.dryRun,
        daemon,
      }),
    ),
  );

export const runRestart = (flags: OperationFlags): Effect.Effect<void, Failure> =>
  operate(flags, (fleet) =>
    rollingRestart(fleet, {
      by: fleet.by,
      reason: Option.getOrNull(flags.reason),
      dryRun: flags.dryRun,
    }),
  );

export const runSync = (flags: OperationFlags): Effect.Effect<void, Failure> =>
  operate(flags, (fleet) =>
    syncState(fleet, {
      by: fleet.by,
      reason: Option.getOrNull(flags.reason),
      dryRun: flags.dryRun,
    }),
  );

const operate = Effect.fnUntraced(function* (
  flags: OperationFlags,
  operation: (fleet: Fleet) => Effect.Effect<Ended, Failure, Scope.Scope>,
): Effect.fn.Return<void, Failure> {
  const screen = yield* Out;
  const ended = yield* Effect.scoped(
    Effect.gen(function* () {
      const opened = yield* openFleet(flags, flags.dryRun ? "read" : "write");
      const { verifyMillis } = flags;
      return yield* operation({ ...opened, verifyMillis, tell: tellerOf(screen) });
    }),
  ).pipe(Effect.ensuring(screen.progress.end));
  yield* screen.result(
    flags.output === "json" ? endedAsJson(ended) : viewEnded(ended, screen.paint),
  );
  if (ended.verdict === "done") return;
  if (ended.trouble !== null) yield* sayError(ended.trouble.message, ended.trouble.remedy);
  return yield* endWith(exitCodes[ended.verdict]);
});

/** Tells each change as everywhere, and at which member a restart is. */
const tellerOf = ({ progress }: Pick<OutShape, "progress">) => {
  let actions: Actions = noActions;
  return (event: FleetEvent): Effect.Effect<void> =>
    Effect.gen(function* () {
      const now = new Date(yield* Clock.currentTimeMillis).toISOString();
      actions = noteAction(actions, event, now);
      if (isOfCore(event)) {
        const { change } = event.type === "started" ? event : { change: null };
        const acts = change?.action === "create" || change?.action === "remove";
        if (actions.restart !== null && change !== null && acts) {
          yield* progress.note(viewMember(actions.shown, subject(change)));
        }
        yield* progress.onEvent(event);
      } else if (event.type === "verifying") yield* progress.note("verify: asking discovery");
    });
};

export const isOfCore = (
  event: FleetEvent,
): event is Extract<
  FleetEvent,
  { readonly type: "observed" | "planned" | "waiting" | "started" | "progress" | "finished" }
> => ["observed", "planned", "waiting", "started", "progress", "finished"].includes(event.type);
