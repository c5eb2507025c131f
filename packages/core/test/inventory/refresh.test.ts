import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { historyOwner, type Look, looksKept, sightingsOwner } from "../../src/inventory/history.ts";
import { Prober, type ProberShape, refresh } from "../../src/inventory/refresh.ts";
import { makeMemoryStore } from "../../src/store/memory.ts";
import { Store, StoreError, type StoreShape } from "../../src/store/store.ts";
import type { HostObservation } from "../../src/words/host.ts";

const noon = "2026-05-01T12:00:00.000Z";
const answered = { reason: null, step: null, message: null };
const refused = { reason: "refused", step: "tcp", message: "ECONNREFUSED" } as const;

const lookOf = (host: string, seen: Partial<HostObservation> = { contact: answered }): Look => ({
  observation: { host, at: noon, ...seen },
  override: null,
});

const addressesOf = (...names: ReadonlyArray<string>) => names.map((host) => ({ host }));

const run = (
  store: StoreShape,
  look: ProberShape["look"],
  names: ReadonlyArray<string>,
  concurrency = 64,
) =>
  refresh(addressesOf(...names), { scope: "full", concurrency }).pipe(
    Effect.provideService(Store, store),
    Effect.provideService(Prober, { look }),
  );

const sighted = (store: StoreShape) =>
  Effect.map(store.load(sightingsOwner), (records) =>
    records.flatMap((record) => (record._tag === "Sighting" ? [record.sighting.host] : [])),
  );

const numbered = (count: number) => Array.from({ length: count }, (_, index) => `h${index}`);

