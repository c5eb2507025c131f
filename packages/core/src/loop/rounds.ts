// Applies, looks again, and goes on while the world moved under us rather than against us.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { applyPlan } from "../apply/apply.ts";
import type { Outcome } from "../apply/outcome.ts";
import type { HeldLease } from "../lease/lease.ts";
import type { Store } from "../store/store.ts";
import { type Document, formatAddress } from "../words/document.ts";
import { effectiveChanges } from "../words/plan.ts";
import type { Failure, Fence } from "./fence.ts";
import { type ReconcileInput, tell } from "./input.ts";
import { type Look, look, type Unit } from "./look.ts";

/** How many documents are worked on at the same time. */
const unitsAtOnce = 16;

/** How often a turn applies before it leaves the rest to the next, unless told otherwise. */
const defaultRounds = 5;

export const applyRounds = Effect.fnUntraced(function* (
  input: ReconcileInput,
  documents: ReadonlyArray<Document>,
  first: Look,
  fence: Fence,
): Effect.fn.Return<
  { readonly last: Look; readonly outcomes: ReadonlyArray<Outcome> },
  Failure,
  Store | Scope.Scope
> {
  const outcomes: Array<Outcome> = [];
  const ended = new Set<string>();
  let last = first;
  // Who consented to one digest did not consent to what a second look would find.
  const rounds = input.expectDigest === undefined ? (input.rounds ?? defaultRounds) : 1;
  for (let round = 1; round <= rounds; round += 1) {
    const units = last.units.filter((unit) => hasWork(unit) && !ended.has(nameOf(unit)));
    if (input.policy.hold !== null || units.length === 0) break;
    const held = yield* fence.claim;
    const done = yield* Effect.raceFirst(
      applyAll(input, { ...last, units }, fence, held),
      held.lost,
    );
    outcomes.push(...done);
    for (const outcome of done.filter(endsItsDocument)) ended.add(formatAddress(outcome.document));
    last = yield* look(input, documents, round + 1);
  }
  return { last, outcomes };
});

const hasWork = (unit: Unit): boolean =>
  effectiveChanges(unit.plan).length > 0 || unit.news.length > 0;

const nameOf = (unit: Unit): string => formatAddress(unit.plan.document);

/** What went against us is left to the next turn; it ends no other document's rounds. */
const endsItsDocument = ({ result }: Outcome): boolean => result !== "done" && result !== "stale";

/** Each document is its own unit of work: one that is slow or refused holds up no other. */
const applyAll = Effect.fnUntraced(function* (
  input: ReconcileInput,
  last: Look,
  fence: Fence,
  held: HeldLease,
): Effect.fn.Return<ReadonlyArray<Outcome>, Failure> {
  const applied = yield* Effect.forEach(last.units, (unit) => applyUnit(input, fence, held, unit), {
    concurrency: unitsAtOnce,
  });
  return applied.flat();
});

const applyUnit = Effect.fnUntraced(function* (
  input: ReconcileInput,
  fence: Fence,
  held: HeldLease,
  unit: Unit,
): Effect.fn.Return<ReadonlyArray<Outcome>, Failure> {
  if (unit.news.length > 0) yield* fence.writer.write({ puts: unit.news });
  if (effectiveChanges(unit.plan).length === 0) return [];
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
          removalWindowMillis: input.policy.removals.windowMillis,
          records: unit.records,
          consent: new Map(unit.consent.map((record) => [record.set, record])),
          learned: new Map(),
          onEvent: (event) => tell(input, event),
        },
        unit.plan,
      ),
    ),
    // Observe saw this handler work a moment ago; what it says now is told at the next look.
    Effect.catchTag("ProviderError", () => Effect.succeed([])),
  );
});
