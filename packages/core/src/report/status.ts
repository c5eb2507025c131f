// Decides what is said of a document: conditions with their reasons, counts and members. Pure.

import { canonicalJson, digestOfTexts } from "../words/canonical.ts";
import { compareText } from "../words/diagnostic.ts";
import { compareAddresses } from "../words/document.ts";
import { formatMember } from "../words/member.ts";
import { oncePer } from "../words/once.ts";
import { effectiveChanges, type Plan, type Reason, type Refusal } from "../words/plan.ts";
import type { MemberSighting, Observation } from "../words/provider.ts";
import { escapeText } from "../words/quote.ts";
import type { DocumentRecord, StoreRecord } from "../words/record.ts";
import {
  type Condition,
  type ConditionType,
  type DocumentStatus,
  type MemberStatus,
  statusKind,
} from "../words/status.ts";
import { lastOutcomes, type Outcome } from "../apply/outcome.ts";
import { isConverged, isReplacing } from "./bookkeeping.ts";

/** What is known of where the documents came from. */
export interface SourceVerification {
  readonly status: Condition["status"];
  readonly reason: string;
  readonly message: string;
}

export interface StatusInput {
  /** The plan after the apply: what is left to do. */
  readonly plan: Plan;
  readonly observation: Observation | undefined;
  readonly record: DocumentRecord | undefined;
  /** What came of this run's changes to the document. */
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly previous: DocumentStatus | undefined;
  /** Nothing when the documents did not come from git. */
  readonly source: SourceVerification | null;
  readonly owner: string;
  /** ISO 8601. */
  readonly now: string;
}

type Verdict = Pick<Condition, "status" | "reason" | "message">;

export const documentStatus = (input: StatusInput): DocumentStatus => {
  const { plan, record } = input;
  return {
    apiVersion: "fleet.v1",
    kind: statusKind(plan.document),
    metadata: { name: plan.document.name },
    observed: { commit: record?.revision ?? null, inputDigest: plan.inputDigest },
    conditions: conditions(input),
    counts: plan.counts,
    members: members(input),
    ...rolloutOf(plan),
    ...(plan.override === null ? {} : { override: plan.override }),
  };
};

const rolloutOf = (plan: Plan): Pick<DocumentStatus, "rollout"> => {
  const { rollout } = plan;
  if (rollout === null || !isReplacing(plan)) return {};
  const { phase, stagePhase, stage, done, total } = rollout;
  return { rollout: { phase: stagePhase ?? phase, stage, done, total } };
};

/** One digest for the statuses that a store holds: what others have written shows in it, too. */
export const digestOfStatuses: (records: ReadonlyArray<StoreRecord>) => string = oncePer(
  (records) =>
    digestOfTexts(
      records
        .filter((record) => record._tag === "Status")
        .sort((a, b) => compareAddresses(a.document, b.document))
        .flatMap(({ document, json }) => [document.kind, document.name, json]),
    ),
);

/** The status as it is kept and published: equal statuses are equal bytes. */
export const encodeStatus = (status: DocumentStatus): string => `${canonicalJson(status)}\n`;

const conditions = (input: StatusInput): ReadonlyArray<Condition> => {
  const verdicts: Array<readonly [ConditionType, Verdict]> = [
    ["Ready", ready(input)],
    ["Reconciling", reconciling(input)],
    ["Stalled", stalled(input)],
    ["Drifted", drifted(input)],
  ];
  if (isSuspended(input.plan)) verdicts.push(["Suspended", suspended(input.plan)]);
  if (input.plan.orphaned) verdicts.push(["Orphaned", orphaned(input)]);
  if (input.source !== null) verdicts.push(["SourceVerified", input.source]);
  return verdicts.map(([type, verdict]) => condition(input, type, verdict));
};

const condition = (input: StatusInput, type: ConditionType, verdict: Verdict): Condition => {
  const before = input.previous?.conditions.find((candidate) => candidate.type === type);
  return {
    type,
    status: verdict.status,
    reason: verdict.reason,
    message: escapeText(verdict.message, 2_000),
    since: before?.status === verdict.status ? before.since : input.now,
    commit: input.record?.revision ?? null,
  };
};

const ready = (input: StatusInput): Verdict => {
  const { plan } = input;
  if (!plan.seen) return verdict("Unknown", firstTrouble(input) ?? notObserved);
  if (plan.orphaned) return { status: "Unknown", reason: "Orphaned", message: orphanText(plan) };
  const trouble = firstTrouble(input);
  if (trouble !== undefined) return verdict("False", trouble);
  if (isReplacing(plan)) return verdict("False", replacing(plan));
  if (!isConverged(plan)) return verdict("False", { code: "ChangesWaiting", text: waiting(plan) });
  const late = plan.counts.filter((count) => count.running + count.unowned < count.asked);
  if (late.length > 0) {
    const text = late.map((count) => `${count.set}: ${count.running} of ${count.asked} run`);
    return verdict("False", { code: "NotRunning", text: text.join("; ") });
  }
  return verdict("True", { code: "AsAsked", text: "all members run, as asked" });
};

const notObserved: Reason = { code: "NotObserved", text: "nobody looked" };

