import { assert, describe, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import {
  defaultRefreshPace,
  dueScope,
  type RefreshPace,
  waveWait,
} from "../../src/inventory/due.ts";
import { historyOwner, sightingsOwner } from "../../src/inventory/history.ts";
import { type LookScope, Prober, refresh } from "../../src/inventory/refresh.ts";
import { addSeeds, inventoryOwner, rollOf, type Word } from "../../src/inventory/roll.ts";
import { neverSeen } from "../../src/inventory/sighting.ts";
import { watchHosts, type Wave } from "../../src/inventory/watch.ts";
import { makeMemoryStore } from "../../src/store/memory.ts";
import { Store, StoreError, type StoreShape } from "../../src/store/store.ts";
import type { Sighting } from "../../src/words/host.ts";

const actor = { verified: "runner (uid 990)", claimed: "runner@test" };
const word: Word = {
  actor,
  keeper: { by: "cli" },
  at: "1970-01-01T00:00:00.000Z",
  reason: null,
};

const minute = 60_000;
const hour = 60 * minute;
const at = (millis: number): string => new Date(millis).toISOString();

const seen = (contactAt: number | null, factsAt: number | null): Sighting => ({
  ...neverSeen("t-1"),
  ...(contactAt === null
    ? {}
    : { contact: { value: { reason: null, step: null, message: null }, at: at(contactAt) } }),
  ...(factsAt === null ? {} : { os: { value: "Linux", at: at(factsAt) } }),
});

describe("which hosts are due", () => {
  const now = 10 * hour;
  const due = (sighting: Sighting | undefined) => dueScope(sighting, defaultRefreshPace, now);

  it("a host that was never seen, or never answered, is asked for all", () => {
    assert.strictEqual(due(undefined), "full");
    assert.strictEqual(due(neverSeen("t-1")), "full");
    assert.strictEqual(due(seen(now - 5 * minute, null)), "full");
  });

  it("the wave nearest to the hour asks for all, the others only for an answer", () => {
    assert.strictEqual(due(seen(now - 5 * minute, now - 57 * minute)), "fast");
    assert.strictEqual(due(seen(now - 5 * minute, now - 58 * minute)), "full");
    assert.strictEqual(due(seen(now - 5 * minute, now - 5 * minute)), "fast");
  });

  it("what somebody else looked at a moment ago is left", () => {
    assert.isNull(due(seen(now - 2 * minute, now - 2 * hour)));
    assert.isNull(due(seen(now - 2 * minute, null)));
    assert.strictEqual(due(seen(now - 3 * minute, now - 3 * minute)), "fast");
  });

  it("asks for all in each wave where that is as often", () => {
    const pace = { fastMillis: 5 * minute, fullMillis: minute };
    assert.strictEqual(dueScope(seen(now - 5 * minute, now - 5 * minute), pace, now), "full");
  });

  it("waves are spread by a tenth, and never follow each other at once", () => {
    assert.strictEqual(waveWait(defaultRefreshPace, 0, 0), 270_000);
    assert.strictEqual(waveWait(defaultRefreshPace, 0, 1), 330_000);
    assert.strictEqual(waveWait(defaultRefreshPace, 100_000, 0.5), 200_000);
    assert.strictEqual(waveWait(defaultRefreshPace, hour, 0.5), 1_000);
  });
});

const fixture = (
  options: {
    readonly silent?: ReadonlySet<string>;
    readonly pace?: () => RefreshPace | null;
    readonly decorate?: (store: StoreShape) => StoreShape;
  } = {},
) =>
  Effect.gen(function* () {
    const memory = makeMemoryStore();
    const seeds = ["t-1", "t-2", "t-3"].map((host) => ({ host }));
    const added = addSeeds(rollOf([]), seeds, word);
    assert.isTrue("decided" in added);
    if ("decided" in added) yield* memory.commit(added.decided.batch);
    const looks: Array<{ readonly host: string; readonly scope: LookScope; readonly at: number }> =
      [];
    const prober = Prober.of({
      look: ({ host }, scope) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis;
          looks.push({ host, scope, at: now });
          const isSilent = options.silent?.has(host) ?? false;
          return {
            observation: {
              host,
              at: at(now),
              contact: isSilent
                ? { reason: "refused", step: "tcp", message: "refused" }
                : { reason: null, step: null, message: null },
              ...(isSilent || scope === "fast" ? {} : { facts: { os: "Linux" } }),
            },
            override: null,
          };
        }),
    });
    const waves: Array<Wave> = [];
    const troubles: Array<StoreError> = [];
    const store = options.decorate?.(memory) ?? memory;
    const watching = yield* Effect.forkChild(
      watchHosts({
        pace: Effect.sync(() => (options.pace ?? (() => defaultRefreshPace))()),
        actor,
        onWave: (wave) => Effect.sync(() => void waves.push(wave)),
        onTrouble: (error) => Effect.sync(() => void troubles.push(error)),
      }).pipe(Effect.provideService(Store, store), Effect.provideService(Prober, prober)),
    );
    return { memory, looks, waves, troubles, watching, prober };
  });

