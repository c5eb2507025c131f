// Gives a plan its order and its digest.

import { canonicalJson, digestOf } from "../words/canonical.ts";
import { compareText } from "../words/diagnostic.ts";
import { type Action, type Change, type Plan, planFormatVersion } from "../words/plan.ts";

export type UnsealedPlan = Omit<
  Plan,
  | "formatVersion"
  | "digest"
  | "drift"
  | "counts"
  | "outside"
  | "unsettled"
  | "rollout"
  | "override"
  | "nextDueAt"
> &
  Partial<
    Pick<Plan, "drift" | "counts" | "outside" | "unsettled" | "rollout" | "override" | "nextDueAt">
  >;

/** The order in which changes are told and carried out: what is settled first, what is kept last. */
const order: Readonly<Record<Action, number>> = {
  settle: 0,
  update: 1,
  adopt: 1,
  create: 2,
  remove: 3,
  forget: 4,
  keep: 5,
};

export const sealPlan = (unsealed: UnsealedPlan): Plan => {
  const changes = [...unsealed.changes].sort(
    (a, b) => order[a.action] - order[b.action] || compareNames(a, b) || compareText(a.key, b.key),
  );
  const body: Omit<Plan, "digest"> = {
    formatVersion: planFormatVersion,
    ...unsealed,
    drift: unsealed.drift ?? [],
    counts: unsealed.counts ?? [],
    outside: unsealed.outside ?? [],
    unsettled: unsealed.unsettled ?? [],
    rollout: unsealed.rollout ?? null,
    override: unsealed.override ?? null,
    nextDueAt: unsealed.nextDueAt ?? null,
    changes,
  };
  return { ...body, digest: planDigest(body) };
};

/** When time next makes the plan another, in ISO 8601; of times in milliseconds since the epoch. */
export const earliest = (times: ReadonlyArray<number | null>): string | null => {
  const due = times.filter((time) => time !== null);
  return due.length === 0 ? null : new Date(Math.min(...due)).toISOString();
};

const planDigest = (plan: Omit<Plan, "digest">): string =>
  digestOf({
    formatVersion: plan.formatVersion,
    document: plan.document,
    inputDigest: plan.inputDigest,
    changes: plan.changes.map(withoutPrecondition),
    refusals: plan.refusals,
    hold: plan.hold,
    orphaned: plan.orphaned,
    parallel: plan.parallel,
  });

const withoutPrecondition = (change: Change): unknown => {
  if (!("precondition" in change)) return change;
  const { precondition: _, ...rest } = change;
  return rest;
};

const compareNames = (a: Change, b: Change): number => {
  if (!("member" in a) || !("member" in b)) return 0;
  return (
    compareText(a.member.set, b.member.set) ||
    a.member.slot - b.member.slot ||
    a.member.generation - b.member.generation
  );
};

/** The bytes of some plans as a file: canonical JSON with a digest over the digests of all. */
export const encodePlans = (plans: ReadonlyArray<Plan>): string =>
  `${canonicalJson({ formatVersion: planFormatVersion, digest: digestOfPlans(plans), plans })}\n`;

/** One digest for what would be done to all documents. */
export const digestOfPlans = (plans: ReadonlyArray<Plan>): string =>
  digestOf(plans.map((plan) => [plan.document.kind, plan.document.name, plan.digest]));
