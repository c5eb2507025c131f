// Law 6: what a person suspended stays as it is, what was invalid waits, and only what was named is destroyed.

import { assert, describe, it } from "@effect/vitest";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import { consentDigest } from "@muster/core/plan/removals";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { StoreShape } from "@muster/core/store/store";
import { type MemberPhase, ProviderError, type ProviderReason } from "@muster/core/words/provider";
import type { StoreRecord } from "@muster/core/words/record";
import { type FakeCloud, makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { living, settleDown } from "../../src/fleet/survival.ts";
import { type FakeDocument, fakeTurn, fleetOf } from "../../src/fleet/turn.ts";
import { crashingStore, decorateHandler, makeCrashPoints } from "../../src/store/crash.ts";
import { journalledMemory } from "../../src/store/journalled-memory.ts";

const noon = Date.parse("2026-05-01T12:00:00.000Z");
const at = (minutes: number) => new Date(noon + minutes * 60_000).toISOString();

/** A fleet that was launched at noon; it is one o'clock now. */
const start = Effect.fnUntraced(function* (...documents: ReadonlyArray<FakeDocument>) {
  const cloud = makeFakeCloud();
  const store = makeMemoryStore();
  yield* TestClock.setTime(noon);
  yield* fakeTurn({ cloud, store, documents });
  yield* TestClock.adjust("1 hour");
  return { cloud, store };
});

const put = (store: StoreShape, ...puts: ReadonlyArray<StoreRecord>) =>
  store.commit({ owner: "us", puts });

const suspension = (until: string, name = "site"): StoreRecord => ({
  _tag: "Suspension",
  document: { kind: "FakeFleet", name },
  by: "ann",
  reason: "moving house",
  at: at(60),
  until,
});

const wish = (id: string, when = at(61), name = "site"): StoreRecord => ({
  _tag: "Destruction",
  document: { kind: "FakeFleet", name },
  id,
  by: "ann",
  reason: "not needed",
  at: when,
});

const removed = (cloud: FakeCloud) =>
  cloud
    .mutations()
    .filter((mutation) => mutation.operation === "remove")
    .map((mutation) => mutation.id);

interface Turn {
  readonly statuses: ReadonlyArray<{
    readonly metadata: { readonly name: string };
    readonly conditions: ReadonlyArray<{
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }>;
  }>;
}

const conditionOf = (turn: Turn, type: string, name = "site") =>
  turn.statuses
    .find((status) => status.metadata.name === name)
    ?.conditions.find((condition) => condition.type === type);

/** Lets waits between tries end; never ends itself. */
const passTime = Effect.forever(Effect.andThen(Effect.yieldNow, TestClock.adjust("1 second")));

const both = (web: number, db: number): FakeDocument => ({
  name: "site",
  spec: {
    groups: [
      { name: "web", count: web },
      { name: "db", count: db },
    ],
  },
});

describe("law 6: what is suspended", () => {
  it.effect("stays as it is whatever is asked, under another name too, and goes on by itself", () =>
    Effect.gen(function* () {
      const asked: ReadonlyArray<ReadonlyArray<FakeDocument>> = [
        [fleetOf(5)],
        [fleetOf(0)],
        [],
        [{ ...fleetOf(4, "place"), previousName: "site" }],
      ];
      for (const documents of asked) {
        const { cloud, store } = yield* start(fleetOf(2));
        yield* put(store, suspension(at(90)));
        const before = cloud.mutations().length;
        const held = yield* fakeTurn({ cloud, store, documents });
        assert.strictEqual(held.left[0]!.hold?.reason.code, "Suspended");
        assert.strictEqual(held.left[0]!.nextDueAt, at(90));
        yield* TestClock.setTime(Date.parse(at(90)) - 1);
        yield* fakeTurn({ cloud, store, documents });
        assert.strictEqual(cloud.mutations().length, before);
        yield* TestClock.setTime(Date.parse(at(90)));
        const after = yield* fakeTurn({ cloud, store, documents });
        assert.strictEqual(after.left[0]!.hold, null);
        const [first] = documents;
        const count = first?.spec.groups[0]?.count ?? 2;
        assert.strictEqual(living(cloud, first?.name ?? "site").length, count);
      }
    }),
  );

  it.effect("while it is worked on: what was begun ends, and nothing more begins", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(2));
      const document = { name: "site", spec: { ...fleetOf(6).spec, parallel: 1 } };
      const handler = {
        ...cloud.handler,
        create: (request: Parameters<typeof cloud.handler.create>[0]) =>
          Effect.andThen(
            Effect.orDie(put(store, suspension(at(90)))),
            cloud.handler.create(request),
          ),
      };
      const turn = yield* fakeTurn({ cloud, store, documents: [document], handler });
      assert.deepStrictEqual(
        turn.outcomes.map(({ code, result }) => code ?? result),
        ["done", "Held", "Held", "Held"],
      );
      assert.strictEqual(living(cloud, "site").length, 3);
      assert.strictEqual(conditionOf(turn, "Ready")?.reason, "Suspended");
      assert.strictEqual(conditionOf(turn, "Stalled")?.status, "False");
    }),
  );

  it.effect("by its own document too, until that says something else", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(2));
      const suspend = { until: at(90), reason: "said" };
      const document = { name: "site", spec: { ...fleetOf(4).spec, suspend } };
      const held = yield* fakeTurn({ cloud, store, documents: [document] });
      assert.strictEqual(held.left[0]!.hold?.reason.code, "Suspended");
      assert.strictEqual(living(cloud, "site").length, 2);
      yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
      assert.strictEqual(living(cloud, "site").length, 4);
    }),
  );

  it.effect("is told as Suspended by whom and until when, and nothing of the others is", () =>
    Effect.gen(function* () {
      const documents = [fleetOf(3), fleetOf(1, "other")];
      const { cloud, store } = yield* start(fleetOf(2), fleetOf(1, "other"));
      const before = yield* store.load("us");
      yield* put(store, suspension(at(90)));
      const turn = yield* fakeTurn({ cloud, store, documents });
      const suspended = conditionOf(turn, "Suspended")!;
      assert.strictEqual(suspended.status, "True");
      for (const word of ["ann", at(90), "moving house", "muster resume FakeFleet/site"]) {
        assert.include(suspended.message, word);
      }
      assert.strictEqual(conditionOf(turn, "Ready")?.status, "False");
      assert.strictEqual(conditionOf(turn, "Ready")?.reason, "Suspended");
      assert.strictEqual(conditionOf(turn, "Stalled")?.status, "False");
      assert.strictEqual(conditionOf(turn, "Reconciling")?.status, "False");
      const ofOther = (records: ReadonlyArray<StoreRecord>) =>
        records.filter((record) => "document" in record && record.document.name === "other");
      assert.deepStrictEqual(ofOther(yield* store.load("us")), ofOther(before));
      assert.strictEqual(conditionOf(turn, "Suspended", "other"), undefined);
    }),
  );
});

