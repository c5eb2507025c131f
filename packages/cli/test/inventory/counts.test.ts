// What the inventory costs, counted: transactions and reads for each look, and what one host and a filter read of many.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Store, type StoreShape } from "@muster/core";
import { defaultDriftThresholds } from "@muster/core/inventory/drift";
import { hostFields } from "@muster/core/query/host-fields";
import { parseQuery } from "@muster/core/query/parse";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { HostView } from "@muster/core/inventory/host-row";
import { Prober, refresh } from "@muster/core/inventory/refresh";
import { dice, sampleNow } from "@muster/testkit/query/random";
import { randomHost } from "@muster/testkit/query/random-host";
import * as Result from "effect/Result";
import { chooseHosts } from "../../src/inventory/select.ts";
import { defaultWiring } from "../../src/wiring.ts";
import { inWorld, type World } from "../world.ts";

interface Counts {
  commits: number;
  /** Shares of the store that were read as a whole, and the records in them. */
  loads: number;
  loaded: number;
  /** Records that were read one by one. */
  reads: number;
}

const none = (): Counts => ({ commits: 0, loads: 0, loaded: 0, reads: 0 });

const counted = (store: StoreShape, counts: Counts): StoreShape => ({
  ...store,
  commit: (batch) =>
    Effect.suspend(() => {
      counts.commits += 1;
      return store.commit(batch);
    }),
  load: (owner) =>
    Effect.tap(store.load(owner), (records) =>
      Effect.sync(() => {
        counts.loads += 1;
        counts.loaded += records.length;
      }),
    ),
  record: (owner, key) =>
    Effect.suspend(() => {
      counts.reads += 1;
      return store.record(owner, key);
    }),
});

const answered = { reason: null, step: null, message: null };

const prober = Layer.succeed(Prober, {
  look: ({ host }) =>
    // As many end in one turn of the event loop as would when answers come over a network.
    Effect.as(Effect.yieldNow, {
      observation: {
        host,
        at: "2026-05-01T12:00:00.000Z",
        contact: answered,
        facts: { role: "r", os: "Linux", overrideSha: null },
      },
      override: null,
    }),
});

const addresses = Array.from({ length: 1_000 }, (_, place) => ({ host: `host-${place}` }));

describe("a thousand looks", () => {
  it.effect("are written by few transactions, and two reads for each", () =>
    Effect.gen(function* () {
      const counts = none();
      const store = counted(makeMemoryStore(), counts);
      for (const round of [1, 2]) {
        Object.assign(counts, none());
        const seen = yield* refresh(addresses, { scope: "full", concurrency: 64 }).pipe(
          Effect.provideService(Store, store),
          Effect.provide(prober),
        );
        assert.strictEqual(seen.answered, 1_000);
        assert.strictEqual(counts.reads, 2_000, `round ${round}`);
        assert.strictEqual(counts.loads, 0);
        // Of 64 at a time each transaction takes most: 16 full ones would be 32 of both shares.
        assert.isAtMost(counts.commits, 70, `round ${round}`);
      }
    }),
  );
});

/** Seeds so many hosts, looked at once. */
const begin = async (world: World, hosts: number): Promise<void> => {
  const names = addresses.slice(0, hosts).map(({ host }) => host);
  await world.inside(["inventory", "seed", "add", ...names]);
  await world.inside(["inventory", "refresh"], { wiring: { prober: () => prober } });
};

const countsOf = async (world: World, words: ReadonlyArray<string>): Promise<Counts> => {
  const counts = none();
  const { code } = await world.inside(words, {
    wiring: {
      openStore: (place, access) =>
        Effect.map(defaultWiring.openStore(place, access), (store) => counted(store, counts)),
    },
  });
  assert.strictEqual(code, 0, words.join(" "));
  return counts;
};

describe("of many hosts", () => {
  it(
    "one is shown by its own records alone, and all are listed by one reading of each share",
    inWorld(async (world) => {
      await begin(world, 200);
      await world.inside(["population", "create", "p"]);
      await world.inside(["host", "assign-population", "host-7", "--population", "p"]);
      // The host, what was seen of it, its population.
      assert.deepStrictEqual(await countsOf(world, ["host", "show", "host-7"]), {
        ...none(),
        reads: 3,
      });
      // The host, and the looks at it.
      assert.deepStrictEqual(await countsOf(world, ["host", "history", "host-7"]), {
        ...none(),
        reads: 2,
      });
      // Seeds, hosts and the population; sightings.
      assert.deepStrictEqual(await countsOf(world, ["host", "list"]), {
        ...none(),
        loads: 2,
        loaded: 200 + 200 + 1 + 200,
      });
    }),
  );

  it("each is asked once for what a query says of it, also where it sorts", () => {
    const roll = dice(1);
    let asked = 0;
    const views = Array.from({ length: 500 }, (): HostView => {
      const { drift, ...view } = randomHost(roll);
      return {
        ...view,
        get drift() {
          asked += 1;
          return drift;
        },
      };
    });
    const query = Result.getOrThrow(
      parseQuery("(drift:null OR role:* OR role:null) sort:last_seen:desc,host", hostFields),
    );
    const ground = { thresholds: defaultDriftThresholds, now: sampleNow };
    const found = chooseHosts(views, query, ground);
    assert.isAbove(found.length, 100);
    assert.strictEqual(asked, 500);
  });
});
