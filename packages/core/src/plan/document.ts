// Decides the plan of one document: sort out who is there, then settle, move, launch and remove.

import { compareText } from "../words/diagnostic.ts";
import { type Document, formatAddress, sameAddress } from "../words/document.ts";
import type { Change, Drift, Outsider, Plan, Refusal, SetCount } from "../words/plan.ts";
import type { Observation } from "../words/provider.ts";
import { escapeText, quote, shellWord } from "../words/quote.ts";
import type { BurialRecord, IntentRecord } from "../words/record.ts";
import type { SetResource } from "../words/set.ts";
import { planDestruction } from "./destroy.ts";
import { holdOf } from "./hold.ts";
import type { DocumentInput } from "./input.ts";
import { isMember, isPresent, separateTwins, slotsOf, unseenOf } from "./occupancy.ts";
import { planReplacement, type Replacement } from "./replace.ts";
import { earliest, sealPlan } from "./seal.ts";
import { callRoster, outsider, type Roster, sortOutside } from "./roster.ts";
import { blindness, longestText } from "./blindness.ts";
import { keep, planSet, type SetPlan } from "./set.ts";
import { isRetaken, settleIntents, type Settlement } from "./settle.ts";

type Seen = Extract<Observation, { readonly complete: true }>;

export const planDocument = (input: DocumentInput): Plan => {
  const { observation } = input;
  if (observation === undefined || !observation.complete) return blindPlan(input, observation);
  const roster = callRoster({
    document: input.document,
    expansion: input.expansion,
    sightings: observation.members,
    records: input.remembered.members,
    buried: new Set(freshBurials(input).map(({ id }) => id)),
    adoptions: input.remembered.adoptions,
    owner: input.policy.owner,
  });
  return roster.foreign.length > 0
    ? foreignPlan(input, roster)
    : openPlan(input, observation, roster);
};

/** Those that a list may still show alive. */
const freshBurials = ({ remembered, policy, now }: DocumentInput): ReadonlyArray<BurialRecord> =>
  remembered.burials.filter(({ at }) => now < Date.parse(at) + policy.listLagMillis);

/** When a member that is said to have ended, and is still seen, is believed to be there again. */
const resurrectionAt = (input: DocumentInput, seen: Seen): number | null => {
  const alive = new Set(seen.members.filter(isPresent).map(({ id }) => id));
  const ends = freshBurials(input)
    .filter(({ id }) => alive.has(id))
    .map(({ at }) => Date.parse(at) + input.policy.listLagMillis);
  return ends.length === 0 ? null : Math.min(...ends);
};

/** Nothing is decided on a list that was not read to its end. */
const blindPlan = (input: DocumentInput, observation: Observation | undefined): Plan =>
  sealPlan({ ...frame(input), changes: [], refusals: [blindness(observation)], seen: false });

/** Another owner runs a fleet of this name here: hands off, ours included. */
const foreignPlan = (input: DocumentInput, roster: Roster): Plan => {
  const owners = [...new Set(roster.foreign.map((sighting) => sighting.owner!))].sort(compareText);
  const ours = [...roster.members.values(), ...roster.moving.values()].flat();
  const strangers = roster.foreign.map((sighting) => outsider(sighting, "other owner", false));
  return sealPlan({
    ...frame(input),
    changes: ours.map(keep),
    refusals: [ownedByAnother(input.document, owners)],
    outside: sortOutside([...roster.outside, ...strangers]),
    seen: true,
  });
};

const ownedByAnother = (document: Document, owners: ReadonlyArray<string>): Refusal => ({
  reason: {
    code: "OwnedByAnother",
    text: `${formatAddress(document)} has live members of ${owners.map((owner) => quote(owner)).join(" and ")}; nothing is touched`,
  },
  remedy: `change it where that owner runs it, or take its members over with: muster adopt ${document.name} --from ${shellWord(owners[0]!)} --reason TEXT`,
});

const openPlan = (input: DocumentInput, observation: Seen, roster: Roster): Plan => {
  const settlement = settleIntents(input, observation.members);
  const twins = new Map(
    input.expansion.sets.map((set) => [
      set.name,
      separateTwins(roster.members.get(set.name) ?? []),
    ]),
  );
  const waiting = waitingBySet(input, roster);
  const replacement = planReplacement({
    expansion: input.expansion,
    sets: input.expansion.sets.map((set) => ({
      set,
      members: twins.get(set.name)!.members,
      wanted: Math.max(0, set.count - waiting.get(set.name)!),
    })),
    restarts: input.remembered.restarts,
    rollout: input.remembered.rollout,
    mayLaunch: observation.blockers.length === 0,
    now: input.now,
  });
  const sets = planSets(input, observation, roster, settlement, { twins, waiting, replacement });
  const refusals = [
    ...blockers(observation),
    ...sets.flatMap((set) => set.refusals),
    ...replacement.refusals,
  ];
  const destroyed = planDestruction({
    document: input.document,
    left: roster.vanished,
    wishes: input.remembered.destructions,
    since: null,
  });
  const acts = [...sets.flatMap((set) => set.changes), ...destroyed];
  return sealPlan({
    ...frame(input, [
      settlement.dueAt,
      replacement.dueAt,
      resurrectionAt(input, observation),
      ...sets.map((set) => set.dueAt),
    ]),
    changes: [
      ...settlement.changes.filter((change) => !isRetaken(change, acts)),
      ...acts,
      ...dropFormer(input, settlement),
    ],
    refusals,
    drift: sets.flatMap((set) => set.drift),
    counts: sets.map((set) => set.count),
    outside: sortOutside(
      roster.outside.filter(({ id }) => !destroyed.some((change) => change.id === id)),
    ),
    rollout: replacement.rollout,
    unsettled: settlement.waiting.filter((intent) => !acts.some((change) => change.key === intent)),
    seen: true,
  });
};

