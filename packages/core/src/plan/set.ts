// Decides the changes of one set: marks that must follow a move, launches into free slots, removals.

import { formatAddress } from "../words/document.ts";
import { formatMember, launchToken, type MemberName } from "../words/member.ts";
import type { Change, Drift, Reason, Refusal, SetCount } from "../words/plan.ts";
import type { MemberSighting, Places } from "../words/provider.ts";
import type { AdoptionRecord, ApprovalRecord } from "../words/record.ts";
import { type SetResource, templateMark } from "../words/set.ts";
import { consentOf, consentTo } from "./consent.ts";
import type { DocumentInput } from "./input.ts";
import { freeSlots, isMember, type Occupant, type Slot, type Unseen } from "./occupancy.ts";
import { freshAt, placeOf } from "./placement.ts";
import { judgeUnasked, newestFirst } from "./removals.ts";
import type { Replacement } from "./replace.ts";

export interface SetInput extends DocumentInput {
  readonly set: SetResource;
  /** Without twins. */
  readonly members: ReadonlyArray<Occupant>;
  /** The younger of two under one name. */
  readonly twins: ReadonlyArray<Occupant>;
  readonly moving: ReadonlyArray<Occupant>;
  readonly adopting: ReadonlyArray<{
    readonly sighting: MemberSighting;
    readonly adoption: AdoptionRecord;
  }>;
  /** Members that count but wait for adoption. */
  readonly waiting: number;
  /** Launches under a former name that may still arrive: they count until they are told. */
  readonly arriving: number;
  /** Members that may be there although nothing shows them: they count, and push nobody out. */
  readonly unseen: ReadonlyArray<Unseen>;
  readonly slots: ReadonlyMap<number, Slot>;
  readonly places: Places;
  readonly replacement: Replacement;
  /** Something that was found by looking forbids launches. */
  readonly blocked: boolean;
}

export interface SetPlan {
  readonly changes: ReadonlyArray<Change>;
  readonly refusals: ReadonlyArray<Refusal>;
  readonly drift: ReadonlyArray<Drift>;
  readonly count: SetCount;
  readonly dueAt: number | null;
}

export const planSet = (input: SetInput): SetPlan => {
  const { members } = input;
  const marks = planMarks(input);
  const present = members.filter(counts).length + marks.length + input.waiting;
  const wanted = input.set.count + (input.replacement.surge.get(input.set.name) ?? 0);
  const stopped = members.length - members.filter(counts).length;
  const missing = Math.max(0, wanted - present - input.arriving - input.unseen.length);
  const launched = stopped >= Math.max(1, wanted) ? 0 : missing;
  // Who waits for adoption fills a place, and never pushes out one of ours.
  const surplus = Math.max(0, present - input.waiting - wanted);
  const launches = input.blocked ? noLaunches : planLaunches(input, marks, launched);
  const removals = planRemovals(input, surplus);
  const going = new Set(removals.changes.map((change) => change.key));
  const staying = members.filter((occupant) => !going.has(removeKey(occupant)));
  return {
    changes: [...marks, ...launches.changes, ...removals.changes, ...staying.map(keep)],
    refusals: [
      ...launches.refusals,
      ...removals.refusals,
      ...(launched < missing ? [stopping(input.set, stopped)] : []),
      ...(input.unseen.length > 0 ? [unseenRefusal(input.unseen)] : []),
    ],
    drift: staying.flatMap((occupant) => driftOf(input.set, occupant)),
    count: {
      set: input.set.name,
      asked: input.set.count,
      present: present + input.twins.length,
      running: members.filter((occupant) => occupant.sighting.phase === "running").length,
      unowned: input.waiting,
    },
    dueAt: soonest([
      removals.dueAt,
      missing > 0 ? freshAt(input) : null,
      ...input.unseen.map(({ absentAt }) => absentAt),
    ]),
  };
};

const soonest = (times: ReadonlyArray<number | null>): number | null =>
  times.reduce((a, b) => (a === null || b === null ? (a ?? b) : Math.min(a, b)), null);

const counts = ({ sighting }: Occupant): boolean => isMember(sighting);

/** A member that stays as it is. */
export const keep = (occupant: Occupant): Change => ({
  action: "keep",
  key: `keep:${occupant.sighting.id}`,
  member: occupant.name,
  id: occupant.sighting.id,
  reason: { code: "AsAsked", text: "it is there, as asked" },
});

const noLaunches = { changes: [], refusals: [] } as const;

