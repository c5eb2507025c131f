// Lets documents that are worked on side by side look again together: one look for all who ask meanwhile.

import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Semaphore from "effect/Semaphore";
import type { Store, StoreError } from "../store/store.ts";
import { type Document, type DocumentAddress, formatAddress } from "../words/document.ts";
import type { TurnInput } from "./input.ts";
import { look, type Unit } from "./look.ts";

/** The document as it stands after the question was asked; nothing when nothing of it is left. */
export type LookAgain = (
  document: DocumentAddress,
) => Effect.Effect<Unit | undefined, StoreError, Store>;

interface Waiting {
  readonly address: string;
  readonly answer: Deferred.Deferred<Unit | undefined, StoreError>;
}

/** Looks one at a time; who asks while one is under way is answered by the next. */
export const makeLookAgain = Effect.fnUntraced(function* (
  input: TurnInput,
  documents: ReadonlyArray<Document>,
): Effect.fn.Return<LookAgain> {
  const turn = yield* Semaphore.make(1);
  let waiting: ReadonlyArray<Waiting> = [];

  const lookForAll = Effect.suspend(() => {
    const asked = waiting;
    waiting = [];
    const addresses = new Set(asked.map(({ address }) => address));
    return look(input, documents, 2, (document) => addresses.has(formatAddress(document))).pipe(
      Effect.onExit((exit) =>
        Effect.forEach(
          asked,
          ({ address, answer }) =>
            Deferred.done(
              answer,
              Exit.map(exit, ({ units }) =>
                units.find(({ plan }) => formatAddress(plan.document) === address),
              ),
            ),
          { discard: true },
        ),
      ),
    );
  });

  return Effect.fnUntraced(function* (document) {
    const answer = yield* Deferred.make<Unit | undefined, StoreError>();
    const mine: Waiting = { address: formatAddress(document), answer };
    waiting = [...waiting, mine];
    // Whoever gets the turn looks for all who wait; the others find their answer there.
    yield* turn.withPermits(1)(
      // Those that end at the same moment ask in the same look.
      Effect.andThen(
        Effect.yieldNow,
        Effect.suspend(() => (waiting.includes(mine) ? lookForAll : Effect.void)),
      ),
    );
    return yield* Deferred.await(answer);
  });
});