describe("a refresh", () => {
  it.effect("holds the bytes of an override as long as any host shows it, and no longer", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      let minute = 0;
      /** Everybody is looked at once; each shows this override, or none, or is asked for none. */
      const look = (shown: Readonly<Record<string, string | null | undefined>>) => {
        minute += 1;
        const at = new Date(Date.parse(noon) + minute * 60_000).toISOString();
        return run(
          store,
          ({ host }) => {
            const overrideSha = shown[host];
            const facts = overrideSha === undefined ? {} : { facts: { overrideSha } };
            return Effect.succeed({
              observation: { host, at, contact: answered, ...facts },
              override: typeof overrideSha === "string" ? "AAEC" : null,
            });
          },
          Object.keys(shown),
        );
      };
      const contents = Effect.map(store.load(historyOwner), (records) =>
        records.flatMap((record) => (record._tag === "Content" ? [record.sha256] : [])),
      );
      const often = function* (shown: Readonly<Record<string, string | null | undefined>>) {
        for (let times = 0; times <= looksKept; times += 1) yield* look(shown);
      };
      yield* look({ a: "aa", b: "aa", c: "cc" });
      // Fast looks push the one that showed it out of the history: the last sight still shows it.
      yield* often({ a: undefined, b: undefined, c: undefined });
      assert.deepStrictEqual(yield* contents, ["aa", "cc"]);
      yield* look({ a: null });
      assert.deepStrictEqual(yield* contents, ["aa", "cc"], "b's last sight shows it");
      yield* look({ b: "aa" });
      yield* look({ b: null });
      yield* look({ c: "aa" });
      assert.deepStrictEqual(yield* contents, ["aa"], "nobody shows what c showed");
      yield* often({ c: undefined });
      yield* look({ c: null });
      assert.deepStrictEqual(yield* contents, ["aa"], "a look that is kept of b shows it");
      yield* often({ b: null });
      assert.deepStrictEqual(yield* contents, []);
    }),
  );

  it.effect("records every look, failures too, and counts them by reason", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      const sum = yield* run(
        store,
        ({ host }) => Effect.succeed(lookOf(host, { contact: host === "b" ? refused : answered })),
        ["a", "b", "c"],
      );
      assert.strictEqual(sum.answered, 2);
      assert.deepStrictEqual([...sum.silent], [["refused", 1]]);
      assert.deepStrictEqual(yield* sighted(store), ["a", "b", "c"]);
      const record = yield* store.record(historyOwner, "History/b");
      assert.deepStrictEqual(record?._tag === "History" && record.looks[0]!.contact, refused);
    }),
  );

  it.effect(
    "slides: one host that hangs holds up no other, and never more than asked are at it",
    () =>
      Effect.gen(function* () {
        const store = makeMemoryStore();
        const hang = yield* Deferred.make<void>();
        let [atWork, peak, done] = [0, 0, 0];
        const look: ProberShape["look"] = ({ host }) =>
          Effect.gen(function* () {
            peak = Math.max(peak, (atWork += 1));
            yield* host === "h0" ? Deferred.await(hang) : Effect.yieldNow;
            atWork -= 1;
            done += 1;
            if (done === 39) yield* Deferred.succeed(hang, undefined);
            return lookOf(host);
          });
        yield* run(store, look, numbered(40), 4);
        assert.strictEqual(peak, 4);
        assert.strictEqual((yield* sighted(store)).length, 40);
      }),
  );

  it.effect("interrupted, it has recorded what had ended", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      const others = yield* Deferred.make<void>();
      let done = 0;
      const look: ProberShape["look"] = ({ host }) =>
        host === "h9"
          ? Effect.never
          : Effect.tap(Effect.succeed(lookOf(host)), () => {
              done += 1;
              return done === 9 ? Deferred.succeed(others, undefined) : Effect.void;
            });
      const fiber = yield* Effect.forkChild(run(store, look, numbered(10)));
      yield* Deferred.await(others);
      yield* Fiber.interrupt(fiber);
      assert.deepStrictEqual(yield* sighted(store), numbered(9));
    }),
  );

  it.effect("gathers what ends together into few transactions", () =>
    Effect.gen(function* () {
      const memory = makeMemoryStore();
      let commits = 0;
      const store: StoreShape = {
        ...memory,
        commit: (batch) => {
          commits += 1;
          return Effect.andThen(Effect.yieldNow, memory.commit(batch));
        },
      };
      yield* run(store, ({ host }) => Effect.succeed(lookOf(host)), numbered(640));
      assert.strictEqual((yield* sighted(memory)).length, 640);
      assert.isAtMost(commits, 2 * 2 * (640 / 64));
    }),
  );

  it.effect("two at once lose no look of the same host", () =>
    Effect.gen(function* () {
      const memory = makeMemoryStore();
      const slow: StoreShape = {
        ...memory,
        commit: (batch) => Effect.andThen(Effect.yieldNow, memory.commit(batch)),
      };
      const at =
        (second: number): ProberShape["look"] =>
        ({ host }) =>
          Effect.succeed({
            ...lookOf(host),
            observation: { host, at: `2026-05-01T12:00:0${second}.000Z`, contact: answered },
          });
      yield* Effect.all(
        [1, 2, 3].map((second) => run(slow, at(second), ["a", "b"])),
        {
          concurrency: 3,
        },
      );
      for (const host of ["a", "b"]) {
        const record = yield* memory.record(historyOwner, `History/${host}`);
        assert.strictEqual(record?._tag === "History" && record.looks.length, 3);
      }
    }),
  );

  it.effect("writes a look again whose commit got no answer, and it stands there once", () =>
    Effect.gen(function* () {
      for (const isHeard of [true, false]) {
        const memory = makeMemoryStore();
        const lost = new StoreError({ reason: "Unanswered", place: "x", message: "no answer" });
        let left = 2;
        const store: StoreShape = {
          ...memory,
          commit: (batch) =>
            Effect.suspend(() => {
              left -= 1;
              if (left < 0) return memory.commit(batch);
              const failed = Effect.fail(lost);
              return isHeard ? Effect.andThen(memory.commit(batch), failed) : failed;
            }),
        };
        yield* run(store, ({ host }) => Effect.succeed(lookOf(host)), ["a"]);
        assert.deepStrictEqual(yield* sighted(memory), ["a"]);
        const record = yield* memory.record(historyOwner, "History/a");
        assert.lengthOf(record?._tag === "History" ? record.looks : [], 1);
      }
    }),
  );

  it.effect("fails when the store does", () =>
    Effect.gen(function* () {
      const full = new StoreError({ reason: "Unavailable", place: "x", message: "disk full" });
      const store = { ...makeMemoryStore(), commit: () => Effect.fail(full) };
      const error = yield* Effect.flip(
        run(store, ({ host }) => Effect.succeed(lookOf(host)), ["a", "b"]),
      );
      assert.strictEqual(error, full);
    }),
  );
});