const orphanText = (plan: Plan): string => {
  const going = plan.changes.filter((change) => change.action === "remove").length;
  return going === 0
    ? "no file asks for it any more; its members stay as they are"
    : `no file asks for it any more; a person asked to destroy ${going} of its members`;
};

const reconciling = ({ plan }: StatusInput): Verdict => {
  const isLeft = effectiveChanges(plan).length > 0 || plan.unsettled.length > 0;
  if (isLeft && isOnHold(plan)) {
    return verdict("False", { code: plan.hold!.reason.code, text: `${waiting(plan)}, held back` });
  }
  if (isReplacing(plan)) return verdict("True", replacing(plan));
  return isLeft
    ? verdict("True", { code: "ChangesWaiting", text: waiting(plan) })
    : verdict("False", { code: "NothingToDo", text: "nothing is left to do" });
};

const replacing = ({ rollout }: Plan): Reason => ({
  code: "Replacing",
  text: `${rollout!.done} of ${rollout!.total} members are replaced`,
});

const isSuspended = ({ hold }: Plan): boolean => hold?.reason.code === "Suspended";

const isQuarantined = ({ hold }: Plan): boolean => hold?.reason.code === "Quarantined";

/** Held for its own sake: nobody works on it until that ends. */
const isOnHold = (plan: Plan): boolean => isSuspended(plan) || isQuarantined(plan);

const waiting = (plan: Plan): string => {
  const left = effectiveChanges(plan).length;
  const open =
    plan.unsettled.length === 0 ? "" : `, ${plan.unsettled.length} outcomes not known yet`;
  return `${left} changes wait${open}`;
};

const stalled = (input: StatusInput): Verdict => {
  const { plan } = input;
  if (isSuspended(plan)) return stalledBeside(input);
  const trouble = passes(plan) && !isQuarantined(plan) ? undefined : firstTrouble(input);
  return trouble === undefined
    ? verdict("False", { code: "Free", text: "nothing stands in the way" })
    : verdict("True", trouble);
};

/** A suspension ends by itself; what else stands in the way is told all the same. */
const stalledBeside = (input: StatusInput): Verdict => {
  const besides = { ...input, plan: { ...input.plan, hold: null } };
  const trouble = passes(input.plan) ? undefined : firstTrouble(besides);
  return trouble === undefined
    ? verdict("False", { code: "Suspended", text: "only its suspension stands in the way" })
    : verdict("True", trouble);
};

/** Not being able to look for a while needs nobody: the next run looks again. */
const passes = (plan: Plan): boolean =>
  plan.refusals.length > 0 &&
  plan.refusals.every(({ reason }) =>
    ["NotObserved", "BlindUnreachable", "BlindThrottled", "Unseen"].includes(reason.code),
  );

/** A hold, then a refusal, then the first change that a person has to do something about. */
const firstTrouble = ({ plan, outcomes }: StatusInput): Reason | undefined => {
  const refusal = plan.hold ?? plan.refusals[0];
  if (refusal !== undefined) return reasonOf(refusal);
  const failure = lastOutcomes(outcomes).find((outcome) => outcome.result === "failed");
  if (failure === undefined) return undefined;
  const remedy = failure.remedy === null ? "" : `; ${failure.remedy}`;
  return { code: failure.code ?? "Failed", text: `${failure.message}${remedy}` };
};

const reasonOf = ({ reason, remedy }: Refusal): Reason => ({
  code: reason.code,
  text: `${reason.text}; ${remedy}`,
});

const drifted = ({ plan }: StatusInput): Verdict => {
  const differing = new Set(plan.drift.map((drift) => drift.member));
  const outside = plan.outside.length;
  if (differing.size === 0 && outside === 0) {
    return verdict("False", { code: "AsAsked", text: "nothing differs" });
  }
  const parts = [
    ...(differing.size > 0 ? [`${differing.size} differ from what is asked`] : []),
    ...(outside > 0 ? [`${outside} stand outside`] : []),
  ];
  return verdict("True", { code: "Differs", text: parts.join(", ") });
};

const suspended = ({ hold }: Plan): Verdict => verdict("True", reasonOf(hold!));

const orphaned = (input: StatusInput): Verdict => ({
  status: "True",
  reason: "DocumentVanished",
  message: `no file asks for it any more; ${input.plan.outside.length} members stay untouched`,
});

const verdict = (status: Condition["status"], reason: Reason): Verdict => ({
  status,
  reason: reason.code,
  message: reason.text,
});

const members = ({ plan, observation, owner }: StatusInput): ReadonlyArray<MemberStatus> =>
  (observation?.complete === true ? observation.members : [])
    .filter((sighting) => sighting.phase !== "gone")
    // What bears the name that an orphan had before is another document's by now.
    .filter((sighting) => !plan.orphaned || sighting.document === plan.document.name)
    .map((sighting) => ({
      name: escapeText(sighting.name === null ? sighting.displayName : formatMember(sighting.name)),
      id: sighting.id,
      phase: sighting.phase,
      place: sighting.place,
      owner: ownership(sighting, owner),
    }))
    .sort((a, b) => compareText(a.name, b.name) || compareText(a.id, b.id));

const ownership = (sighting: MemberSighting, owner: string): MemberStatus["owner"] => {
  if (sighting.owner === null) return "unowned";
  return sighting.owner === owner ? "ours" : "other";
};
