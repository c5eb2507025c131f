import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { makePopulationHandler } from "@muster/core/inventory/population/handler";
import { PopulationKind } from "@muster/core/inventory/population/kind";
import {
  addSeeds,
  assign,
  type Decision,
  discover,
  inventoryOwner,
  putPopulation,
  type Roll,
  rollOf,
  type Word,
} from "@muster/core/inventory/roll";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import { effectiveChanges } from "@muster/core/words/plan";
import type { CreateRequest } from "@muster/core/words/provider";
import { crashingStore, decorateHandler, makeCrashPoints } from "../../src/store/crash.ts";
import { journalledMemory } from "../../src/store/journalled-memory.ts";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { fakeTurn, type TurnOptions } from "../../src/fleet/turn.ts";
import { chainFault } from "../../src/fleet/witness.ts";

const actor = { verified: "runner (uid 990)", claimed: "runner@test" };
const byHand: Word = {
  actor: { verified: "ann (uid 1000)", claimed: "ann@test" },
  keeper: { by: "cli" },
  at: "1970-01-01T00:00:00.000Z",
  reason: null,
};

/** As at night; else every fourth. */
const everyPoint = process.env["MUSTER_EVERY_POINT"] === "1";

interface Spec {
  readonly expectedRole?: string;
  readonly description?: string;
  readonly seeds?: ReadonlyArray<string>;
}

/** The documents of one commit, by the name of the population. */
type Documents = Readonly<Record<string, Spec>>;

const sourcesOf = (documents: Documents) => [
  {
    file: "hosts.json",
    text: JSON.stringify(
      Object.entries(documents).map(([name, spec]) => ({
        apiVersion: "fleet.v1",
        kind: "Population",
        metadata: { name },
        spec,
      })),
    ),
  },
];

interface Place {
  /** What the runner remembers. */
  readonly store: StoreShape;
  readonly inventory: StoreShape;
}

const makePlace = (): Place => ({ store: makeMemoryStore(), inventory: makeMemoryStore() });

const handlerOf = (inventory: StoreShape) =>
  makePopulationHandler({ reader: inventory, writer: Effect.succeed(inventory) }, actor);

const turn = (place: Place, documents: Documents, options: Partial<TurnOptions> = {}) => {
  const handler = options.handler ?? handlerOf(place.inventory);
  return fakeTurn({
    cloud: makeFakeCloud(),
    store: place.store,
    documents: [],
    ...options,
    input: {
      kinds: [PopulationKind],
      sources: sourcesOf(documents),
      handlers: () => Effect.succeed(handler),
    },
  });
};

const rollIn = (store: StoreShape) => Effect.map(store.load(inventoryOwner), rollOf);

const say = (store: StoreShape, decide: (roll: Roll) => Decision) =>
  Effect.gen(function* () {
    const decision = decide(yield* rollIn(store));
    if ("refused" in decision) return decision.refused.reason.text;
    yield* store.commit(decision.decided.batch);
    return null;
  });

const talos: Spec = { expectedRole: "talos", seeds: ["t-1.test", "ann@t-2.test:2222"] };

const assertQuiet = (place: Place, documents: Documents) =>
  Effect.gen(function* () {
    const { statuses, outcomes, left } = yield* turn(place, documents);
    assert.deepStrictEqual(outcomes, []);
    assert.deepStrictEqual(left.flatMap(effectiveChanges), []);
    for (const { metadata, conditions } of statuses) {
      if (!(metadata.name in documents)) continue;
      const ready = conditions.find(({ type }) => type === "Ready");
      assert.strictEqual(ready?.status, "True", ready?.message);
    }
  });

