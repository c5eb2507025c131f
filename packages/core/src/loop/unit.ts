// Works on one document: applies its plan, looks again, and goes on while the world moved under us rather than against us.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { applyPlan } from "../apply/apply.ts";
import type { Outcome } from "../apply/outcome.ts";
import type { Learned } from "../apply/retry.ts";
import type { HeldLease } from "../lease/lease.ts";
import { Store, type StoreError } from "../store/store.ts";
import { type CreateChange, effectiveChanges, type Plan, type Refusal } from "../words/plan.ts";
import { hasEnded, suspensionRefusal } from "../plan/suspension.ts";
import { keyOf } from "../words/record.ts";
import type { LookAgain } from "./again.ts";
import type { Failure, Fence } from "./fence.ts";
import { tell, type TurnInput } from "./input.ts";
import type { Unit } from "./look.ts";

/** How often a document is applied before the rest is left to the next turn, unless told otherwise. */
const defaultRounds = 5;

/** What became of a document: how it stands now, and what was done. */
export interface Worked {
  /** Nothing when nothing of it is left. */
  readonly unit: Unit | undefined;
  readonly outcomes: ReadonlyArray<Outcome>;
}

/** Whether there is anything to do or to remember about it, and it may be done. */
export const hasWork =
  (input: Pick<TurnInput, "only">) =>
  ({ plan, news }: Unit): boolean =>
    plan.hold === null && (effectiveChanges(meant(input, plan)).length > 0 || news.length > 0);

/** What of a plan is to be carried out. */
const meant = ({ only }: Pick<TurnInput, "only">, plan: Plan): Plan =>
  only === undefined ? plan : { ...plan, changes: plan.changes.filter(only) };

/** Its rounds end early when something went against us: that is left to the next turn. */
export const workOn = Effect.fn("unit")(function* (
  input: TurnInput,
  fence: Fence,
  held: HeldLease,
  first: Unit,
  again: LookAgain,
): Effect.fn.Return<Worked, Failure, Store> {
  const outcomes: Array<Outcome> = [];
  const full = new Set<string>();
  // What a change took tells the next rounds, too: in a rolling restart each has a single one.
  const learned: Learned = new Map();
  let unit: Unit | undefined = first;
  let left = input.rounds ?? roundsOf(first);
  while (left > 0) {
    if (unit === undefined || !hasWork(input)(unit)) break;
    const done = yield* applyUnit(input, fence, held, unit, learned);
    outcomes.push(...done);
    if (input.rounds !== undefined || !done.some(isExhausted)) left -= 1;
    unit = yield* again(first.plan.document);
    for (const outcome of done) noteFull(full, outcome);
    if (done.some(endsRounds) || (unit !== undefined && comesBack(full, unit))) break;
  }
  return { unit, outcomes };
});

/** A replacement goes on as long as it gets on: each member takes two rounds, or three. */
const roundsOf = ({ plan: { rollout } }: Unit): number => defaultRounds + 3 * (rollout?.left ?? 0);

/** A round that found a place full costs none: there are only so many, and none is tried twice. */
const isExhausted = ({ change, code }: Outcome): boolean =>
  change.action === "create" && code === "Exhausted";

/** Without capacity at one place others are left to try. */
const endsRounds = ({ result, code }: Outcome): boolean =>
  result !== "done" && result !== "stale" && code !== "Exhausted" && code !== "Halted";

const noteFull = (full: Set<string>, { change, code }: Outcome): void => {
  if (change.action === "create" && code === "Exhausted") full.add(placeKey(change));
};

/** Every place was tried: the next would be one that was found full a moment ago. */
const comesBack = (full: ReadonlySet<string>, { plan }: Unit): boolean =>
  plan.changes.some((change) => change.action === "create" && full.has(placeKey(change)));

const placeKey = ({ member, place }: CreateChange): string => `${member.set} ${place}`;

const applyUnit = Effect.fnUntraced(function* (
  input: TurnInput,
  fence: Fence,
  held: HeldLease,
  unit: Unit,
  learned: Learned,
): Effect.fn.Return<ReadonlyArray<Outcome>, Failure, Store> {
  const store = yield* Store;
  if (unit.news.length > 0) yield* fence.writer.write({ puts: unit.news });
  const plan = meant(input, unit.plan);
  if (effectiveChanges(plan).length === 0) return [];
  return yield* input.handlers(unit.expansion.resource).pipe(
    Effect.flatMap((handler) =>
      applyPlan(
        {
          handler,
          expansion: unit.expansion,
          mandate: input.mandate,
          pace: input.pace,
          writer: fence.writer,
          mayWrite: held.check,
          mayBegin: Effect.provideService(mayBegin(input, unit), Store, store),
          removalWindowMillis: input.policy.removals.windowMillis,
          listLagMillis: input.policy.listLagMillis,
          records: unit.records,
          consent: new Map(unit.consent.map((record) => [record.set, record])),
          learned,
          onEvent: (event) => tell(input, event),
        },
        plan,
      ),
    ),
    // Observe saw this handler work a moment ago; what it says now is told at the next look.
    Effect.catchTag("ProviderError", () => Effect.succeed([])),
  );
});

/** A person may suspend a document while it is worked on: the store is asked before every change. */
const mayBegin = Effect.fnUntraced(function* (
  input: TurnInput,
  { plan, expansion }: Unit,
): Effect.fn.Return<Refusal | null, StoreError, Store> {
  const { document, inputDigest } = plan;
  const refusal = input.mayBegin?.({ document, inputDigest }) ?? null;
  if (refusal !== null) return refusal;
  const store = yield* Store;
  const now = yield* Clock.currentTimeMillis;
  const { previousName } = expansion;
  for (const name of [document.name, ...(previousName === undefined ? [] : [previousName])]) {
    const key = keyOf("Suspension", { kind: document.kind, name });
    const record = yield* store.record(input.policy.owner, key);
    if (record?._tag === "Suspension" && !hasEnded(record, now)) {
      return suspensionRefusal(record);
    }
  }
  return null;
});
