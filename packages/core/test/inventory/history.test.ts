import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import {
  historyOwner,
  type Look,
  looksKept,
  recordLooks,
  sightingsOwner,
} from "../../src/inventory/history.ts";
import { makeMemoryStore } from "../../src/store/memory.ts";
import type { StoreShape } from "../../src/store/store.ts";
import type { HostObservation } from "../../src/words/host.ts";

const at = (minute: number): string => new Date(Date.UTC(2026, 4, 1, 12, minute)).toISOString();
const answered = { reason: null, step: null, message: null };
const silent = { reason: "timeout", step: "tcp", message: "10 s" } as const;

const look = (minute: number, seen: Partial<HostObservation>, override?: string): Look => ({
  observation: { host: "a", at: at(minute), ...seen },
  override: override ?? null,
});

const historyIn = (store: StoreShape) =>
  Effect.map(store.record(historyOwner, "History/a"), (record) =>
    record?._tag === "History" ? record.looks : null,
  );

const sightingIn = (store: StoreShape) =>
  Effect.map(store.record(sightingsOwner, "Sighting/a"), (record) =>
    record?._tag === "Sighting" ? record.sighting : null,
  );

const tell = (store: StoreShape, ...looks: ReadonlyArray<Look>) =>
  Effect.gen(function* () {
    const kept = { sighting: yield* sightingIn(store), history: yield* historyIn(store) };
    for (const batch of recordLooks(looks, () => kept)) yield* store.commit(batch);
  });

const minutesIn = (store: StoreShape) =>
  Effect.map(historyIn(store), (looks) => looks!.map((one) => new Date(one.at).getUTCMinutes()));

describe("what is kept of looks", () => {
  it.effect("is the newest few, and the last that was answered however old", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      yield* tell(store, look(0, { contact: answered }), look(1, { contact: answered }));
      for (let minute = 2; minute < 20; minute += 1)
        yield* tell(store, look(minute, { contact: silent }));
      assert.deepStrictEqual(yield* minutesIn(store), [
        ...Array.from({ length: looksKept }, (_, index) => 19 - index),
        1,
      ]);
      const sighting = yield* sightingIn(store);
      assert.strictEqual(sighting!.lastSeen, at(1));
      assert.deepStrictEqual(sighting!.silence, { looks: 18, since: at(2) });
    }),
  );

  it.effect("is the same when it is told twice, and in whatever order", () =>
    Effect.gen(function* () {
      const looks = [3, 1, 2].map((minute) => look(minute, { contact: answered }));
      const store = makeMemoryStore();
      yield* tell(store, ...looks);
      yield* tell(store, looks[1]!);
      assert.deepStrictEqual(yield* minutesIn(store), [3, 2, 1]);
      assert.strictEqual((yield* sightingIn(store))!.contact!.at, at(3));
    }),
  );

  it.effect("is told of a look that died between its two batches by the next one", () =>
    Effect.gen(function* () {
      const looks = [
        look(0, { contact: answered, facts: { role: "old" } }),
        look(1, { contact: silent }),
        look(2, { contact: silent }),
        look(3, { contact: silent }),
      ];
      const [whole, torn] = [makeMemoryStore(), makeMemoryStore()];
      for (const one of looks) {
        yield* tell(whole, one);
        if (one !== looks[1] && one !== looks[2]) {
          yield* tell(torn, one);
          continue;
        }
        const kept = { sighting: yield* sightingIn(torn), history: yield* historyIn(torn) };
        yield* torn.commit(recordLooks([one], () => kept)[0]!);
      }
      assert.deepStrictEqual(yield* sightingIn(torn), yield* sightingIn(whole));
      assert.deepStrictEqual(yield* historyIn(torn), yield* historyIn(whole));
    }),
  );

  it("keeps no bytes that no fact names", () => {
    const batches = recordLooks([look(1, { facts: { overrideSha: null } }, "AAEC")], () => ({
      sighting: null,
      history: null,
    }));
    assert.deepStrictEqual(
      batches.flatMap(({ puts = [] }) => puts.map(({ _tag }) => _tag)),
      ["History", "Sighting"],
    );
  });
});