describe("law 6: what is in quarantine", () => {
  it.effect(
    "was called invalid, and for no other reason; it is asked again once a person says so",
    () =>
      Effect.gen(function* () {
        const reasons = ["Invalid", "Denied", "Exhausted", "Throttled", "Unreachable", "Conflict"];
        for (const reason of reasons as ReadonlyArray<ProviderReason>) {
          const { cloud, store } = yield* start(fleetOf(1));
          const policy = { quarantine: true };
          const documents = [fleetOf(2)];
          const error = new ProviderError({
            reason,
            operation: "launch",
            message: "no such image",
          });
          const handler = { ...cloud.handler, create: () => Effect.fail(error) };
          yield* Effect.raceFirst(fakeTurn({ cloud, store, documents, policy, handler }), passTime);
          const kept = (yield* store.load("us")).filter((record) => record._tag === "Quarantine");
          assert.strictEqual(kept.length, reason === "Invalid" ? 1 : 0, reason);
          if (reason !== "Invalid") continue;

          const held = yield* fakeTurn({ cloud, store, documents, policy });
          assert.strictEqual(living(cloud, "site").length, 1);
          const { consent } = held.left[0]!.hold!;
          yield* TestClock.adjust("1 minute");
          const when = new Date(yield* Clock.currentTimeMillis).toISOString();
          yield* put(store, {
            _tag: "Approval",
            digest: consent!,
            by: "ann",
            reason: "the image is there",
            at: when,
          });
          yield* fakeTurn({ cloud, store, documents, policy });
          assert.strictEqual(living(cloud, "site").length, 2);
        }
      }),
  );

  it.effect("waits for another input or for consent that came later", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(2));
      const documents = [fleetOf(3)];
      const policy = { quarantine: true };
      const { plans } = yield* fakeTurn({ cloud, store, documents, mode: "plan" });
      const inputDigest = plans[0]!.inputDigest!;
      const approval = (when: string): StoreRecord => ({
        _tag: "Approval",
        digest: inputDigest,
        by: "ann",
        reason: "mended",
        at: when,
      });
      yield* put(store, approval(at(60)), {
        _tag: "Quarantine",
        document: { kind: "FakeFleet", name: "site" },
        inputDigest,
        message: "no such image",
        remedy: null,
        at: at(60),
      });
      const held = yield* fakeTurn({ cloud, store, documents, policy });
      assert.strictEqual(conditionOf(held, "Stalled")?.reason, "Quarantined");
      assert.strictEqual(conditionOf(held, "Suspended"), undefined);
      assert.strictEqual(living(cloud, "site").length, 2);
      yield* put(store, approval(at(61)));
      yield* fakeTurn({ cloud, store, documents, policy });
      assert.strictEqual(living(cloud, "site").length, 3);
    }),
  );
});

