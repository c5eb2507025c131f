// Checks the operation metrics, event by event: operation, phase, counters, the restart's member, the last error.

import { describe, expect, it } from "@effect/vitest";
import type { Change, Outcome } from "@muster/core";
import { type Actions, noActions, noteAction } from "../../src/fleet/actions.ts";
import type { FleetEvent } from "../../src/fleet/event.ts";

const document = { kind: "FleetConfig", name: "web" };
const create = (slot: number): Change => ({
  action: "create",
  key: `create:${slot}`,
  member: { set: "web", slot, generation: 1 },
  place: "AD-1",
  token: "t",
  template: "x",
  reason: { code: "TooFew", text: "" },
});
const remove = (slot: number): Change => ({
  action: "remove",
  key: `remove:${slot}`,
  member: { set: "web", slot, generation: 1 },
  id: `id-${slot}`,
  asked: true,
  consent: null,
  precondition: { version: null },
  reason: { code: "CountLowered", text: "" },
});
const started = (change: Change): FleetEvent => ({ type: "started", document, change });
const finished = (
  change: Change,
  result: Outcome["result"] = "done",
  message = "",
): FleetEvent => ({
  type: "finished",
  outcome: { document, change, result, code: null, message, remedy: null },
});
const begun = (operation: "scale-up" | "scale-down", launches: number, terminations: number) =>
  ({ type: "begun", operation, launches, terminations }) as const;

const at = (second: number) => new Date(Date.UTC(2026, 4, 1, 12, 0, second)).toISOString();

const fold = (events: ReadonlyArray<FleetEvent>, from: Actions = noActions) =>
  events.reduce((actions, event, index) => noteAction(actions, event, at(index)), from);

describe("Scale Up: Reset(scale-up); phase launch; IncLaunchRequested(missing)", () => {
  it("begins in planning with all that is missing requested, and launches", () => {
    const planned = fold([begun("scale-up", 3, 0)]).shown;
    expect(planned).toMatchObject({
      operation: "scale-up",
      phase: "planning",
      startedAt: at(0),
      lastUpdate: at(0),
      launchRequested: 3,
      launchSucceeded: 0,
    });
    const launching = fold([begun("scale-up", 3, 0), started(create(1))]).shown;
    expect(launching).toMatchObject({ phase: "launch", launchRequested: 3, lastUpdate: at(1) });
  });

  it("On each success: IncLaunchSucceeded(); on each failure: IncLaunchFailed(err)", () => {
    const { shown } = fold([
      begun("scale-up", 3, 0),
      started(create(1)),
      started(create(2)),
      started(create(3)),
      finished(create(1)),
      finished(create(2), "failed", "no capacity\u001b[31m"),
      finished(create(3), "unknown", "no answer"),
    ]);
    expect(shown).toMatchObject({ launchRequested: 3, launchSucceeded: 1, launchFailed: 2 });
    expect(shown.lastError).toBe("no answer");
    const escaped = fold([begun("scale-up", 1, 0), finished(create(2), "failed", "\u001b[31m")]);
    expect(escaped.shown.lastError).not.toContain("\u001b");
  });

  it("After launch: phase verify; Done()", () => {
    const events = [begun("scale-up", 0, 0), { type: "verifying" }, { type: "ended" }] as const;
    expect(fold(events.slice(0, 2)).shown.phase).toBe("verify");
    expect(fold(events).shown.phase).toBe("done");
  });

  it("counts what is tried again after the world moved once", () => {
    const { shown } = fold([
      begun("scale-up", 1, 0),
      started(create(1)),
      finished(create(1), "stale"),
      started(create(1)),
      finished(create(1)),
    ]);
    expect(shown).toMatchObject({ launchRequested: 1, launchSucceeded: 1, launchFailed: 0 });
  });
});

describe("Scale Down: Reset(scale-down); phase terminate; IncTerminateRequested(len(ids))", () => {
  it("counts each success and each failure", () => {
    const { shown } = fold([
      begun("scale-down", 0, 2),
      started(remove(1)),
      started(remove(2)),
      finished(remove(1)),
      finished(remove(2), "failed", "denied"),
    ]);
    expect(shown).toMatchObject({
      operation: "scale-down",
      phase: "terminate",
      terminateRequested: 2,
      terminateSucceeded: 1,
      terminateFailed: 1,
      lastError: "denied",
    });
  });
});

describe("Rolling Restart: SetRollingRestart(0, total), then (i+1, total), terminate -> launch", () => {
  const begin = (total: number, behind: number, owed: number): ReadonlyArray<FleetEvent> => [
    { type: "begun", operation: "rolling-restart", launches: 0, terminations: 0 },
    { type: "restarting", total, behind, owed },
  ];
  /** Where it is after each event. */
  const walk = (events: ReadonlyArray<FleetEvent>) =>
    events.map((_, index) => {
      const { rollingRestartIndex, phase } = fold(events.slice(0, index + 1)).shown;
      return [rollingRestartIndex, phase];
    });
  const pair = (slot: number): ReadonlyArray<FleetEvent> => [
    started(remove(slot)),
    finished(remove(slot)),
    started(create(slot)),
    finished(create(slot)),
  ];

  it("walks member by member", () => {
    expect(walk([...begin(2, 0, 0), ...pair(2), ...pair(1), { type: "ended" }])).toEqual([
      [0, "planning"],
      [0, "planning"],
      [1, "terminate"],
      [1, "terminate"],
      [1, "launch"],
      [1, "launch"],
      [2, "terminate"],
      [2, "terminate"],
      [2, "launch"],
      [2, "launch"],
      [2, "done"],
    ]);
    expect(fold([...begin(2, 0, 0), ...pair(2), ...pair(1)]).shown).toMatchObject({
      rollingRestartTotal: 2,
      launchRequested: 2,
      launchSucceeded: 2,
      terminateRequested: 2,
      terminateSucceeded: 2,
    });
  });

  it("goes on at the member that was gone and not launched yet", () => {
    const events = [...begin(4, 1, 1), started(create(3)), finished(create(3)), ...pair(2)];
    expect(walk(events).map(([index]) => index)).toEqual([0, 1, 2, 2, 3, 3, 3, 3]);
  });

  it("with a surge is at a member from its launch on", () => {
    const surge = [
      started(create(3)),
      finished(create(3)),
      started(remove(2)),
      finished(remove(2)),
    ];
    expect(walk([...begin(2, 0, 0), ...surge]).map(([index]) => index)).toEqual([0, 0, 1, 1, 1, 1]);
  });
});

describe("what is no step", () => {
  it("changes nothing, not even the time", () => {
    const before = fold([begun("scale-up", 1, 0)]);
    const waiting: FleetEvent = { type: "waiting", message: "m", millis: 1 };
    expect(noteAction(before, waiting, at(9))).toBe(before);
    const trouble = noteAction(before, { type: "trouble", message: "late" }, at(9));
    expect(trouble.shown).toMatchObject({ lastError: "late", lastUpdate: at(9) });
  });
});