/** Members that come along from a former name, then those that a person asked to adopt. */
const planMarks = (
  input: SetInput,
): ReadonlyArray<Extract<Change, { action: "update" | "adopt" }>> => {
  const slots = new Map(
    // A launch in flight may still arrive under its name.
    [...input.slots].map(([slot, known]) => [
      slot,
      known.state === "launching" ? { ...known, state: "held" as const } : known,
    ]),
  );
  const take = (wished: MemberName | null): MemberName => {
    const name = nameFor(input.set.name, slots, wished);
    slots.set(name.slot, { ...name, state: "held" });
    return name;
  };
  const moved = [...input.moving]
    .sort((a, b) => a.name.slot - b.name.slot || (a.sighting.id < b.sighting.id ? -1 : 1))
    .map((occupant) =>
      mark("update", take(occupant.name), occupant.sighting, {
        code: "Renamed",
        text: `it comes along from ${occupant.sighting.document} ${formatMember(occupant.sighting.name!)}`,
      }),
    );
  const adopted = [...input.adopting]
    .sort((a, b) => (a.sighting.id < b.sighting.id ? -1 : 1))
    .map(({ sighting, adoption }) =>
      mark("adopt", take(null), sighting, {
        code: "AdoptionAsked",
        text: `${adoption.by} asked to adopt it: ${adoption.reason}`,
      }),
    );
  return [...moved, ...adopted];
};

/** The wished slot when it is free, else the lowest free one; never a generation that was used. */
const nameFor = (
  set: string,
  slots: ReadonlyMap<number, Slot>,
  wished: MemberName | null,
): MemberName => {
  const known = wished === null ? undefined : slots.get(wished.slot);
  if (wished === null || known?.state === "held") return freeSlots(set, slots, 1)[0]!;
  const above = known === undefined ? 1 : known.generation + 1;
  return { set, slot: wished.slot, generation: Math.max(wished.generation, above) };
};

const mark = (
  action: "update" | "adopt",
  member: MemberName,
  sighting: MemberSighting,
  reason: Reason,
): Extract<Change, { action: "update" | "adopt" }> => ({
  action,
  key: `${action}:${sighting.id}`,
  member,
  id: sighting.id,
  from: sighting.owner,
  precondition: { version: sighting.version },
  reason,
});

const planLaunches = (
  input: SetInput,
  marks: ReadonlyArray<{ readonly member: MemberName }>,
  missing: number,
): { readonly changes: ReadonlyArray<Change>; readonly refusals: ReadonlyArray<Refusal> } => {
  if (missing === 0) return noLaunches;
  const { spread, fallback } = input.places;
  if (spread.length + fallback.length === 0) return { changes: [], refusals: [nowhere(input.set)] };
  const slots = new Map(input.slots);
  for (const { member } of marks) slots.set(member.slot, { ...member, state: "held" });
  const template = templateMark(input.set.template);
  const changes = freeSlots(input.set.name, slots, missing).map((member): Change => {
    const slot = slots.get(member.slot);
    const there = slot?.intent?.place ?? placeOf(input, member);
    return {
      action: "create",
      key: createKey(input, member),
      member,
      place: there,
      token: launchToken(input.policy.owner, addressOf(input), member, there),
      template,
      reason: launchReason(input, member, slot),
    };
  });
  return { changes, refusals: [] };
};

const addressOf = (input: SetInput) => ({ kind: input.document.kind, name: input.document.name });

const createKey = (input: SetInput, member: MemberName): string =>
  `create:${formatAddress(input.document)}:${formatMember(member)}`;

const launchReason = (input: SetInput, member: MemberName, slot: Slot | undefined): Reason => {
  if (slot?.state === "launching") {
    return {
      code: "LaunchUnknown",
      text: "an earlier run may have launched it; the same token asks again",
    };
  }
  if (slot?.state === "dead" && !countRaised(input)) {
    return {
      code: "MemberDied",
      text: `${formatMember({ ...member, generation: slot.generation })} is dead; ${input.set.count} are asked for`,
    };
  }
  return { code: "TooFew", text: `${input.set.count} are asked for and fewer are there` };
};

const countRaised = (input: SetInput): boolean => {
  const before = lastApplied(input);
  return before === undefined || before.count < input.set.count;
};

/** Members that stop by themselves would be launched anew for ever, and each is paid for. */
const stopping = (set: SetResource, stopped: number): Refusal => ({
  reason: {
    code: "StoppedMembers",
    text: `${stopped} members of set ${set.name} are stopped; no more are launched beside them`,
  },
  remedy: "find out why they stop, then start or terminate them: muster does neither unasked",
});

