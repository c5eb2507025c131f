// Decides what an event makes of a rollout: `(state, event, now) → (state, effects)`, and nothing else. Pure.
//
// A rollout is a stored position over stages; a stage is a few targets that are worked on together.
// The machine knows no members and no hosts: whoever drives it says what became of its targets and
// which come next, and carries the effects out. So a rolling restart (stages that a timer ends) and
// a rollout over hosts (stages that a person ends) are driven by the same table.

import * as Result from "effect/Result";
import type { Refusal } from "../words/plan.ts";
import type {
  JournalEntry,
  RolloutEvent,
  RolloutPhase,
  RolloutState,
  Stage,
  StagePhase,
  Target,
} from "../words/rollout.ts";

/** What the driver has to do about a transition. */
export type RolloutEffect =
  /** These targets may be worked on. */
  | { readonly type: "apply"; readonly targets: ReadonlyArray<string> }
  /** The gate is to be measured. */
  | { readonly type: "measure" }
  /** The next stage may be chosen. */
  | { readonly type: "choose" }
  /** Time alone moves it on then; ISO 8601. */
  | { readonly type: "wake"; readonly at: string }
  | { readonly type: "over"; readonly phase: RolloutPhase };

export interface RolloutPolicy {
  /** How long a stage waits after it was applied, in milliseconds. */
  readonly pauseMillis: number;
  /** Who ends a stage whose gate passed: time alone, or a person. */
  readonly approval: "timer" | "person";
}

export interface Advance {
  readonly state: RolloutState;
  readonly effects: ReadonlyArray<RolloutEffect>;
}

/** Entries that a state keeps. */
export const journalLimit = 20;

/** A rollout over so many targets, of which nothing was done yet. */
export const draftRollout = (total: number): RolloutState => ({
  phase: "Draft",
  total,
  done: 0,
  stage: null,
  journal: [],
});

/** Fails with a refusal when the event cannot come there; then nothing has changed. `now`: milliseconds since 1970. */
export const advance = (
  state: RolloutState,
  event: RolloutEvent,
  policy: RolloutPolicy,
  now: number,
): Result.Result<Advance, Refusal> => {
  switch (event.type) {
    case "started":
      return state.phase === "Draft"
        ? ok(note(state, event, now, { phase: "Active" }), [choose])
        : refused(state, event);
    case "staged":
      return staged(state, event, now);
    case "told":
      return told(state, event, policy, now);
    case "retried":
      return retried(state, event, now);
    case "judged":
      return judged(state, event, policy, now);
    case "approved":
      return approved(state, event, now);
    case "paused":
      return paused(state, event, now);
    case "resumed":
      return resumed(state, event, now);
    case "exhausted":
      return isActive(state) && isBetweenStages(state)
        ? over(state, event, "Succeeded", now)
        : refused(state, event);
    case "aborted":
      return aborted(state, event, now);
    case "rolledBack":
      return ended(state, event, event.finished, rollback, now);
    case "finalized":
      return ended(state, event, event.finished, finalization, now);
  }
};

const staged = (
  state: RolloutState,
  event: Extract<RolloutEvent, { readonly type: "staged" }>,
  now: number,
) => {
  if (!isActive(state) || !isBetweenStages(state) || event.targets.length === 0) {
    return refused(state, event);
  }
  const planned: Stage = {
    number: (state.stage?.number ?? 0) + 1,
    phase: "Planned",
    targets: event.targets.map((id) => ({ id, result: "pending" })),
    since: null,
    dueAt: null,
  };
  const before = note(state, event, now, { stage: planned });
  const applying = note(before, event, now, { stage: { ...planned, phase: "Applying" } });
  return ok(applying, [{ type: "apply", targets: event.targets }]);
};

