// Works on many documents side by side: each is its own unit, and one that is slow or refused holds up no other.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Outcome } from "../apply/outcome.ts";
import type { Store } from "../store/store.ts";
import type { Document } from "../words/document.ts";
import { recordKey } from "../words/record.ts";
import { makeLookAgain } from "./again.ts";
import type { Failure, Fence } from "./fence.ts";
import type { TurnInput } from "./input.ts";
import type { Look, Unit } from "./look.ts";
import { hasWork, workOn } from "./unit.ts";

/** How many documents are worked on at the same time. */
export const unitsAtOnce = 16;

/** Ends when every document has come to its end; claims the lease only when one has work. */
export const workOnAll = Effect.fnUntraced(function* (
  input: TurnInput,
  documents: ReadonlyArray<Document>,
  first: Look,
  fence: Fence,
): Effect.fn.Return<
  { readonly last: Look; readonly outcomes: ReadonlyArray<Outcome> },
  Failure,
  Store | Scope.Scope
> {
  const busy = first.units.filter(hasWork(input));
  if (busy.length === 0) return { last: first, outcomes: [] };
  const held = yield* fence.claim;
  const again = yield* makeLookAgain(input, documents);
  const worked = yield* Effect.raceFirst(
    Effect.forEach(busy, (unit) => workOn(input, fence, held, unit, again), {
      concurrency: unitsAtOnce,
    }),
    held.lost,
  );
  const after = new Map<Unit, Unit | undefined>(busy.map((unit, at) => [unit, worked[at]!.unit]));
  return { last: lookAfter(first, after), outcomes: worked.flatMap(({ outcomes }) => outcomes) };
});

/** The first look, with what was worked on as it stands now. */
const lookAfter = (first: Look, after: ReadonlyMap<Unit, Unit | undefined>): Look => {
  const outdated = new Set(
    [...after].flatMap(([before, now]) => (now === undefined ? [] : before.records.map(recordKey))),
  );
  return {
    records: [
      ...first.records.filter((record) => !outdated.has(recordKey(record))),
      ...[...after.values()].flatMap((now) => now?.records ?? []),
    ],
    units: first.units
      .map((unit) => (after.has(unit) ? after.get(unit) : unit))
      .filter((unit) => unit !== undefined),
  };
};
