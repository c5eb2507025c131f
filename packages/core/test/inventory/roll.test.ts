import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import {
  addSeeds,
  assign,
  type Decision,
  deletePopulation,
  discover,
  expectRole,
  inventoryOwner,
  label,
  putPopulation,
  removeSeeds,
  type Roll,
  rollOf,
  setDisabled,
  type Word,
} from "../../src/inventory/roll.ts";
import { makeMemoryStore } from "../../src/store/memory.ts";
import type { StoreShape } from "../../src/store/store.ts";
import type { Keeper } from "../../src/words/host.ts";

const word = (given: Partial<Word> = {}): Word => ({
  actor: { verified: "uid 1000", claimed: "ann" },
  keeper: { by: "cli" },
  at: "2026-05-01T12:00:00.000Z",
  reason: null,
  ...given,
});

const git: Keeper = { by: "git", place: "hosts/talos.yaml" };
const talos = {
  name: "talos",
  expectedRole: "gecko_t_linux_talos",
  targetQuery: null,
  description: null,
  workers: null,
};

const rollIn = (store: StoreShape) => Effect.map(store.load(inventoryOwner), rollOf);

/** Decides on the roll as it is, and writes what was decided; answers what it changed. */
const say = (store: StoreShape, decide: (roll: Roll) => Decision) =>
  Effect.gen(function* () {
    const decision = decide(yield* rollIn(store));
    if ("refused" in decision) return decision.refused;
    yield* store.commit(decision.decided.batch);
    return decision.decided.changed;
  });

/** Seeds `names`, discovered, and the population `talos`. */
const makeRoll = (...names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const store = makeMemoryStore();
    const addresses = names.map((host) => ({ host }));
    yield* say(store, (roll) => addSeeds(roll, addresses, word()));
    yield* say(store, (roll) => discover(roll, names, word()));
    yield* say(store, (roll) => putPopulation(roll, talos, "create", word()));
    return store;
  });

const refusalOf = (decision: Decision): string => {
  if ("decided" in decision) return assert.fail(`decided: ${decision.decided.changed.join(", ")}`);
  const { reason, remedy } = decision.refused;
  return `${reason.code}: ${reason.text}; ${remedy}`;
};

