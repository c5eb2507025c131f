// A fleet that is only numbers: what it tells is set, and its operations wait until they are let go.

import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import * as SubscriptionRef from "effect/SubscriptionRef";
import {
  type FleetActions,
  type FleetAnswer,
  FleetBusy,
  type FleetControl,
  type FleetControlStatus,
  type FleetFailed,
  type FleetMetrics,
  type FleetOperation,
} from "@muster/sdk/fleet-contract";

export const token = Redacted.make("t0ken-of-the-tests-0123456789-abcdefghijklm");
export const bearer = { authorization: `Bearer ${Redacted.value(token)}` };
export const asJson = { "content-type": "application/json" };

const idle: FleetActions = {
  launchRequested: 0,
  launchSucceeded: 0,
  launchFailed: 0,
  terminateRequested: 0,
  terminateSucceeded: 0,
  terminateFailed: 0,
  rollingRestartIndex: 0,
  rollingRestartTotal: 0,
};

const control: FleetControlStatus = {
  enabled: true,
  interval: "30s",
  lastTick: "2026-11-25T10:00:00Z",
  desired: 3,
  actual: 3,
  lastAction: "noop",
  loopCount: 7,
  override: null,
};

export const override = {
  desired: 5,
  counts: [{ group: "web", count: 5, instead: 3 }],
  by: "token holder at 127.0.0.1",
  reason: "a sale",
  until: "2026-11-25T11:00:00Z",
  afterwards: "2 members are removed",
} as const;

export const calm: FleetMetrics = {
  fleet: "web-fleet",
  localActive: 3,
  remoteActive: 3,
  timestamp: "2026-11-25T10:00:01Z",
  control,
  actions: idle,
};

export interface FakeFleet {
  readonly control: FleetControl;
  readonly set: (change: (metrics: FleetMetrics) => FleetMetrics) => Effect.Effect<void>;
  /** What was asked for, in order. */
  readonly asked: ReadonlyArray<readonly [operation: string, request: unknown, by: string]>;
  /** From now on each operation waits for what comes back. */
  readonly hold: () => Effect.Effect<Deferred.Deferred<FleetAnswer, FleetFailed>>;
}

export const answerOf = (operation: FleetOperation, desired: number): FleetAnswer => ({
  operation,
  fleet: "web-fleet",
  desired,
  actual: desired,
  launched: Math.max(0, desired - 3),
  terminated: Math.max(0, 3 - desired),
  groups: [{ group: "web", desired, actual: desired }],
  override: null,
  messages: ["nothing will undo it until 11:00"],
});

export const makeFakeFleet: Effect.Effect<FakeFleet> = Effect.gen(function* () {
  const metrics = yield* SubscriptionRef.make(calm);
  const asked: Array<readonly [string, unknown, string]> = [];
  let gate: Deferred.Deferred<FleetAnswer, FleetFailed> | null = null;
  let running: FleetOperation | null = null;

  const carryOut = (operation: FleetOperation, desired: number, request: unknown, by: string) =>
    Effect.suspend((): Effect.Effect<FleetAnswer, FleetBusy | FleetFailed> => {
      if (running !== null) {
        return Effect.fail(
          new FleetBusy({
            operation: running,
            holder: "ann@host, process 4711",
            message: `${running} is under way`,
            remedy: "wait for its end",
          }),
        );
      }
      asked.push([operation, request, by]);
      if (gate === null) return Effect.succeed(answerOf(operation, desired));
      running = operation;
      return Effect.ensuring(
        Deferred.await(gate),
        Effect.sync(() => (running = null)),
      );
    });

  return {
    control: {
      status: Effect.succeed("web-fleet: 3 local, 3 remote\nno drift \u001b[2J"),
      metrics: SubscriptionRef.get(metrics),
      changes: SubscriptionRef.changes(metrics),
      scale: (request, by) =>
        carryOut(request.desired > 3 ? "scale-up" : "scale-down", request.desired, request, by),
      rollingRestart: (request, by) => carryOut("rolling-restart", 3, request, by),
      syncState: (by) => carryOut("sync-state", 3, {}, by),
    },
    set: (change) => SubscriptionRef.update(metrics, change),
    asked,
    hold: () =>
      Effect.tap(Deferred.make<FleetAnswer, FleetFailed>(), (made) =>
        Effect.sync(() => (gate = made)),
      ),
  };
});