/** Once its members came along, nothing is remembered under the former name. */
const dropFormer = (input: DocumentInput, settlement: Settlement): ReadonlyArray<Change> => {
  const { former, intents } = input.remembered;
  if (former === undefined) return [];
  const open = intents.some(
    (intent) =>
      sameAddress(intent.document, former.document) && settlement.waiting.includes(intent.id),
  );
  if (open) return [];
  return [
    {
      action: "forget",
      key: `forget:${formatAddress(former.document)}`,
      how: "drop",
      document: former.document,
      reason: { code: "Renamed", text: `it is ${formatAddress(input.document)} now` },
    },
  ];
};

const planSets = (
  input: DocumentInput,
  observation: Seen,
  roster: Roster,
  settlement: Settlement,
  standing: {
    readonly twins: ReadonlyMap<string, ReturnType<typeof separateTwins>>;
    readonly waiting: ReadonlyMap<string, number>;
    readonly replacement: Replacement;
  },
): ReadonlyArray<SetPlan> =>
  input.expansion.sets.map((set) => {
    const records = input.remembered.members.filter((record) => isOwnSet(input, record, set.name));
    const unseen = unseenOf(records, observation.members, input.policy.listLagMillis, input.now);
    return planSet({
      ...input,
      set,
      ...standing.twins.get(set.name)!,
      replacement: standing.replacement,
      moving: roster.moving.get(set.name) ?? [],
      adopting: adoptingInto(roster, set),
      waiting: standing.waiting.get(set.name)!,
      arriving: settlement.launching.filter((intent) => isFormerSet(input, intent, set)).length,
      slots: slotsOf(
        roster.members.get(set.name) ?? [],
        roster.dead.get(set.name) ?? [],
        records,
        settlement.launching.filter((intent) => isOwnSet(input, intent, set.name)),
        unseen,
      ),
      unseen,
      places: observation.places[set.name] ?? nowhere,
      blocked: observation.blockers.length > 0,
    });
  });

const adoptingInto = ({ adoptable }: Roster, set: SetResource) =>
  adoptable.filter(({ adoption }) => adoption.set === set.name);

/** Members that wait for adoption take places, set by set, until all are accounted for. */
const waitingBySet = (
  { expansion: { sets } }: DocumentInput,
  roster: Roster,
): ReadonlyMap<string, number> => {
  let left = roster.waiting.length;
  return new Map(
    sets.map((set, index) => {
      const own =
        (roster.members.get(set.name) ?? []).filter(({ sighting }) => isMember(sighting)).length +
        (roster.moving.get(set.name) ?? []).length +
        adoptingInto(roster, set).length;
      const isLast = index === sets.length - 1;
      const taken = isLast ? left : Math.min(left, Math.max(0, set.count - own));
      left -= taken;
      return [set.name, taken];
    }),
  );
};

const nowhere = { spread: [], fallback: [] };

/** Generations count per name: what was remembered under a former name tells nothing here. */
const isOwnSet = (
  input: DocumentInput,
  record: {
    readonly document: { readonly name: string };
    readonly member: { readonly set: string };
  },
  set: string,
): boolean => record.document.name === input.document.name && record.member.set === set;

/** Under a name of before: another document's, or another set's. */
const isFormerSet = (input: DocumentInput, intent: IntentRecord, set: SetResource): boolean => {
  const formerDocument = intent.document.name !== input.document.name;
  const names = [set.name, set.previousName];
  return formerDocument
    ? names.includes(intent.member.set)
    : intent.member.set === set.previousName &&
        !input.expansion.sets.some((other) => other.name === intent.member.set);
};

const blockers = (observation: Seen): ReadonlyArray<Refusal> =>
  observation.blockers.map((blocker) => ({
    reason: {
      code: `Blocked${blocker.reason}`,
      text: escapeText(blocker.message, longestText),
    },
    remedy: escapeText(blocker.remedy, longestText),
  }));

const overrideEnd = ({ override }: DocumentInput): number | null =>
  override === null ? null : Date.parse(override.until);

/** What every plan of a document says, with the times at which it would become another. */
const frame = (input: DocumentInput, dueAt: ReadonlyArray<number | null> = []) => {
  const { document, expansion } = input;
  const hold = holdOf({ ...input, inputDigest: document.inputDigest, suspend: expansion.suspend });
  return {
    document: { kind: document.kind, name: document.name },
    inputDigest: document.inputDigest,
    drift: [] as ReadonlyArray<Drift>,
    groups: expansion.sets.map((set) => set.name),
    counts: [] as ReadonlyArray<SetCount>,
    outside: [] as ReadonlyArray<Outsider>,
    unsettled: [] as ReadonlyArray<string>,
    parallel: expansion.parallel,
    override: input.override,
    hold: hold.refusal,
    orphaned: false,
    nextDueAt: earliest([hold.dueAt, overrideEnd(input), ...dueAt]),
  };
};
