// Decides which members await replacement, and which of them may go now: a rolling restart, stage by stage.
//
// Members tell by their marks what they were launched under, so any store can go on with it. The
// stored position adds what marks cannot tell: since when a stage waits, and how many are behind it.

import * as Result from "effect/Result";
import { advance, draftRollout, isBetweenStages, type RolloutPolicy } from "../rollout/machine.ts";
import { digestOf } from "../words/canonical.ts";
import type { PlannedRollout, Reason, Refusal } from "../words/plan.ts";
import { escapeText, quote } from "../words/quote.ts";
import type { RestartRecord, RolloutRecord } from "../words/record.ts";
import type { RolloutEvent, RolloutState } from "../words/rollout.ts";
import {
  type Expansion,
  type ReplacePolicy,
  serially,
  type SetResource,
  templateMark,
} from "../words/set.ts";
import type { Occupant } from "./occupancy.ts";
import { newestFirst } from "./removals.ts";

export interface ReplacementInput {
  readonly expansion: Expansion;
  /** Ours in each set, without twins, and how many of ours there shall be. */
  readonly sets: ReadonlyArray<{
    readonly set: SetResource;
    readonly members: ReadonlyArray<Occupant>;
    readonly wanted: number;
  }>;
  readonly restarts: ReadonlyArray<RestartRecord>;
  readonly rollout: RolloutRecord | undefined;
  /** Nobody goes while nobody could be launched instead. */
  readonly mayLaunch: boolean;
  readonly now: number;
}

export interface Replacement {
  /** Why each member that awaits replacement does, by identifier. */
  readonly awaiting: ReadonlyMap<string, Reason>;
  /** Those of them that may go now. */
  readonly going: ReadonlySet<string>;
  /** How many members may be there beyond the count for now, by set. */
  readonly surge: ReadonlyMap<string, number>;
  /** Members beyond the count that a rollout left behind, which ended before its time. */
  readonly left: number;
  readonly rollout: PlannedRollout | null;
  readonly refusals: ReadonlyArray<Refusal>;
  readonly dueAt: number | null;
}

export const planReplacement = (input: ReplacementInput): Replacement => {
  const policy = input.expansion.replace ?? serially;
  const awaiting = awaitingOf(input, policy);
  const trigger = triggerOf(input, policy);
  const before = input.rollout;
  if (trigger === null || (awaiting.size === 0 && before?.trigger !== trigger)) {
    return withdrawn(before, policy, input.now);
  }
  // One that is over does not begin again by itself: what awaits replacement now begins another.
  const goesOn = before?.trigger === trigger && !(isOver(before.state) && awaiting.size > 0);
  const start = goesOn ? before.state : draftRollout(awaiting.size);
  const course = follow(input, policy, awaiting, start);
  const { state } = course;
  const stage = state.phase === "Active" && state.stage?.phase === "Applying" ? state.stage : null;
  const targets = newestFirst(membersOf(input)).filter(({ sighting }) =>
    stage?.targets.some(({ id }) => id === sighting.id),
  );
  return {
    awaiting,
    going: input.mayLaunch
      ? goingOf(input, policy, [...targets, ...lame(input, awaiting, targets)])
      : new Set(),
    surge: surgeOf(policy, targets),
    left: 0,
    rollout: toldOf(trigger, { state: start, isNew: !goesOn }, course, awaiting.size),
    ...hesitation(input, course),
  };
};

const toldOf = (
  trigger: string,
  start: { readonly state: RolloutState; readonly isNew: boolean },
  { state, events }: Course,
  left: number,
): PlannedRollout => ({
  trigger,
  isNew: start.isNew,
  total: start.state.total,
  done: state.done,
  left,
  stage: state.stage?.number ?? 0,
  phase: state.phase,
  stagePhase: state.stage?.phase ?? null,
  events,
});

/** Nothing asks for it any more: what was replaced stays, what waits is left as it is. */
const withdrawn = (
  before: RolloutRecord | undefined,
  policy: ReplacePolicy,
  now: number,
): Replacement => {
  const nothing = {
    awaiting: new Map<string, Reason>(),
    going: new Set<string>(),
    surge: new Map<string, number>(),
    refusals: [],
    dueAt: null,
  };
  if (before === undefined || isOver(before.state)) return { ...nothing, left: 0, rollout: null };
  const reason = "nothing asks for it any more";
  const event: RolloutEvent = { type: "aborted", by: "document", reason };
  const state = foldRollout(before.state, [event], policy, now);
  return {
    ...nothing,
    left: policy.maxSurge,
    rollout: toldOf(
      before.trigger,
      { state: before.state, isNew: false },
      { state, events: [event], verdict: null },
      0,
    ),
  };
};

export const isOver = ({ phase }: Pick<RolloutState, "phase">): boolean =>
  ["Succeeded", "Finalized", "Cancelled", "Aborted", "RolledBack"].includes(phase);

