// Decides what to do about a document that vanished: forget it, and destroy only what a person named.

import { formatAddress } from "../words/document.ts";
import type { Change, Plan } from "../words/plan.ts";
import type { Policy } from "../words/policy.ts";
import type { MemberSighting, Observation } from "../words/provider.ts";
import type { DocumentRecord } from "../words/record.ts";
import { blindness } from "./blindness.ts";
import { planDestruction } from "./destroy.ts";
import { holdOf } from "./hold.ts";
import { isPresent } from "./occupancy.ts";
import type { Remembered } from "./remembered.ts";
import { outsider, sortOutside } from "./roster.ts";
import { earliest, sealPlan } from "./seal.ts";
import { isRetaken, settleIntents } from "./settle.ts";

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
  const hold = holdOf({ ...input, ...record, inputDigest: null, suspend: undefined });
  const destroyed = destroy(input, ours);
  const stays = ours.filter(({ id }) => !destroyed.some((change) => change.id === id));
  return sealPlan({
    document: record.document,
    inputDigest: null,
    changes: [
      ...(settlement?.changes ?? []).filter((change) => !isRetaken(change, destroyed)),
      ...destroyed,
      ...forget(input, left),
    ],
    refusals: members === null ? [blindness(observation)] : [],
    groups: [],
    outside: sortOutside(stays.map((sighting) => outsider(sighting, "document vanished", false))),
    unsettled: settlement?.waiting ?? [],
    seen: members !== null,
    parallel: record.expansion.parallel,
    hold: hold.refusal,
    orphaned: true,
    nextDueAt: earliest([hold.dueAt, settlement?.dueAt ?? null]),
  });
};

/** Nothing as long as it is not known since when no file asks for it: who asked before meant another time. */
const destroy = (input: OrphanInput, ours: ReadonlyArray<MemberSighting>) =>
  input.record.orphanedAt === null
    ? []
    : planDestruction({
        document: input.record.document,
        left: ours,
        wishes: input.remembered.destructions,
        since: input.record.orphanedAt,
      });

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
  reason: {
    code: "DocumentVanished",
    text:
      how === "orphan"
        ? "no file asks for it any more; its members stay"
        : "no file asks for it any more, and it has no members",
  },
});
