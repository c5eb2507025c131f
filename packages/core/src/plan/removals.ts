// Decides which members go, and whether anybody asked for it: the breaker on unasked removals.

import { digestOf } from "../words/canonical.ts";
import { compareText } from "../words/diagnostic.ts";
import type { Policy } from "../words/policy.ts";
import type { Refusal } from "../words/plan.ts";
import type { ApprovalRecord, RemovalRecord } from "../words/record.ts";
import type { Occupant } from "./occupancy.ts";

/** The newest first, by creation, then slot, then identifier: the same choice on every machine. */
export const newestFirst = (members: ReadonlyArray<Occupant>): ReadonlyArray<Occupant> =>
  [...members].sort(
    (a, b) =>
      (a.sighting.createdAt < b.sighting.createdAt
        ? 1
        : a.sighting.createdAt > b.sighting.createdAt
          ? -1
          : 0) ||
      b.name.slot - a.name.slot ||
      b.name.generation - a.name.generation ||
      (a.sighting.id < b.sighting.id ? 1 : -1),
  );

export interface UnaskedVerdict {
  readonly allowed: boolean;
  /** Whose consent allowed it, when it needed one. */
  readonly approval: ApprovalRecord | null;
  readonly refusal: Refusal | null;
  /** When the sliding window next moves; milliseconds since the epoch. */
  readonly dueAt: number | null;
}

const free: UnaskedVerdict = { allowed: true, approval: null, refusal: null, dueAt: null };

/**
 * What nobody asked for is limited over a sliding window, per set; above the limit nothing at all
 * is removed until a person consents to exactly these members.
 */
export const judgeUnasked = (
  set: string,
  asked: number,
  going: ReadonlyArray<Occupant>,
  recent: ReadonlyArray<RemovalRecord>,
  approvals: ReadonlyArray<ApprovalRecord>,
  policy: Policy,
  now: number,
): UnaskedVerdict => {
  if (going.length === 0) return free;
  const limit = Math.max(policy.removals.atLeast, Math.floor(policy.removals.share * asked));
  const again = new Set(going.map((occupant) => occupant.sighting.id));
  const ends = recent
    // An intent that a crash left open is no removal yet: it is among those that go.
    .filter((removal) => !again.has(removal.id))
    .map((removal) => Date.parse(removal.at) + policy.removals.windowMillis)
    .filter((end) => end > now)
    .sort((a, b) => a - b);
  if (ends.length + going.length <= limit) return free;
  const ids = going.map((occupant) => occupant.sighting.id);
  const consent = consentDigest(ids);
  const approval = approvals.find((one) => covers(one, ids, recent));
  if (approval !== undefined) return { ...free, approval };
  return {
    allowed: false,
    approval: null,
    refusal: {
      reason: {
        code: "RemovalLimit",
        text: `${going.length} of set ${set} would go and nobody asked for it; the limit is ${limit} an hour and ${ends.length} already went`,
      },
      remedy: `look at them, then consent with: muster approve ${consent} --reason TEXT (add --repo and --env for a runner's fleet, else --file)`,
      consent,
    },
    dueAt: ends[0] ?? null,
  };
};

/**
 * Consent to some members holds for those of them that are left, after a crash half-way. Which of
 * the last removals it already allowed is told by the digest, not by clocks that may differ.
 */
const covers = (
  approval: ApprovalRecord,
  ids: ReadonlyArray<string>,
  recent: ReadonlyArray<RemovalRecord>,
): boolean => {
  const gone = recent
    .filter((removal) => !ids.includes(removal.id))
    .sort((a, b) => compareText(b.at, a.at) || compareText(a.id, b.id))
    .map((removal) => removal.id);
  return Array.from({ length: gone.length + 1 }, (_, length) => gone.slice(0, length)).some(
    (already) => approval.digest === consentDigest([...ids, ...already]),
  );
};

/** The digest of exactly the members to go: consent to these, and to no others. */
export const consentDigest = (ids: ReadonlyArray<string>): string => digestOf([...ids].sort());