/** Events in their order; one that cannot come is passed over. */
export const foldRollout = (
  start: RolloutState,
  events: ReadonlyArray<RolloutEvent>,
  policy: ReplacePolicy,
  now: number,
): RolloutState =>
  events.reduce((state, event) => {
    const next = advance(state, event, timed(policy), now);
    return Result.isSuccess(next) ? next.success.state : state;
  }, start);

const timed = ({ pauseMillis }: ReplacePolicy): RolloutPolicy => ({
  pauseMillis,
  approval: "timer",
});

/** What a rollout is for: another restart, or another template where that counts, is another one. */
const triggerOf = (
  { expansion, restarts }: ReplacementInput,
  { onDrift }: ReplacePolicy,
): string | null => {
  const asked = restarts.map(({ createdUntil, at }) => [createdUntil, at]);
  if (expansion.restart === undefined && asked.length === 0 && !onDrift) return null;
  const templates = expansion.sets.map((set) => [set.name, templateMark(set.template)]);
  return digestOf([expansion.restart ?? null, asked, onDrift ? templates : []]).slice(0, 16);
};

const awaitingOf = (
  input: ReplacementInput,
  policy: ReplacePolicy,
): ReadonlyMap<string, Reason> => {
  const awaiting = new Map<string, Reason>();
  for (const { set, members } of input.sets) {
    for (const occupant of members) {
      const reason = isAlive(occupant) ? reasonToGo(input, policy, set, occupant) : null;
      if (reason !== null) awaiting.set(occupant.sighting.id, reason);
    }
  }
  return awaiting;
};

const reasonToGo = (
  { expansion, restarts }: ReplacementInput,
  { onDrift }: ReplacePolicy,
  set: SetResource,
  { sighting }: Occupant,
): Reason | null => {
  const wish = restarts.find(({ createdUntil }) => sighting.createdAt <= createdUntil);
  if (wish !== undefined) {
    return {
      code: "RestartAsked",
      text: `${escapeText(wish.by)} asked to restart: ${escapeText(wish.reason)}`,
    };
  }
  const { restart } = expansion;
  if (restart !== undefined && sighting.restart !== restart) {
    return { code: "RestartAsked", text: `the document asks for the restart ${quote(restart)}` };
  }
  const drifted =
    onDrift && sighting.template !== null && sighting.template !== templateMark(set.template);
  return drifted
    ? { code: "TemplateChanged", text: "it was made from another template than is asked for" }
    : null;
};

/** What is stopped or cannot be told is left to a person. */
const isAlive = ({ sighting: { phase } }: Occupant): boolean =>
  phase === "running" || phase === "starting";

interface Course {
  readonly state: RolloutState;
  readonly events: ReadonlyArray<RolloutEvent>;
  /** What the gate of the stage says, where it waits for one. */
  readonly verdict: Verdict | null;
}

/** Tells the machine all that can be seen, until nothing more can be told. */
const follow = (
  input: ReplacementInput,
  policy: ReplacePolicy,
  awaiting: ReadonlyMap<string, Reason>,
  start: RolloutState,
): Course => {
  const events: Array<RolloutEvent> = [];
  let state = start;
  let verdict: Verdict | null = null;
  for (;;) {
    const event = nextEvent(input, policy, awaiting, state);
    if (event === null) return { state, events, verdict };
    const next = advance(state, event, timed(policy), input.now);
    if (event.type === "judged") verdict = event;
    // Nothing moved: it waits for time, or for what is not there yet.
    if (Result.isFailure(next) || next.success.state === state) return { state, events, verdict };
    events.push(event);
    state = next.success.state;
  }
};

const nextEvent = (
  input: ReplacementInput,
  policy: ReplacePolicy,
  awaiting: ReadonlyMap<string, Reason>,
  state: RolloutState,
): RolloutEvent | null => {
  if (state.phase === "Draft") return { type: "started" };
  // Done before, and some await it again: a person or a provider brought them back.
  if (isOver(state)) return null;
  if (isBetweenStages(state)) return chosen(input, policy, awaiting);
  if (state.stage?.phase === "Waiting") return judge(input, awaiting);
  const gone = state.stage?.targets.find(
    ({ id, result }) => result === "pending" && isReplaced(input, id),
  );
  return gone === undefined ? null : { type: "told", target: gone.id, result: "written" };
};

const chosen = (
  input: ReplacementInput,
  { maxUnavailable, maxSurge }: ReplacePolicy,
  awaiting: ReadonlyMap<string, Reason>,
): RolloutEvent => {
  const waiting = newestFirst(membersOf(input)).filter(({ sighting }) => awaiting.has(sighting.id));
  // Who is known to be unwell is missing already: nobody else may go before.
  const isUnwell = (occupant: Occupant) => healthOf(input, occupant) === "fail";
  const next = [...waiting.filter(isUnwell), ...waiting.filter((one) => !isUnwell(one))]
    .slice(0, Math.max(1, maxUnavailable + maxSurge))
    .map(({ sighting }) => sighting.id);
  return next.length === 0 ? { type: "exhausted" } : { type: "staged", targets: next };
};