const told = (
  state: RolloutState,
  event: Extract<RolloutEvent, { readonly type: "told" }>,
  policy: RolloutPolicy,
  now: number,
) => {
  const { stage } = state;
  const target = stage?.targets.find(({ id }) => id === event.target);
  if (stage === null || target === undefined || !isApplying(stage) || isSettled(target)) {
    return refused(state, event);
  }
  const targets = stage.targets.map((one) =>
    one.id === event.target ? { ...one, result: event.result } : one,
  );
  const open = targets.filter((one) => !isSettled(one));
  if (open.length > 0) {
    const phase = open.some(({ result }) => result !== "pending") ? "ApplyBlocked" : "Applying";
    return ok(note(state, event, now, { stage: { ...stage, targets, phase } }), []);
  }
  const applied = note(state, event, now, { stage: { ...stage, targets, phase: "Applied" } });
  const dueAt = new Date(now + policy.pauseMillis).toISOString();
  const waiting = note(applied, event, now, {
    stage: { ...stage, targets, phase: "Waiting", since: new Date(now).toISOString(), dueAt },
  });
  return ok(waiting, [{ type: "measure" }, ...(policy.pauseMillis > 0 ? [wake(dueAt)] : [])]);
};

const retried = (
  state: RolloutState,
  event: Extract<RolloutEvent, { readonly type: "retried" }>,
  now: number,
) => {
  const { stage } = state;
  const target = stage?.targets.find(({ id }) => id === event.target);
  // What nobody knows the outcome of must be read back first: it may have been done.
  const mayBegin = isActive(state) && stage?.phase === "ApplyBlocked";
  if (!mayBegin || target?.result !== "failed") return refused(state, event);
  const targets = stage.targets.map((one) =>
    one.id === event.target ? { ...one, result: "pending" as const } : one,
  );
  const blocked = targets.some((one) => !isSettled(one) && one.result !== "pending");
  const phase = blocked ? "ApplyBlocked" : "Applying";
  return ok(note(state, event, now, { stage: { ...stage, targets, phase } }), [
    { type: "apply", targets: [event.target] },
  ]);
};

const judged = (
  state: RolloutState,
  event: Extract<RolloutEvent, { readonly type: "judged" }>,
  policy: RolloutPolicy,
  now: number,
) => {
  const { stage } = state;
  if (!isActive(state) || stage?.phase !== "Waiting") return refused(state, event);
  if (event.verdict !== "Pass" || policy.approval === "person") return ok(state, []);
  if (stage.dueAt !== null && now < Date.parse(stage.dueAt)) return ok(state, [wake(stage.dueAt)]);
  return ok(endStage(state, stage, event, now), [choose]);
};

const approved = (
  state: RolloutState,
  event: Extract<RolloutEvent, { readonly type: "approved" }>,
  now: number,
) => {
  const { stage } = state;
  const waits =
    stage?.phase === "Waiting" ||
    (event.forced && (stage?.phase === "ApplyBlocked" || stage?.phase === "Paused"));
  const isHeld = state.phase === "Paused" && !event.forced;
  if (stage === null || !waits || isHeld || (!isActive(state) && state.phase !== "Paused")) {
    return refused(state, event);
  }
  // Force overrules gates, never the safety of a target: what is open must be settled or skipped.
  if (!stage.targets.every(isSettled)) return refused(state, event);
  return ok(endStage({ ...state, phase: "Active" }, stage, event, now), [choose]);
};

const endStage = (
  state: RolloutState,
  stage: Stage,
  event: RolloutEvent,
  now: number,
): RolloutState =>
  note(state, event, now, {
    done: state.done + stage.targets.length,
    stage: { ...stage, phase: "Advanced", dueAt: null },
  });

const paused = (
  state: RolloutState,
  event: Extract<RolloutEvent, { readonly type: "paused" }>,
  now: number,
) => {
  if (state.phase === "Observing")
    return ok(note(state, event, now, { phase: "ObservingPaused" }), []);
  if (!isActive(state)) return refused(state, event);
  // What is being applied goes on to its end; only what waits can be held.
  const stage =
    state.stage?.phase === "Waiting" ? { ...state.stage, phase: "Paused" as const } : state.stage;
  return ok(note(state, event, now, { phase: "Paused", stage }), []);
};

