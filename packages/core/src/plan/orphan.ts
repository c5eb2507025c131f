// Decides what to do about a document that vanished: forget it, and never destroy what it left.

import { formatAddress } from "../words/document.ts";
import type { Change, Plan } from "../words/plan.ts";
import type { Policy } from "../words/policy.ts";
import type { Observation } from "../words/provider.ts";
import type { DocumentRecord } from "../words/record.ts";
import { blindness } from "./blindness.ts";
import { isPresent } from "./occupancy.ts";
import type { Remembered } from "./remembered.ts";
import { outsider } from "./roster.ts";
import { sealPlan } from "./seal.ts";
import { settleIntents } from "./settle.ts";

export interface OrphanInput {
  readonly record: DocumentRecord;
  readonly observation: Observation | undefined;
  readonly remembered: Remembered;
  readonly policy: Policy;
  readonly now: number;
}

export const planOrphan = (input: OrphanInput): Plan => {
  const { observation, record } = input;
  const members = observation?.complete === true ? observation.members : null;
  const ours = (members ?? []).filter(
    (sighting) =>
      sighting.owner === input.policy.owner &&
      sighting.document === record.document.name &&
      isPresent(sighting),
  );
  const settlement = members === null ? null : settleIntents(input, members);
  const left = settlement === null || ours.length > 0 || settlement.waiting.length > 0;
  return sealPlan({
    document: record.document,
    inputDigest: null,
    changes: [...(settlement?.changes ?? []), ...forget(input, left)],
    refusals: members === null ? [blindness(observation)] : [],
    groups: [],
    outside: ours.map((sighting) => outsider(sighting, "document vanished", false)),
    unsettled: settlement?.waiting ?? [],
    seen: members !== null,
    parallel: record.expansion.parallel,
    hold: input.policy.hold,
    orphaned: true,
    nextDueAt: settlement?.dueAt == null ? null : new Date(settlement.dueAt).toISOString(),
  });
};

/** What still has members stays in sight as an orphan; what has none is dropped. */
const forget = (input: OrphanInput, left: boolean): ReadonlyArray<Change> => {
  if (!left) return [forgetting(input, "drop")];
  return input.record.orphanedAt === null ? [forgetting(input, "orphan")] : [];
};

const forgetting = (input: OrphanInput, how: "orphan" | "drop"): Change => ({
  action: "forget",
  key: `forget:${formatAddress(input.record.document)}`,
  how,
  document: input.record.document,
  reason: { code: "DocumentVanished", text: "no file asks for it any more; its members stay" },
});