/** It is gone, and every set has as many as are asked for, all of them up. */
const isReplaced = (input: ReplacementInput, id: string): boolean =>
  input.sets.every(({ wanted, members }) => {
    const others = members.filter(isAlive);
    return (
      others.length >= wanted &&
      others.every(({ sighting }) => sighting.id !== id && sighting.phase === "running")
    );
  });

type Verdict = Extract<RolloutEvent, { readonly type: "judged" }>;

/** Whether those that are to stay are well. */
const judge = (input: ReplacementInput, awaiting: ReadonlyMap<string, Reason>): Verdict => {
  const fresh = membersOf(input).filter(
    (occupant) => isAlive(occupant) && !awaiting.has(occupant.sighting.id),
  );
  const said = (verdict: "fail" | "unknown") =>
    newestFirst(fresh).find((occupant) => healthOf(input, occupant) === verdict);
  const failing = said("fail");
  if (failing !== undefined) return judged("Fail", failing);
  const unknown = said("unknown");
  if (unknown !== undefined) return judged("Inconclusive", unknown);
  return { type: "judged", verdict: "Pass", reason: "all that stay are well" };
};

const judged = (verdict: "Fail" | "Inconclusive", { sighting }: Occupant): Verdict => ({
  type: "judged",
  verdict,
  reason: `${sighting.displayName}: ${sighting.health?.text ?? "it is not known how it is"}`,
});

/** Missing is not a pass: who should have been asked and was not is unknown. */
const healthOf = (
  { expansion }: ReplacementInput,
  { sighting }: Occupant,
): "pass" | "fail" | "unknown" => {
  if (sighting.phase !== "running") return "unknown";
  if (expansion.health === undefined) return "pass";
  return sighting.health?.verdict ?? "unknown";
};

/** Those that can go without more being missing than may be. */
const goingOf = (
  input: ReplacementInput,
  { maxUnavailable }: ReplacePolicy,
  targets: ReadonlyArray<Occupant>,
): ReadonlySet<string> => {
  const well = new Map(
    input.sets.map(({ set, members }) => [
      set.name,
      members.filter((occupant) => healthOf(input, occupant) === "pass").length,
    ]),
  );
  const missing = () =>
    input.sets.reduce(
      (sum, { set, wanted }) => sum + Math.max(0, wanted - (well.get(set.name) ?? 0)),
      0,
    );
  const going = new Set<string>();
  for (const target of targets) {
    const health = healthOf(input, target);
    // Who is known to be unwell is missing already; of whom nothing is known may be all that is left.
    const isMissing = health === "fail" || target.sighting.phase === "starting";
    const { set } = target.name;
    if (health === "pass") {
      well.set(set, well.get(set)! - 1);
      if (missing() > maxUnavailable) {
        well.set(set, well.get(set)! + 1);
        continue;
      }
    } else if (!isMissing) continue;
    going.add(target.sighting.id);
  }
  return going;
};

/**
 * One that became unwell while others were at it keeps them from going, since it is missing itself:
 * it goes instead, as long as all that are new are well.
 */
const lame = (
  input: ReplacementInput,
  awaiting: ReadonlyMap<string, Reason>,
  targets: ReadonlyArray<Occupant>,
): ReadonlyArray<Occupant> =>
  targets.length > 0 && judge(input, awaiting).verdict === "Pass"
    ? newestFirst(membersOf(input))
        .filter((one) => awaiting.has(one.sighting.id) && healthOf(input, one) === "fail")
        .filter((one) => !targets.includes(one))
        .slice(0, 1)
    : [];

/** One beyond the count for each target that is still there, as far as that is allowed. */
const surgeOf = (
  { maxSurge }: ReplacePolicy,
  targets: ReadonlyArray<Occupant>,
): ReadonlyMap<string, number> => {
  const surge = new Map<string, number>();
  for (const { name } of targets.slice(0, maxSurge)) {
    surge.set(name.set, (surge.get(name.set) ?? 0) + 1);
  }
  return surge;
};

/** How long a new member may take to run, where nobody asks how it is, in milliseconds. */
const usualPatience = 300_000;

/** While a stage waits for those that are new: until when, and what is said after that. */
const hesitation = (
  { expansion, now }: ReplacementInput,
  { state, verdict }: Course,
): Pick<Replacement, "refusals" | "dueAt"> => {
  const { stage } = state;
  if (stage?.phase !== "Waiting" || stage.since === null) return { refusals: [], dueAt: null };
  if (verdict === null || verdict.verdict === "Pass") {
    const due = stage.dueAt === null ? null : Date.parse(stage.dueAt);
    return { refusals: [], dueAt: due };
  }
  const late = Date.parse(stage.since) + (expansion.health?.patienceMillis ?? usualPatience);
  if (now < late) return { refusals: [], dueAt: late };
  return {
    refusals: [
      {
        reason: {
          code: "NotWell",
          text: `the replacement goes no further: ${escapeText(verdict.reason, 500)}`,
        },
        remedy:
          "make the new members well, or change the document back; it goes on by itself once they are",
      },
    ],
    dueAt: null,
  };
};

const membersOf = ({ sets }: ReplacementInput): ReadonlyArray<Occupant> =>
  sets.flatMap(({ members }) => members);