const resumed = (
  state: RolloutState,
  event: Extract<RolloutEvent, { readonly type: "resumed" }>,
  now: number,
) => {
  if (state.phase === "ObservingPaused")
    return ok(note(state, event, now, { phase: "Observing" }), []);
  if (state.phase !== "Paused") return refused(state, event);
  const waits = state.stage?.phase === "Paused";
  const stage =
    state.stage?.phase === "Paused" ? { ...state.stage, phase: "Waiting" as const } : state.stage;
  const next = note(state, event, now, { phase: "Active", stage });
  if (waits) return ok(next, [{ type: "measure" }]);
  return ok(next, isBetweenStages(next) ? [choose] : []);
};

const aborted = (
  state: RolloutState,
  event: Extract<RolloutEvent, { readonly type: "aborted" }>,
  now: number,
) => {
  if (state.phase === "Draft") return over(state, event, "Cancelled", now);
  if (!isActive(state) && state.phase !== "Paused") return refused(state, event);
  return over(state, event, "Aborted", now);
};

interface SideExit {
  readonly from: ReadonlyArray<RolloutPhase>;
  readonly during: RolloutPhase;
  readonly to: RolloutPhase;
}

const rollback: SideExit = { from: ["Aborted"], during: "RollingBack", to: "RolledBack" };
const finalization: SideExit = { from: ["Succeeded"], during: "Finalizing", to: "Observing" };

/** Rolling back and finalizing begin once, and end once everything is proven. */
const ended = (
  state: RolloutState,
  event: RolloutEvent,
  finished: boolean,
  { from, during, to }: SideExit,
  now: number,
) => {
  if (!finished) {
    return from.includes(state.phase)
      ? ok(note(state, event, now, { phase: during }), [])
      : refused(state, event);
  }
  if (state.phase === "Observing" && to === "Observing")
    return over(state, event, "Finalized", now);
  if (state.phase !== during) return refused(state, event);
  if (to === "Observing") return ok(note(state, event, now, { phase: to }), [{ type: "measure" }]);
  const stage =
    state.stage === null ? null : { ...state.stage, phase: "RolledBack" as const, dueAt: null };
  return over({ ...state, stage }, event, to, now);
};

const over = (state: RolloutState, event: RolloutEvent, phase: RolloutPhase, now: number) =>
  ok(note(state, event, now, { phase }), [{ type: "over", phase }]);

const choose: RolloutEffect = { type: "choose" };
const wake = (at: string): RolloutEffect => ({ type: "wake", at });

const isActive = ({ phase }: RolloutState): boolean => phase === "Active";

/** Whether the next stage may be chosen. */
export const isBetweenStages = ({ stage }: RolloutState): boolean =>
  stage === null || stage.phase === "Advanced";

const isApplying = ({ phase }: Stage): boolean => phase === "Applying" || phase === "ApplyBlocked";

const isSettled = ({ result }: Target): boolean => result === "written" || result === "skipped";

const note = (
  state: RolloutState,
  event: RolloutEvent,
  now: number,
  change: Partial<Omit<RolloutState, "journal">>,
): RolloutState => {
  const next = { ...state, ...change };
  const entry: JournalEntry = {
    at: new Date(now).toISOString(),
    event: event.type,
    rollout: next.phase,
    stage: next.stage === null ? null : { number: next.stage.number, phase: next.stage.phase },
    reason: reasonOf(event),
  };
  return { ...next, journal: [...state.journal, entry].slice(-journalLimit) };
};

const reasonOf = (event: RolloutEvent): string | null => {
  if (!("reason" in event) || event.reason === undefined) return null;
  return "by" in event ? `${event.by}: ${event.reason}` : event.reason;
};

const ok = (
  state: RolloutState,
  effects: ReadonlyArray<RolloutEffect>,
): Result.Result<Advance, Refusal> => Result.succeed({ state, effects });

const refused = (
  { phase, stage }: RolloutState,
  event: RolloutEvent,
): Result.Result<Advance, Refusal> =>
  Result.fail({
    reason: {
      code: "NotNow",
      text: `a rollout that is ${where(phase, stage?.phase)} cannot be ${event.type}`,
    },
    remedy: "look at its status first: muster status names where it stands and what may come next",
  });

const where = (phase: RolloutPhase, stage: StagePhase | undefined): string =>
  stage === undefined ? phase : `${phase} with its stage ${stage}`;
