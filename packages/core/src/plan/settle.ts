// Decides what became of the intents that an earlier run left open.

import { formatAddress } from "../words/document.ts";
import { formatMember } from "../words/member.ts";
import type { Change } from "../words/plan.ts";
import type { MemberSighting } from "../words/provider.ts";
import type { IntentRecord } from "../words/record.ts";
import type { Policy } from "../words/policy.ts";
import { compareAge, isPresent } from "./occupancy.ts";
import type { Remembered } from "./remembered.ts";

export interface Settlement {
  readonly changes: ReadonlyArray<Change>;
  /** Launches that nobody has seen arrive: their slot keeps its generation, so the same token is sent. */
  readonly launching: ReadonlyArray<IntentRecord>;
  /** Intents (by identifier) whose outcome cannot be told yet. */
  readonly waiting: ReadonlyArray<string>;
  readonly dueAt: number | null;
}

type Finding = { readonly outcome: "done" | "failed"; readonly id: string | null } | "untold";

export const settleIntents = (
  input: { readonly remembered: Remembered; readonly policy: Policy; readonly now: number },
  sightings: ReadonlyArray<MemberSighting>,
): Settlement => {
  const { intents } = input.remembered;
  const seen = intents.length === 0 ? [] : [...sightings].sort(compareAge);
  const changes: Array<Change> = [];
  const launching: Array<IntentRecord> = [];
  let dueAt: number | null = null;
  for (const intent of intents) {
    const absentAt = Date.parse(intent.at) + input.policy.listLagMillis;
    const finding = find(intent, seen, input.policy.owner, input.now >= absentAt);
    if (finding === "untold") {
      launching.push(intent);
      dueAt = dueAt === null ? absentAt : Math.min(dueAt, absentAt);
    } else {
      changes.push(settle(intent, finding));
    }
  }
  return { changes, launching, waiting: launching.map((intent) => intent.id), dueAt };
};

/** A change that does the same thing again takes the open intent up: there is nothing to settle. */
export const isRetaken = (change: Change, acts: ReadonlyArray<Change>): boolean =>
  change.action === "settle" &&
  change.outcome === "failed" &&
  acts.some((again) => again.key === change.intent);

const find = (
  intent: IntentRecord,
  sightings: ReadonlyArray<MemberSighting>,
  owner: string,
  absenceCounts: boolean,
): Finding => {
  if (intent.action === "create") return findLaunched(intent, sightings, owner, absenceCounts);
  const target = sightings.find((sighting) => sighting.id === intent.target);
  if (intent.action === "remove") {
    const gone = target === undefined || !isPresent(target);
    return { outcome: gone ? "done" : "failed", id: intent.target };
  }
  const marked =
    target?.owner === owner &&
    target.document === intent.document.name &&
    target.name !== null &&
    formatMember(target.name) === formatMember(intent.member);
  return { outcome: marked ? "done" : "failed", id: intent.target };
};

const findLaunched = (
  intent: IntentRecord,
  sightings: ReadonlyArray<MemberSighting>,
  owner: string,
  absenceCounts: boolean,
): Finding => {
  const name = formatMember(intent.member);
  const arrived = sightings.filter(
    (sighting) =>
      sighting.owner === owner &&
      sighting.document === intent.document.name &&
      sighting.name !== null &&
      formatMember(sighting.name) === name,
  );
  const alive = arrived.find(isPresent);
  if (alive !== undefined) return { outcome: "done", id: alive.id };
  if (arrived[0] !== undefined) return { outcome: "failed", id: arrived[0].id };
  return absenceCounts ? { outcome: "failed", id: null } : "untold";
};

const settle = (intent: IntentRecord, finding: Exclude<Finding, "untold">): Change => ({
  action: "settle",
  key: `settle:${intent.id}`,
  intent: intent.id,
  outcome: finding.outcome,
  id: finding.id,
  member: intent.member,
  reason: {
    code: "LeftOpen",
    text: `an earlier run left its ${intent.action} of ${formatAddress(intent.document)} ${formatMember(intent.member)} open; it ${finding.outcome === "done" ? "was done" : "did not happen"}`,
  },
});