describe("law 6: what a person asked to destroy", () => {
  it.effect("goes with what vanished, in the name of the person, and then nothing is left", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(3));
      const ids = cloud.machines().map(({ id }) => id);
      yield* fakeTurn({ cloud, store, documents: [] });
      yield* put(store, ...ids.slice(0, 2).map((id) => wish(id)));
      const { plans } = yield* fakeTurn({ cloud, store, documents: [], mode: "plan" });
      const consents = plans[0]!.changes.flatMap((change) =>
        change.action === "remove" ? [change.consent] : [],
      );
      const consent = { by: "ann", digest: consentDigest(ids.slice(0, 2)) };
      assert.deepStrictEqual(consents, [consent, consent]);
      yield* fakeTurn({ cloud, store, documents: [] });
      assert.sameMembers(removed(cloud), ids.slice(0, 2));
      yield* put(store, wish(ids[2]!));
      yield* fakeTurn({ cloud, store, documents: [] });
      assert.sameMembers(removed(cloud), ids);
      assert.deepStrictEqual(
        (yield* store.load("us")).filter((record) => "document" in record),
        [],
      );
    }),
  );

  it.effect("goes with a set that vanished; the sets that are asked for stay", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(both(2, 2));
      const documents = [fleetOf(2)];
      yield* put(store, ...cloud.machines().map(({ id }) => wish(id)));
      yield* fakeTurn({ cloud, store, documents });
      assert.deepStrictEqual(living(cloud, "site"), ["web-1.1", "web-2.1"]);
      // What a wish named while it was asked for vanishes later: nobody asked for that.
      const other = { name: "site", spec: { groups: [{ name: "api", count: 1 }] } };
      yield* fakeTurn({ cloud, store, documents: [other] });
      yield* fakeTurn({ cloud, store, documents: [other] });
      assert.deepStrictEqual(living(cloud, "site"), ["api-1.1", "web-1.1", "web-2.1"]);
      const wishes = (yield* store.load("us")).filter((record) => record._tag === "Destruction");
      assert.deepStrictEqual(wishes, []);
    }),
  );

  it.effect("came back and vanished again: nobody asked for that", () =>
    Effect.gen(function* () {
      const { cloud, store } = yield* start(fleetOf(2));
      yield* fakeTurn({ cloud, store, documents: [] });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      // The wish comes late, from a person who saw the orphan.
      yield* put(store, ...cloud.machines().map(({ id }) => wish(id)));
      yield* TestClock.adjust("2 minutes");
      yield* fakeTurn({ cloud, store, documents: [] });
      yield* fakeTurn({ cloud, store, documents: [] });
      assert.deepStrictEqual(removed(cloud), []);
    }),
  );

  it.effect.prop(
    "and never a member that is asked for, or not ours, whoever is named",
    {
      strangers: Schema.Array(
        Schema.Struct({
          document: Schema.Literals(["site", "other"]),
          owner: Schema.Literals(["us", "them", "nobody"]),
          set: Schema.Literals(["web", "old", "unnamed"]),
          phase: Schema.Literals(["running", "stopped", "unknown"]),
        }),
      ).check(Schema.isMaxLength(8)),
      orphan: Schema.Boolean,
    },
    ({ orphan, strangers }) =>
      Effect.gen(function* () {
        const { cloud, store } = yield* start(fleetOf(2), fleetOf(1, "other"));
        const documents = [fleetOf(1, "other"), ...(orphan ? [] : [fleetOf(2)])];
        if (orphan) yield* fakeTurn({ cloud, store, documents });
        strangers.forEach(({ document, owner, phase, set }, index) =>
          cloud.plant({
            document,
            phase: phase satisfies MemberPhase,
            owner: owner === "nobody" ? null : owner,
            name: set === "unnamed" ? null : { set, slot: 70 + index, generation: 1 },
          }),
        );
        yield* put(
          store,
          ...cloud.machines().map(({ document, id }) => wish(id, at(61), document)),
        );
        const isStopped = (name: string) =>
          strangers.some(({ document, owner }) => document === name && owner === "them");
        const mayGo = new Set(
          cloud
            .machines()
            .filter(({ document, name, owner }) => {
              if (owner !== "us" || name === null) return false;
              if (document === "site" && orphan) return true;
              return name.set === "old" && !isStopped(document);
            })
            .map(({ id }) => id),
        );
        const { plans } = yield* fakeTurn({ cloud, store, documents, mode: "plan" });
        const asked = plans.flatMap(({ changes }) =>
          changes.flatMap((change) =>
            change.action === "remove" && change.reason.code === "DestructionAsked"
              ? [change.id]
              : [],
          ),
        );
        assert.sameMembers(asked, [...mayGo]);
        yield* fakeTurn({ cloud, store, documents });
        for (const id of mayGo) assert.include(removed(cloud), id);
        for (const { id, name, owner } of cloud.machines()) {
          if (owner !== "us" || name === null) assert.notInclude(removed(cloud), id);
        }
      }),
    { arbitrary: { runs: 60 } },
  );

  it.effect(
    "goes once, whenever the run that does it dies",
    () =>
      Effect.gen(function* () {
        const points = yield* destroyDying(undefined);
        for (let point = 1; point <= points; point += 1) yield* destroyDying(point);
      }),
    60_000,
  );
});

/** Destroys an orphan, dying at this point; answers how many points there were. */
const destroyDying = Effect.fnUntraced(function* (point: number | undefined) {
  const cloud = makeFakeCloud();
  const memory = journalledMemory();
  const store = yield* memory.reopen;
  yield* TestClock.setTime(noon);
  yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
  yield* TestClock.adjust("1 hour");
  yield* fakeTurn({ cloud, store, documents: [] });
  yield* put(store, ...cloud.machines().map(({ id }) => wish(id)));
  const points = yield* makeCrashPoints(
    point === undefined ? { act: "count" } : { act: "interrupt", at: point },
  );
  yield* points.run(
    fakeTurn({
      cloud,
      documents: [],
      store: crashingStore(store, points),
      handler: decorateHandler(cloud.handler, points),
    }),
  );
  yield* TestClock.adjust("31 seconds");
  const after = yield* memory.reopen;
  const settled = yield* settleDown(cloud, after, []);
  assert.deepStrictEqual(settled.faults, [], `point ${point}`);
  assert.deepStrictEqual(living(cloud, "site"), []);
  const ids = removed(cloud);
  assert.deepStrictEqual(ids, [...new Set(ids)]);
  return (yield* points.labels).length;
});
