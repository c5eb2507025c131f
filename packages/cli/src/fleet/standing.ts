// Decides how one fleet stands: what the store holds, what discovery shows, and what is in force. Pure.

import { type Drift, effectiveChanges, formatMember, type Outsider, type Plan } from "@muster/core";
import type { Unit } from "@muster/core/loop/look";
import type { FleetOverride } from "@muster/sdk/fleet-contract";
import type { RestartRecord } from "@muster/core/words/record";
import type { Expansion } from "@muster/core/words/set";
import { ours, remembered } from "./members.ts";
import { overrideIn, tellOverride } from "./numbers.ts";

interface GroupStanding {
  readonly group: string;
  /** What the document asks for, whatever overrides it. */
  readonly document: number;
  readonly desired: number;
  readonly local: number;
  /** Nothing when it could not be seen. */
  readonly remote: number | null;
  readonly running: number | null;
}

export interface FleetStanding {
  readonly fleet: string;
  readonly owner: string;
  readonly store: string;
  /** What the ledger counts as active. */
  readonly local: number;
  /** What discovery shows; nothing when it could not look. */
  readonly remote: number | null;
  readonly desired: number;
  readonly groups: ReadonlyArray<GroupStanding>;
  readonly drift: ReadonlyArray<Drift>;
  readonly override: FleetOverride | null;
  readonly restart: {
    readonly total: number;
    readonly left: number;
    /** Such as `Active`, and `Waiting` for its stage. */
    readonly phase: string;
    readonly stage: string | null;
    readonly by: string | null;
    readonly since: string | null;
  } | null;
  /** Members without an owner: they count, and wait for sync-state. */
  readonly waiting: ReadonlyArray<Outsider>;
  /** Of another owner, or outside every group. */
  readonly outside: ReadonlyArray<Outsider>;
  readonly members: ReadonlyArray<{
    readonly member: string;
    readonly id: string;
    readonly phase: string;
    readonly place: string;
    readonly createdAt: string;
  }>;
  /** Changes that the next scale, apply or daemon would make. */
  readonly due: number;
  /** What stands in the way, and what to do about it. */
  readonly refusals: ReadonlyArray<{ readonly text: string; readonly remedy: string }>;
}

export interface StandingInput {
  readonly unit: Unit;
  /** With the document's own numbers. */
  readonly expansion: Expansion;
  readonly owner: string;
  readonly store: string;
  readonly now: number;
}

export const standingOf = ({
  unit,
  expansion,
  owner,
  store,
  now,
}: StandingInput): FleetStanding => {
  const { plan, records } = unit;
  const known = remembered(unit);
  const override = overrideIn(expansion, records, now);
  const groups = expansion.sets.map(({ name, count }): GroupStanding => {
    const seen = plan.counts.find(({ set }) => set === name);
    return {
      group: name,
      document: count,
      desired: override?.counts.find(({ set }) => set === name)?.count ?? count,
      local: known.filter(({ member }) => member.set === name).length,
      remote: seen?.present ?? null,
      running: seen?.running ?? null,
    };
  });
  const remote = plan.seen && plan.counts.length > 0 ? sum(groups, ({ remote: one }) => one) : null;
  return {
    fleet: plan.document.name,
    owner,
    store,
    local: known.length,
    remote,
    desired: sum(groups, ({ desired }) => desired),
    groups,
    drift: plan.drift,
    override: override === null ? null : tellOverride(override),
    restart: restartOf(
      plan,
      records.find((record) => record._tag === "Restart"),
    ),
    waiting: plan.outside.filter(({ why }) => why === "unowned"),
    outside: plan.outside.filter(({ why }) => why !== "unowned"),
    members: ours(unit).map(({ id, member, sighting }) => ({
      member: formatMember(member),
      id,
      phase: sighting?.phase ?? "unknown",
      place: sighting?.place ?? "",
      createdAt: sighting?.createdAt ?? "",
    })),
    due: effectiveChanges(plan).length,
    refusals: [...(plan.hold === null ? [] : [plan.hold]), ...plan.refusals].map(
      ({ reason, remedy }) => ({ text: reason.text, remedy }),
    ),
  };
};

const sum = (
  groups: ReadonlyArray<GroupStanding>,
  of: (group: GroupStanding) => number | null,
): number => groups.reduce((all, group) => all + (of(group) ?? 0), 0);

const restartOf = (plan: Plan, record: RestartRecord | undefined): FleetStanding["restart"] => {
  const { rollout } = plan;
  if (rollout === null || (record === undefined && rollout.left === 0)) return null;
  return {
    total: rollout.total,
    left: rollout.left,
    phase: rollout.phase,
    stage: rollout.stagePhase,
    by: record?.by ?? null,
    since: record?.at ?? null,
  };
};
