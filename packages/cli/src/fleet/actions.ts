// Decides what an operation looks like from outside, event by event: its phase, its counters, its last error. Pure.

import { escapeText } from "@muster/core/words/quote";
import type { FleetActions, FleetPhase } from "@muster/sdk/fleet-contract";
import type { FleetEvent } from "./event.ts";

/** The operation as it is shown, and what only the next event needs. */
export interface Actions {
  readonly shown: FleetActions;
  /** Said at the start, before any was begun. */
  readonly announced: { readonly launches: number; readonly terminations: number };
  /** Begun, without those that came to nothing and are tried again. */
  readonly begun: { readonly launches: number; readonly terminations: number };
  /** Where a restart stood when this operation took it up; nothing when there is none. */
  readonly restart: { readonly behind: number; readonly owed: number } | null;
}

const none = { launches: 0, terminations: 0 };

export const noActions: Actions = {
  shown: {
    launchRequested: 0,
    launchSucceeded: 0,
    launchFailed: 0,
    terminateRequested: 0,
    terminateSucceeded: 0,
    terminateFailed: 0,
    rollingRestartIndex: 0,
    rollingRestartTotal: 0,
  },
  announced: none,
  begun: none,
  restart: null,
};

/** `now`: ISO 8601. An event that changes nothing answers the same object. */
export const noteAction = (before: Actions, event: FleetEvent, now: string): Actions => {
  const after = step(before, event, now);
  return after === before ? before : { ...after, shown: { ...after.shown, lastUpdate: now } };
};

const step = (before: Actions, event: FleetEvent, now: string): Actions => {
  switch (event.type) {
    case "begun":
      return requested({
        ...noActions,
        shown: {
          ...noActions.shown,
          operation: event.operation,
          phase: "planning",
          startedAt: now,
        },
        announced: { launches: event.launches, terminations: event.terminations },
      });
    case "restarting":
      return {
        ...before,
        shown: {
          ...before.shown,
          rollingRestartIndex: event.behind,
          rollingRestartTotal: event.total,
        },
        restart: { behind: event.behind, owed: event.owed },
      };
    case "started":
      return started(before, event);
    case "finished":
      return finished(before, event);
    case "verifying":
      return inPhase(before, "verify");
    case "trouble":
      return { ...before, shown: { ...before.shown, lastError: event.message } };
    case "ended":
      return inPhase(before, "done");
    default:
      return before;
  }
};

const inPhase = (before: Actions, phase: FleetPhase): Actions => ({
  ...before,
  shown: { ...before.shown, phase },
});

const started = (
  before: Actions,
  { change }: Extract<FleetEvent, { readonly type: "started" }>,
): Actions => {
  if (change.action === "create") {
    const begun = { ...before.begun, launches: before.begun.launches + 1 };
    return atMember(requested(inPhase({ ...before, begun }, "launch")));
  }
  if (change.action !== "remove") return before;
  const begun = { ...before.begun, terminations: before.begun.terminations + 1 };
  return atMember(requested(inPhase({ ...before, begun }, "terminate")));
};

const finished = (
  before: Actions,
  { outcome }: Extract<FleetEvent, { readonly type: "finished" }>,
): Actions => {
  const { action } = outcome.change;
  if (action !== "create" && action !== "remove") return failedElsewhere(before, outcome);
  const which = action === "create" ? "launch" : "terminate";
  switch (outcome.result) {
    case "done":
      return counted(before, `${which}Succeeded`);
    case "failed":
    case "unknown": {
      const told = counted(before, `${which}Failed`);
      return { ...told, shown: { ...told.shown, lastError: escapeText(outcome.message, 600) } };
    }
    default: {
      // Nothing was done: when it is tried again it begins anew.
      const word = action === "create" ? "launches" : "terminations";
      const begun = { ...before.begun, [word]: Math.max(0, before.begun[word] - 1) };
      return { ...before, begun };
    }
  }
};

const failedElsewhere = (
  before: Actions,
  outcome: Extract<FleetEvent, { readonly type: "finished" }>["outcome"],
): Actions =>
  outcome.result === "failed" || outcome.result === "unknown"
    ? { ...before, shown: { ...before.shown, lastError: escapeText(outcome.message, 600) } }
    : before;

const counted = (
  before: Actions,
  field: "launchSucceeded" | "launchFailed" | "terminateSucceeded" | "terminateFailed",
): Actions => ({ ...before, shown: { ...before.shown, [field]: before.shown[field] + 1 } });

const requested = (before: Actions): Actions => ({
  ...before,
  shown: {
    ...before.shown,
    launchRequested: Math.max(before.announced.launches, before.begun.launches),
    terminateRequested: Math.max(before.announced.terminations, before.begun.terminations),
  },
});

/**
 * A member is at its turn with the first of its two steps: with a surge that is the launch. One that
 * was gone before needs the launch alone.
 */
const atMember = (before: Actions): Actions => {
  const { restart, begun, shown } = before;
  if (restart === null) return before;
  const at = restart.behind + Math.max(begun.launches, begun.terminations + restart.owed);
  const rollingRestartIndex = Math.min(
    Math.max(at, shown.rollingRestartIndex),
    shown.rollingRestartTotal,
  );
  return { ...before, shown: { ...shown, rollingRestartIndex } };
};
