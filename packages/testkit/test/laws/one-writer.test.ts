// Law 7: a stale runner commits nothing and changes nothing; stop, take-over, continue.

import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { LeaseError } from "@muster/core/lease/lease";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import type { Handler } from "@muster/core/words/provider";
import { type FakeCloud, makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { makeFreeze } from "../../src/fleet/freeze.ts";
import { whileTimePasses } from "../../src/fleet/passing-time.ts";
import { launchedTwice, living, settleDown } from "../../src/fleet/survival.ts";
import { type FakeDocument, fakeTurn, fleetOf } from "../../src/fleet/turn.ts";
import { chainFault } from "../../src/fleet/witness.ts";
import { crashingStore, decorateHandler } from "../../src/store/crash.ts";

const start = Effect.fnUntraced(function* (count: number) {
  const cloud = makeFakeCloud();
  const store = makeMemoryStore();
  yield* fakeTurn({ cloud, store, documents: [fleetOf(count)] });
  yield* TestClock.adjust("1 minute");
  return { cloud, store };
});

/** Everything that the world and the store hold. */
const everything = Effect.fnUntraced(function* (cloud: FakeCloud, store: StoreShape) {
  return {
    machines: cloud.machines(),
    mutations: cloud.mutations().length,
    records: yield* store.load("us"),
    head: yield* store.auditHead,
    lease: yield* store.lease("us"),
  };
});

/** Takes the lease over as another run would: without asking. */
const takeOver = (store: StoreShape) =>
  Effect.flatMap(store.lease("us"), ({ version }) =>
    store.claimLease({ owner: "us", expected: version, holder: "other", expiresAt: 4e12 }),
  );

interface Freezing {
  readonly before: number;
  readonly stale: ReadonlyArray<FakeDocument>;
  readonly successor: ReadonlyArray<FakeDocument>;
}

/** One run stops at a point, another takes over and ends its work, the first goes on. */
const freezeAt = Effect.fnUntraced(function* (route: Freezing, at: number | undefined) {
  const { cloud, store } = yield* start(route.before);
  const freeze = yield* makeFreeze(at);
  const fiber = yield* Effect.forkChild(
    freeze.run(
      fakeTurn({
        cloud,
        store: crashingStore(store, freeze.points),
        documents: route.stale,
        handler: decorateHandler(cloud.handler, freeze.points),
      }),
    ),
  );
  if (at === undefined) {
    yield* Fiber.await(fiber);
    return { labels: yield* freeze.points.labels, wrong: [], overtaken: false };
  }
  const label = yield* freeze.frozen;
  const held = yield* store.lease("us");
  yield* TestClock.adjust("2 minutes");
  const wrong: Array<string> = [];
  const settled = yield* settleDown(cloud, store, route.successor);
  wrong.push(...settled.faults.map((fault) => `successor: ${fault}`));
  const before = yield* everything(cloud, store);
  // A successor that found nothing to do took nothing over: then the first run is not stale.
  const overtaken = before.lease.version !== held.version;
  yield* freeze.thaw;
  const exit = yield* whileTimePasses(Fiber.await(fiber), "1 second");
  if (!overtaken) return { labels: [label], wrong, overtaken };
  const after = yield* everything(cloud, store);
  for (const key of ["mutations", "machines", "records", "head", "lease"] as const) {
    if (JSON.stringify(before[key]) !== JSON.stringify(after[key])) {
      wrong.push(`the stale run changed the ${key} (it ended in ${exit._tag})`);
    }
  }
  for (const name of launchedTwice(cloud)) wrong.push(`${name} was launched twice`);
  const chain = yield* chainFault(store);
  if (chain !== undefined) wrong.push(chain.text);
  return { labels: [label], wrong, overtaken };
});

const everyPoint = Effect.fnUntraced(function* (
  route: Freezing,
  applies: (label: string) => boolean = () => true,
) {
  const { labels } = yield* freezeAt(route, undefined);
  assert.isAbove(labels.length, 10);
  const wrong: Array<string> = [];
  let overtaken = 0;
  for (const [index, label] of labels.entries()) {
    if (!applies(label)) continue;
    const end = yield* freezeAt(route, index + 1);
    if (end.overtaken) overtaken += 1;
    wrong.push(...end.wrong.map((text) => `point ${index + 1} (${label}): ${text}`));
  }
  assert.deepStrictEqual(wrong.slice(0, 12), []);
  assert.isAbove(overtaken, labels.length / 2);
});

describe("law 7: one writer", () => {
  it.effect("stopped at any point of a launch, overtaken, continued: it changes nothing", () =>
    everyPoint({ before: 1, stale: [fleetOf(3)], successor: [fleetOf(3)] }),
  );

  it.effect("stopped at any point of a removal, overtaken, continued: it changes nothing", () =>
    everyPoint({ before: 3, stale: [fleetOf(1)], successor: [fleetOf(1)] }),
  );

  it.effect("stopped at any point of a rename, overtaken, continued: it changes nothing", () => {
    const renamed = [{ ...fleetOf(2, "place"), previousName: "site" }];
    return everyPoint({ before: 2, stale: renamed, successor: renamed });
  });

  it.effect(
    "overtaken by a run that was asked for something else: it launches and removes nothing more",
    () =>
      // Between the last check and the wire nothing but the write's own condition can help.
      everyPoint(
        { before: 2, stale: [fleetOf(4)], successor: [fleetOf(3)] },
        (label) => label !== "before create" && label !== "before remove",
      ),
  );

  it.effect("overtaken while it removed, by a run that keeps more", () =>
    everyPoint(
      { before: 4, stale: [fleetOf(1)], successor: [fleetOf(3)] },
      (label) => label !== "before create" && label !== "before remove",
    ),
  );

  it.effect(
    "a lease lost in the middle of an apply: no provider write after it, and the turn says so",
    () =>
      Effect.gen(function* () {
        const { cloud, store } = yield* start(1);
        const site = { name: "site", spec: { parallel: 1, groups: [{ name: "web", count: 6 }] } };
        let writesAtLoss = -1;
        const handler: Handler = {
          ...cloud.handler,
          created: (expansion, accepted) =>
            cloud.mutations().length < 3 || writesAtLoss >= 0
              ? cloud.handler.created(expansion, accepted)
              : Effect.gen(function* () {
                  yield* Effect.orDie(takeOver(store));
                  writesAtLoss = cloud.mutations().length;
                  return yield* cloud.handler.created(expansion, accepted);
                }),
        };
        const exit = yield* whileTimePasses(
          Effect.exit(fakeTurn({ cloud, store, documents: [site], handler })),
          "1 second",
        );
        assert.isTrue(Exit.isFailure(exit));
        assert.strictEqual(writesAtLoss, 3);
        assert.strictEqual(cloud.mutations().length, writesAtLoss);
        const head = yield* store.auditHead;
        yield* TestClock.adjust("2 minutes");
        assert.deepStrictEqual(yield* store.auditHead, head);
      }),
  );

  it.effect("once check fails nothing is written, retries included", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(1);
      let checks = 0;
      const lost = new LeaseError({ reason: "Lost", message: "no longer ours" });
      const lease = {
        look: Effect.succeed({ version: 0, holder: null, heldUntil: null, handle: "0" }),
        claim: () =>
          Effect.succeed({
            version: 1,
            check: Effect.suspend(() => ((checks += 1) > 2 ? Effect.fail(lost) : Effect.void)),
            lost: Effect.never,
            storeFence: null,
          }),
      };
      const site = { name: "site", spec: { parallel: 1, groups: [{ name: "web", count: 6 }] } };
      const exit = yield* Effect.exit(fakeTurn({ cloud, store, documents: [site], lease }));
      assert.isTrue(Exit.isFailure(exit));
      assert.strictEqual(cloud.mutations().length, 3);
    }),
  );

  it.effect("a slow commit that a renewal overtakes is not taken for a lost lease", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(1);
      const slow: StoreShape = {
        ...store,
        commit: (batch) => Effect.andThen(Effect.sleep("4 seconds"), store.commit(batch)),
      };
      const exit = yield* whileTimePasses(
        Effect.exit(fakeTurn({ cloud, store: slow, documents: [fleetOf(2)] })),
        "1 second",
      );
      assert.isTrue(Exit.isSuccess(exit), "the lease was ours all the time");
      assert.strictEqual(living(cloud, "site").length, 2);
    }),
  );

  it.effect("two runs at once: one works, the other is told who holds it", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(0);
      const gate = yield* Deferred.make<void>();
      const handler: Handler = {
        ...cloud.handler,
        create: (request) => Effect.andThen(Deferred.await(gate), cloud.handler.create(request)),
      };
      const documents = [fleetOf(2)];
      const fiber = yield* Effect.forkChild(fakeTurn({ cloud, store, documents, handler }));
      yield* TestClock.adjust("1 second");
      const other = yield* Effect.flip(fakeTurn({ cloud, store, documents }));
      assert.strictEqual(other._tag, "LeaseError");
      assert.strictEqual(other.reason, "Taken");
      yield* Deferred.succeed(gate, undefined);
      yield* Fiber.join(fiber);
      assert.strictEqual(cloud.mutations().length, 2);
    }),
  );

  it.effect("who observed before another's apply cannot claim on what it saw", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(1);
      const handler: Handler = {
        ...cloud.handler,
        observe: (requests) =>
          Effect.gen(function* () {
            const seen = yield* cloud.handler.observe(requests);
            yield* Effect.orDie(fakeTurn({ cloud, store, documents: [fleetOf(3)] }));
            return seen;
          }),
      };
      const late = yield* Effect.flip(fakeTurn({ cloud, store, documents: [fleetOf(0)], handler }));
      assert.strictEqual(late.reason, "Taken");
      assert.strictEqual(living(cloud, "site").length, 3);
    }),
  );
});