/** Nothing is told as done on what nobody saw. */
const unseenRefusal = (unseen: ReadonlyArray<Unseen>): Refusal => ({
  reason: {
    code: "Unseen",
    text: `${unseen.map(({ name }) => formatMember(name)).join(", ")} came to be lately and cannot be found now; nothing is launched instead`,
  },
  remedy:
    "run it again in a moment: lists lag, and rights may; after ten minutes absence counts as absence",
});

const nowhere = (set: SetResource): Refusal => ({
  reason: { code: "NoPlace", text: `there is no place for members of set ${set.name}` },
  remedy: "check where the document says they shall run",
});

const planRemovals = (
  input: SetInput,
  surplus: number,
): {
  readonly changes: ReadonlyArray<Change>;
  readonly refusals: ReadonlyArray<Refusal>;
  readonly dueAt: number | null;
} => {
  const { twins, replacement } = input;
  const members = input.members.filter(counts);
  const awaits = ({ sighting }: Occupant) => replacement.awaiting.has(sighting.id);
  // Those that await replacement go first: so nobody is launched for them.
  const going = [
    ...newestFirst(members.filter(awaits)),
    ...newestFirst(members.filter((occupant) => !awaits(occupant))),
  ].slice(0, surplus);
  const replaced = members.filter(
    (occupant) => replacement.going.has(occupant.sighting.id) && !going.includes(occupant),
  );
  const { policy, now } = input;
  const consent = consentTo(lastApplied(input), input.set.count, policy.listLagMillis, now);
  const early = going.filter(({ sighting }) => sighting.createdAt < (consent.createdBefore ?? ""));
  const late = going.filter((occupant) => !early.includes(occupant));
  const consented = consent.removals + replacement.left;
  const asked = [...early, ...late.slice(0, consented)];
  const unasked = [...twins, ...late.slice(consented)].filter(isWhole);
  const verdict = judgeUnasked(
    input.set.name,
    input.set.count,
    unasked,
    input.remembered.removals.filter((removal) =>
      [input.set.name, input.set.previousName].includes(removal.set),
    ),
    input.remembered.approvals,
    policy,
    now,
  );
  const reason = {
    code: "CountLowered",
    text: `${input.set.count} are asked for and more are there; the newest go`,
  };
  const changes = [
    ...replaced.map((occupant) => ({
      ...remove(occupant, true, null, replacement.awaiting.get(occupant.sighting.id)!),
      replaced: true as const,
    })),
    ...asked.map((occupant) => remove(occupant, true, null, reason)),
    ...(verdict.allowed ? unasked : []).map((occupant) =>
      remove(occupant, false, verdict.approval, unaskedReason(occupant, twins)),
    ),
  ];
  const refusals = verdict.refusal === null ? [] : [verdict.refusal];
  return { changes, refusals, dueAt: early.length > 0 ? consent.until : verdict.dueAt };
};

/** What is stopped or cannot be told holds its place until a person decides. */
const isWhole = (occupant: Occupant): boolean =>
  occupant.sighting.phase === "running" || occupant.sighting.phase === "starting";

const lastApplied = (input: SetInput) =>
  consentOf(input.remembered.applied, input.document.name, input.document.previousName, input.set);

const unaskedReason = (occupant: Occupant, twins: ReadonlyArray<Occupant>): Reason =>
  twins.includes(occupant)
    ? { code: "Twin", text: `an older member already is ${formatMember(occupant.name)}` }
    : { code: "Surplus", text: "more are there than were ever asked for; the newest go" };

const remove = (
  occupant: Occupant,
  asked: boolean,
  approval: ApprovalRecord | null,
  reason: Reason,
): Change => ({
  action: "remove",
  key: removeKey(occupant),
  member: occupant.name,
  id: occupant.sighting.id,
  asked,
  consent: approval === null ? null : { by: approval.by, digest: approval.digest },
  precondition: { version: occupant.sighting.version },
  reason,
});

const removeKey = (occupant: Occupant): string => `remove:${occupant.sighting.id}`;

const driftOf = (set: SetResource, occupant: Occupant): ReadonlyArray<Drift> => {
  const { sighting } = occupant;
  const base = { member: formatMember(occupant.name), id: sighting.id };
  const drift: Array<Drift> = [];
  const asked = templateMark(set.template);
  if (sighting.template !== null && sighting.template !== asked) {
    drift.push({ ...base, field: "template", asked, seen: sighting.template });
  }
  if (sighting.phase === "stopped" || sighting.phase === "unknown") {
    drift.push({ ...base, field: "phase", asked: "running", seen: sighting.phase });
  }
  return drift;
};