const scopesOf = (
  looks: ReadonlyArray<{ readonly host: string; readonly scope: LookScope }>,
  host: string,
) => looks.filter((look) => look.host === host).map(({ scope }) => scope);

describe("the watch over the hosts", () => {
  it.effect("asks for all at first, for an answer every five minutes, for all every hour", () =>
    Effect.gen(function* () {
      const { memory, looks, waves, troubles } = yield* fixture();
      for (let step = 0; step < 126; step += 1) yield* TestClock.adjust("1 minute");
      const scopes = scopesOf(looks, "t-1");
      assert.deepStrictEqual(scopesOf(looks, "t-2"), scopes);
      assert.strictEqual(scopes[0], "full");
      const full = scopes.flatMap((scope, index) => (scope === "full" ? [index] : []));
      assert.strictEqual(full.length, 3, scopes.join(" "));
      const times = looks.filter(({ host }) => host === "t-1").map((look) => look.at);
      for (const [index, time] of times.slice(1).entries()) {
        assert.isAtLeast(time - times[index]!, 270_000);
        assert.isAtMost(time - times[index]!, 330_000);
      }
      for (const [index, place] of full.slice(1).entries()) {
        const between = times[place]! - times[full[index]!]!;
        assert.isAtLeast(between, 57 * minute);
        assert.isAtMost(between, 64 * minute);
      }
      assert.strictEqual(waves.length, times.length);
      assert.deepStrictEqual(troubles, []);
      // Seeds became hosts once, and looking is audited nowhere.
      assert.strictEqual(rollOf(yield* memory.load(inventoryOwner)).hosts.size, 3);
      assert.strictEqual((yield* memory.auditHead).seq, 2);
      assert.strictEqual((yield* memory.load(sightingsOwner)).length, 3);
      assert.isAbove((yield* memory.load(historyOwner)).length, 0);
    }),
  );

  it.effect(
    "asks a host that does not answer for all each time, so that it is known once it is back",
    () =>
      Effect.gen(function* () {
        const silent = new Set(["t-2"]);
        const { looks, waves } = yield* fixture({ silent });
        for (let step = 0; step < 30; step += 1) yield* TestClock.adjust("1 minute");
        assert.deepStrictEqual([...new Set(scopesOf(looks, "t-2"))], ["full"]);
        assert.deepStrictEqual([...new Set(scopesOf(looks, "t-1").slice(1))], ["fast"]);
        assert.strictEqual(waves.at(-1)!.full!.silent.get("refused"), 1);
        assert.strictEqual(waves.at(-1)!.fast!.answered, 2);
      }),
  );

  it.effect("leaves what a person looked at just before a wave", () =>
    Effect.gen(function* () {
      const { memory, looks, prober } = yield* fixture();
      yield* TestClock.adjust("4 minutes");
      const before = looks.length;
      yield* refresh([{ host: "t-1" }], { scope: "fast" }).pipe(
        Effect.provideService(Store, memory),
        Effect.provideService(Prober, prober),
      );
      yield* TestClock.adjust("2 minutes");
      const after = looks.slice(before + 1).map(({ host }) => host);
      assert.deepStrictEqual(after.toSorted(), ["t-2", "t-3"]);
    }),
  );

  it.effect("looks at nobody while nobody asks for it, and begins when somebody does", () =>
    Effect.gen(function* () {
      let pace: RefreshPace | null = null;
      const { looks } = yield* fixture({ pace: () => pace });
      yield* TestClock.adjust("1 hour");
      assert.deepStrictEqual(looks, []);
      pace = { fastMillis: minute, fullMillis: hour };
      yield* TestClock.adjust("31 seconds");
      assert.strictEqual(looks.length, 3);
      pace = null;
      yield* TestClock.adjust("1 hour");
      assert.strictEqual(looks.length, 3);
    }),
  );

  it.effect("tells a store that fails, and goes on with the next wave", () =>
    Effect.gen(function* () {
      let isDown = true;
      const { looks, troubles, waves } = yield* fixture({
        decorate: (store) => ({
          ...store,
          load: (owner) =>
            isDown
              ? Effect.fail(
                  new StoreError({ reason: "Unavailable", place: "here", message: "it is down" }),
                )
              : store.load(owner),
        }),
      });
      yield* TestClock.adjust("12 minutes");
      assert.deepStrictEqual([looks.length, waves.length], [0, 0]);
      assert.isAtLeast(troubles.length, 2);
      isDown = false;
      yield* TestClock.adjust("6 minutes");
      assert.strictEqual(looks.length, 3);
    }),
  );

  it.effect("keeps what was seen when it is interrupted in the middle", () =>
    Effect.gen(function* () {
      const { memory, watching } = yield* fixture();
      yield* TestClock.adjust("31 seconds");
      yield* Fiber.interrupt(watching);
      assert.strictEqual((yield* memory.load(sightingsOwner)).length, 3);
    }),
  );
});
