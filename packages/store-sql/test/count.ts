// Counts up one record by compare-and-set, as operators do who do not know of each other.

import type { StoreError, StoreShape } from "@muster/core/store/store";
import { sampleDraft, sampleStatus } from "@muster/testkit/store/samples";
import * as Effect from "effect/Effect";

const owner = "counters";
const start = sampleStatus("count", "0");

/** What the record says; 0 while there is none. */
export const counted = (store: StoreShape): Effect.Effect<number, StoreError> =>
  Effect.map(store.load(owner), ([record]) => (record?._tag === "Status" ? +record.json : 0));

/** Adds one, and looks again for as long as others were faster; answers the number of tries. */
export const countUp = (store: StoreShape, tries = 1): Effect.Effect<number, StoreError> =>
  Effect.gen(function* () {
    const [before] = yield* store.load(owner);
    const next = sampleStatus("count", String((yield* counted(store)) + 1));
    const key = `Status/Fleet/${start.document.name}`;
    const grounds = before === undefined ? { absent: [key] } : { unchanged: [before] };
    const audit = [sampleDraft("count")];
    return yield* store.commit({ owner, ...grounds, puts: [next], audit }).pipe(
      Effect.as(tries),
      Effect.catchIf(
        (error) => error.reason === "Moved",
        () => countUp(store, tries + 1),
      ),
    );
  });