describe("populations in the config repository", () => {
  it.effect("a document makes a population with its seeds, and assigns nothing", () =>
    Effect.gen(function* () {
      const place = makePlace();
      yield* say(place.inventory, (roll) => addSeeds(roll, [{ host: "t-0.test" }], byHand));
      yield* say(place.inventory, (roll) => discover(roll, ["t-0.test"], byHand));
      yield* turn(place, { talos });
      const { populations, seeds, hosts } = yield* rollIn(place.inventory);
      const { expectedRole, keeper } = populations.get("talos")!;
      assert.strictEqual(expectedRole, "talos");
      assert.deepStrictEqual(keeper, { by: "git", place: "Population/talos of us" });
      assert.deepStrictEqual([...seeds.keys()].toSorted(), ["t-0.test", "t-1.test", "t-2.test"]);
      assert.deepStrictEqual(seeds.get("t-2.test")!.address, {
        host: "t-2.test",
        user: "ann",
        port: 2222,
      });
      assert.strictEqual(hosts.get("t-0.test")!.population, null);
      yield* assertQuiet(place, { talos });
    }),
  );

  it.effect("a changed document is written over the record: hosts never belong to nothing", () =>
    Effect.gen(function* () {
      const place = makePlace();
      yield* turn(place, { talos });
      yield* say(place.inventory, (roll) => discover(roll, ["t-1.test"], byHand));
      yield* say(place.inventory, (roll) => assign(roll, ["t-1.test"], "talos", byHand));
      let without = 0;
      const watched: StoreShape = {
        ...place.inventory,
        commit: (batch) =>
          Effect.tap(place.inventory.commit(batch), () =>
            Effect.map(rollIn(place.inventory), ({ populations }) => {
              if (!populations.has("talos")) without += 1;
            }),
          ),
      };
      const now = { talos: { description: "all of them", seeds: ["t-2.test"] } };
      yield* turn(place, now, { handler: handlerOf(watched) });
      const { populations, seeds, hosts } = yield* rollIn(place.inventory);
      assert.strictEqual(without, 0);
      assert.strictEqual(populations.get("talos")!.description, "all of them");
      assert.strictEqual(populations.get("talos")!.expectedRole, null);
      assert.deepStrictEqual([...seeds.keys()], ["t-2.test"]);
      assert.strictEqual(hosts.get("t-1.test")!.population, "talos");
      yield* assertQuiet(place, now);
      yield* turn(place, { talos });
      yield* assertQuiet(place, { talos });
    }),
  );

  it.effect("one that was made by hand waits for adoption, and its seeds for a person", () =>
    Effect.gen(function* () {
      const place = makePlace();
      const { inventory } = place;
      const own = {
        name: "talos",
        expectedRole: "by hand",
        targetQuery: null,
        description: null,
        workers: null,
      };
      yield* say(inventory, (roll) => putPopulation(roll, own, "create", byHand));
      const { left } = yield* turn(place, { talos });
      assert.strictEqual(
        (yield* rollIn(inventory)).populations.get("talos")!.expectedRole,
        "by hand",
      );
      assert.deepStrictEqual(left.flatMap(effectiveChanges), []);
      assert.deepStrictEqual(
        left.flatMap(({ outside }) => outside.map(({ id, why }) => [id, why])),
        [["talos@by hand", "unowned"]],
      );
      yield* place.store.commit({
        owner: "us",
        puts: [
          {
            _tag: "Adoption",
            document: { kind: "Population", name: "talos" },
            id: "talos@by hand",
            set: "population",
            from: null,
            by: "ann",
            reason: "git from now on",
            at: "1970-01-01T00:00:00.000Z",
          },
        ],
      });
      yield* turn(place, { talos });
      yield* turn(place, { talos });
      assert.strictEqual(
        (yield* rollIn(inventory)).populations.get("talos")!.expectedRole,
        "talos",
      );
      yield* assertQuiet(place, { talos });
    }),
  );

  it.effect("a seed that is kept elsewhere stops the document, and names the place", () =>
    Effect.gen(function* () {
      const place = makePlace();
      yield* say(place.inventory, (roll) => addSeeds(roll, [{ host: "t-1.test" }], byHand));
      const { left, outcomes } = yield* turn(place, { talos, other: { seeds: ["t-9.test"] } });
      assert.deepStrictEqual(
        outcomes.map(({ document, result }) => [document.name, result]),
        [["other", "done"]],
      );
      const [refusal] = left.flatMap(({ refusals }) => refusals);
      assert.match(refusal!.reason.text, /"t-1\.test" is kept by the command line/u);
      assert.match(refusal!.remedy, /muster inventory seed remove t-1\.test/u);
      assert.isFalse((yield* rollIn(place.inventory)).populations.has("talos"));
      // The other way round: the command line does not change what a document keeps.
      const said = yield* say(place.inventory, (roll) =>
        addSeeds(roll, [{ host: "t-9.test", port: 22 }], byHand),
      );
      assert.match(said ?? "", /"t-9\.test" is kept by the document .*Population\/other of us/u);
    }),
  );

  it.effect("two environments with a population of one name do not fight over it", () =>
    Effect.gen(function* () {
      const place = makePlace();
      yield* turn(place, { talos });
      const before = yield* rollIn(place.inventory);
      const other = { store: makeMemoryStore(), inventory: place.inventory };
      const { left } = yield* turn(other, { talos: { description: "mine" } }, { owner: "them" });
      assert.deepStrictEqual(yield* rollIn(place.inventory), before);
      assert.isAbove(left.flatMap(({ refusals }) => refusals).length, 0);
    }),
  );

  it.effect("a document that vanished leaves its population as it is", () =>
    Effect.gen(function* () {
      const place = makePlace();
      yield* turn(place, { talos });
      const before = yield* rollIn(place.inventory);
      yield* turn(place, {});
      yield* turn(place, {});
      assert.deepStrictEqual(yield* rollIn(place.inventory), before);
    }),
  );

  it.effect("a runner that lost its store goes on with what the records say", () =>
    Effect.gen(function* () {
      const place = makePlace();
      yield* turn(place, { talos });
      const before = yield* rollIn(place.inventory);
      yield* assertQuiet({ store: makeMemoryStore(), inventory: place.inventory }, { talos });
      assert.deepStrictEqual(yield* rollIn(place.inventory), before);
    }),
  );

  it.effect("it is not let go while hosts belong to it, also by one who asked for it", () =>
    Effect.gen(function* () {
      const place = makePlace();
      const { inventory } = place;
      yield* turn(place, { talos });
      yield* say(inventory, (roll) => discover(roll, ["t-1.test"], byHand));
      yield* say(inventory, (roll) => assign(roll, ["t-1.test"], "talos", byHand));
      yield* turn(place, {});
      const document = { kind: "Population", name: "talos" };
      const destruction = {
        _tag: "Destruction" as const,
        document,
        id: "talos@population-1.1",
        by: "ann",
        reason: "not needed",
        at: "1970-01-01T00:00:01.000Z",
      };
      yield* TestClock.adjust("1 minute");
      yield* place.store.commit({ owner: "us", puts: [destruction] });
      const before = yield* rollIn(inventory);
      const { outcomes } = yield* turn(place, {});
      assert.deepStrictEqual(
        outcomes.map(({ result, code, remedy }) => [result, code, remedy]),
        [["failed", "Denied", "assign them to another population first"]],
      );
      assert.deepStrictEqual(yield* rollIn(inventory), before);
    }),
  );

  it.effect("an answer that was lost is asked for again, and writes nothing again", () =>
    Effect.gen(function* () {
      const place = makePlace();
      const handler = handlerOf(place.inventory);
      const asked = {
        ...handler,
        create: (request: CreateRequest) =>
          Effect.andThen(
            handler.create(request),
            Effect.andThen(TestClock.adjust("1 second"), handler.create(request)),
          ),
      };
      yield* turn(place, { talos }, { handler: asked });
      assert.strictEqual((yield* place.inventory.auditHead).seq, 1);
      yield* assertQuiet(place, { talos });
    }),
  );

  it.effect("a runner that was overtaken between its look and its write changes nothing", () =>
    Effect.gen(function* () {
      const place = makePlace();
      yield* turn(place, { talos });
      const handler = handlerOf(place.inventory);
      const ends: Array<string> = [];
      const frozen = {
        ...handler,
        create: (request: CreateRequest) =>
          Effect.gen(function* () {
            // What it plans anew is planned on what then is.
            if (ends.length > 0) return yield* handler.create(request);
            const other = { store: makeMemoryStore(), inventory: place.inventory };
            yield* Effect.orDie(turn(other, { talos: { description: "newer" } }));
            yield* Effect.orDie(turn(other, { talos: { description: "newest" } }));
            const before = yield* Effect.orDie(rollIn(place.inventory));
            const late = yield* Effect.result(handler.create(request));
            ends.push(late._tag === "Failure" ? late.failure.reason : "written");
            assert.deepStrictEqual(yield* Effect.orDie(rollIn(place.inventory)), before);
            return yield* Effect.fromResult(late);
          }),
      };
      const late = { talos: { description: "older" } };
      yield* turn(place, late, { handler: frozen });
      assert.deepStrictEqual(ends, ["Conflict"]);
    }),
  );

  const journey: ReadonlyArray<Documents> = [
    { talos, other: { seeds: ["o-1.test"] } },
    { talos: { ...talos, description: "changed", seeds: ["t-2.test", "t-3.test"] } },
    { talos: { expectedRole: "perf" }, other: { seeds: ["t-3.test"] } },
  ];

  /** Lives through the journey, dies at the point, and has a successor from the step on. */
  const survive = Effect.fnUntraced(function* (at: number | undefined, memory: "same" | "empty") {
    const disk = journalledMemory();
    const rolls = journalledMemory();
    const points = yield* makeCrashPoints(
      at === undefined ? { act: "count" } : { act: "interrupt", at },
    );
    let store = yield* disk.reopen;
    let inventory = yield* rolls.reopen;
    let died = false;
    for (const documents of journey) {
      if (!died) {
        const handler = decorateHandler(handlerOf(crashingStore(inventory, points)), points);
        const place = { store: crashingStore(store, points), inventory };
        const end = yield* points.run(turn(place, documents, { handler }));
        yield* TestClock.adjust("31 seconds");
        if (end._tag === "Ended") continue;
        died = true;
        store = memory === "same" ? yield* disk.reopen : makeMemoryStore();
        inventory = yield* rolls.reopen;
      }
      for (let turns = 0; turns < 4; turns += 1) {
        yield* turn({ store, inventory }, documents);
        yield* TestClock.adjust("11 minutes");
      }
      yield* assertQuiet({ store, inventory }, documents);
    }
    const { populations, seeds } = yield* rollIn(inventory);
    const chain = yield* chainFault(inventory);
    return {
      labels: yield* points.labels,
      roll: {
        chain: chain?.text ?? null,
        seeds: Array.from(seeds.values(), ({ address, keeper }) => [address.host, keeper]),
        populations: Array.from(populations.values(), (one) => ({ ...one, mark: one.mark?.owner })),
      },
    };
  });

  for (const memory of ["same", "empty"] as const) {
    it.effect(`killed anywhere it comes to the same roll, with the ${memory} store`, () =>
      Effect.gen(function* () {
        const undisturbed = yield* survive(undefined, memory);
        assert.isNull(undisturbed.roll.chain);
        assert.isAbove(undisturbed.labels.length, 30);
        assert.deepStrictEqual(
          undisturbed.roll.seeds.map(([host]) => host),
          ["t-3.test"],
        );
        for (const [index, label] of undisturbed.labels.entries()) {
          if (!everyPoint && index % 4 !== (memory === "same" ? 0 : 2)) continue;
          const end = yield* survive(index + 1, memory);
          assert.deepStrictEqual(end.roll, undisturbed.roll, `killed at ${index + 1}, ${label}`);
        }
      }),
    );
  }
});