describe("the roll", () => {
  it.effect("a seed becomes a host, and no more: nothing is assigned, nothing expected", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a", "b");
      const { hosts, seeds } = yield* rollIn(store);
      assert.deepStrictEqual([...seeds.keys()], ["a", "b"]);
      assert.deepStrictEqual(hosts.get("a"), {
        address: { host: "a" },
        discoveredAt: "2026-05-01T12:00:00.000Z",
        population: null,
        expectedRole: null,
        disabled: null,
        labels: {},
      });
    }),
  );

  it.effect("said again, nothing is written and nothing audited", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a");
      const head = yield* store.auditHead;
      const later = word({ at: "2026-05-02T12:00:00.000Z" });
      assert.deepStrictEqual(
        yield* say(store, (roll) => addSeeds(roll, [{ host: "a" }], later)),
        [],
      );
      assert.deepStrictEqual(yield* say(store, (roll) => discover(roll, ["a"], later)), []);
      assert.deepStrictEqual(
        yield* say(store, (roll) => putPopulation(roll, talos, "edit", later)),
        [],
      );
      assert.deepStrictEqual(yield* store.auditHead, head);
    }),
  );

  it.effect("a host outlives its seed, and keeps what people said of it when that comes back", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a");
      yield* say(store, (roll) => assign(roll, ["a"], "talos", word()));
      yield* say(store, (roll) => removeSeeds(roll, ["a"], word()));
      assert.strictEqual((yield* rollIn(store)).seeds.size, 0);
      yield* say(store, (roll) => addSeeds(roll, [{ host: "a", port: 2222 }], word()));
      yield* say(store, (roll) => discover(roll, ["a"], word()));
      const host = (yield* rollIn(store)).hosts.get("a")!;
      assert.strictEqual(host.population, "talos");
      assert.deepStrictEqual(host.address, { host: "a", port: 2222 });
    }),
  );

  it.effect("an assignment brings the population's role; one without a role leaves it", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a", "b");
      const plain = { ...talos, name: "plain", expectedRole: null };
      yield* say(store, (roll) => putPopulation(roll, plain, "create", word()));
      yield* say(store, (roll) => assign(roll, ["a", "b"], "talos", word()));
      yield* say(store, (roll) => assign(roll, ["a"], "plain", word()));
      const { hosts } = yield* rollIn(store);
      assert.deepStrictEqual(
        [...hosts.values()].map(({ population, expectedRole }) => [population, expectedRole]),
        [
          ["plain", "gecko_t_linux_talos"],
          ["talos", "gecko_t_linux_talos"],
        ],
      );
      yield* say(store, (roll) => expectRole(roll, ["a"], null, word()));
      yield* say(store, (roll) => expectRole(roll, ["b"], "other", word()));
      const { hosts: after } = yield* rollIn(store);
      assert.strictEqual(after.get("a")!.expectedRole, null);
      assert.strictEqual(after.get("b")!.expectedRole, "other");
    }),
  );

  it.effect("each word is audited with its actor, its hosts and its own approval", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a", "b");
      const { seq } = yield* store.auditHead;
      yield* say(store, (roll) => assign(roll, ["b", "a"], "talos", word({ reason: "new pool" })));
      const entries = yield* store.auditEntries(seq, 10);
      assert.strictEqual(entries.length, 1);
      const { action, targets, actor, approval, parameters, reason } = entries[0]!;
      assert.deepStrictEqual(
        { action, targets, actor, approval, parameters, reason },
        {
          action: "assign population",
          targets: ["a", "b"],
          actor: { verified: "uid 1000", claimed: "ann" },
          approval: { mode: "self", by: "uid 1000", digest: null },
          parameters: { population: "talos" },
          reason: { code: "PersonAsked", text: "new pool" },
        },
      );
    }),
  );

  it.effect("of two who decided on the same roll only one is heard, and the other is told", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a");
      const roll = yield* rollIn(store);
      const batches = [
        assign(roll, ["a"], "talos", word()),
        setDisabled(roll, ["a"], true, word({ reason: "broken" })),
      ].map((decision) =>
        "decided" in decision ? decision.decided.batch : assert.fail("refused"),
      );
      yield* store.commit(batches[0]!);
      const error = yield* Effect.flip(store.commit(batches[1]!));
      assert.strictEqual(error.reason, "Moved");
      const host = (yield* rollIn(store)).hosts.get("a")!;
      assert.deepStrictEqual([host.population, host.disabled], ["talos", null]);
    }),
  );

  it.effect("two who add the same seed with different ports: the second looks again", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      const empty = yield* rollIn(store);
      const batches = [22, 23].map((port) => {
        const decision = addSeeds(empty, [{ host: "a", port }], word());
        return "decided" in decision ? decision.decided.batch : assert.fail("refused");
      });
      yield* store.commit(batches[0]!);
      assert.strictEqual((yield* Effect.flip(store.commit(batches[1]!))).reason, "Moved");
    }),
  );

  it.effect("a host has the labels that it was given, without those that were taken", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a", "b");
      const set = (labels: Readonly<Record<string, string | null>>) =>
        say(store, (roll) => label(roll, ["a"], new Map(Object.entries(labels)), word()));
      assert.deepStrictEqual(yield* set({ rack: "3", row: "b", site: "x" }), ["a"]);
      assert.deepStrictEqual(yield* set({ rack: "4", row: null, none: null }), ["a"]);
      assert.deepStrictEqual(yield* set({ rack: "4", row: null }), []);
      const { hosts } = yield* rollIn(store);
      assert.deepStrictEqual(hosts.get("a")!.labels, { rack: "4", site: "x" });
      assert.deepStrictEqual(hosts.get("b")!.labels, {});
      const entries = yield* store.auditEntries(0, 100);
      assert.deepStrictEqual(
        entries
          .filter(({ action }) => action === "label")
          .map(({ targets, parameters }) => ({ targets, parameters })),
        [
          { targets: ["a"], parameters: { labels: { rack: "3", row: "b", site: "x" } } },
          { targets: ["a"], parameters: { labels: { rack: "4", row: null, none: null } } },
        ],
      );
    }),
  );

  it.effect("a host is disabled with a reason and by a name, and enabled again", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a");
      const roll = yield* rollIn(store);
      assert.strictEqual(
        refusalOf(setDisabled(roll, ["a"], true, word({ reason: "  " }))),
        "NoReason: there is no reason; say why with --reason",
      );
      yield* say(store, (now) => setDisabled(now, ["a"], true, word({ reason: "disk" })));
      assert.deepStrictEqual((yield* rollIn(store)).hosts.get("a")!.disabled, {
        reason: "disk",
        by: "uid 1000",
        at: "2026-05-01T12:00:00.000Z",
      });
      const later = word({ reason: "disk", at: "2026-05-02T12:00:00.000Z" });
      assert.deepStrictEqual(yield* say(store, (now) => setDisabled(now, ["a"], true, later)), []);
      const other = { ...later, reason: "fan" };
      assert.deepStrictEqual(yield* say(store, (now) => setDisabled(now, ["a"], true, other)), [
        "a",
      ]);
      yield* say(store, (now) => setDisabled(now, ["a"], false, word({ reason: "new disk" })));
      assert.strictEqual((yield* rollIn(store)).hosts.get("a")!.disabled, null);
    }),
  );

  it.effect("what is said once more, later, changes nothing", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a");
      const at = "2026-05-01T13:00:00.000Z";
      yield* say(store, (now) => setDisabled(now, ["a"], true, word({ reason: "disk" })));
      const before = yield* store.load(inventoryOwner);
      const again: ReadonlyArray<(roll: Roll) => Decision> = [
        (roll) => addSeeds(roll, [{ host: "a" }], word({ at })),
        (roll) => discover(roll, ["a"], word({ at })),
        (roll) => putPopulation(roll, talos, "create", word({ at })),
        (roll) => setDisabled(roll, ["a"], true, word({ at, reason: " disk" })),
      ];
      for (const decide of again) assert.deepStrictEqual(yield* say(store, decide), []);
      assert.deepStrictEqual(yield* store.load(inventoryOwner), before);
      // Another reason is another word.
      const other = word({ at, reason: "fan" });
      assert.deepStrictEqual(yield* say(store, (roll) => setDisabled(roll, ["a"], true, other)), [
        "a",
      ]);
    }),
  );

  it.effect("refuses what it does not know, and says what was meant", () =>
    Effect.gen(function* () {
      const roll = yield* rollIn(yield* makeRoll("t-linux-001"));
      assert.deepStrictEqual(
        [
          assign(roll, ["t-linux-01"], "talos", word()),
          assign(roll, ["t-linux-001"], "talso", word()),
          expectRole(roll, ["nowhere-near"], "x", word()),
          removeSeeds(roll, ["b\u{1B}"], word()),
          putPopulation(roll, { ...talos, name: "perf" }, "edit", word()),
          putPopulation(roll, { ...talos, expectedRole: null }, "create", word()),
        ].map(refusalOf),
        [
          'Unknown: there is no host "t-linux-01"; did you mean "t-linux-001"?',
          'Unknown: there is no population "talso"; did you mean "talos"?',
          'Unknown: there is no host "nowhere-near"; list them with: host list',
          'Unknown: there is no seed "b\\u{1b}"; list them with: inventory seed list',
          'Unknown: there is no population "perf"; list them with: population list',
          'Exists: the population "talos" is there already; change it with: population edit talos',
        ],
      );
    }),
  );

  it.effect("a population goes only when no host is assigned to it", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a");
      yield* say(store, (roll) => assign(roll, ["a"], "talos", word()));
      assert.strictEqual(
        refusalOf(deletePopulation(yield* rollIn(store), "talos", word())),
        'InUse: hosts that are assigned to the population "talos": 1; assign them to another population first',
      );
      const plain = { ...talos, name: "plain" };
      yield* say(store, (roll) => putPopulation(roll, plain, "create", word()));
      yield* say(store, (roll) => assign(roll, ["a"], "plain", word()));
      yield* say(store, (roll) => deletePopulation(roll, "talos", word()));
      assert.deepStrictEqual([...(yield* rollIn(store)).populations.keys()], ["plain"]);
    }),
  );

  it.effect("what git keeps the command line does not change, and the other way round", () =>
    Effect.gen(function* () {
      const store = yield* makeRoll("a");
      const inGit = word({ keeper: git });
      yield* say(store, (roll) => addSeeds(roll, [{ host: "g" }], inGit));
      const roll = yield* rollIn(store);
      const refusals = [
        addSeeds(roll, [{ host: "g", port: 1 }], word()),
        removeSeeds(roll, ["g"], word()),
        putPopulation(roll, { ...talos, description: "ours" }, "edit", inGit),
        deletePopulation(roll, "talos", inGit),
      ].map(refusalOf);
      assert.deepStrictEqual(refusals, [
        'KeptElsewhere: "g" is kept by the document "hosts/talos.yaml"; change it there',
        'KeptElsewhere: "g" is kept by the document "hosts/talos.yaml"; change it there',
        'KeptElsewhere: "talos" is kept by the command line; remove it there first',
        'KeptElsewhere: "talos" is kept by the command line; remove it there first',
      ]);
    }),
  );
});
