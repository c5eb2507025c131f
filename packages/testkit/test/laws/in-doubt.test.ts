import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { makeWriter } from "@muster/core/apply/writer";
import { makeMemoryStore } from "@muster/core/store/memory";
import { launchToken } from "@muster/core/words/member";
import { ProviderError } from "@muster/core/words/provider";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { fakeTurn, fleetOf } from "../../src/fleet/turn.ts";

const denied = new ProviderError({
  reason: "Denied",
  operation: "GetMachine",
  message: "the token ran out",
});
const quota = new ProviderError({
  reason: "Exhausted",
  operation: "CreateMachine",
  message: "no quota",
});

describe("law 3: what was accepted is in doubt until it is read back", () => {
  it.effect("a launch whose end cannot be seen is unknown, and the next turn settles it", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      cloud.faults.next.set("created", [denied]);
      const turn = yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
      assert.deepStrictEqual(
        turn.outcomes.map(({ result }) => result),
        ["unknown"],
      );
      const open = (yield* store.load("us")).filter((record) => record._tag === "Intent");
      assert.strictEqual(open.length, 1);
      const next = yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
      assert.strictEqual(next.left.flatMap(({ unsettled }) => unsettled).length, 0);
      assert.strictEqual(cloud.mutations().length, 1);
      assert.deepStrictEqual(
        (yield* store.load("us")).filter((record) => record._tag === "Intent"),
        [],
      );
    }),
  );

  it.effect("an unasked removal whose end cannot be seen still counts in its hour", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      const removed = () =>
        cloud.mutations().filter(({ operation }) => operation === "remove").length;
      for (const slot of [10, 11, 12]) {
        cloud.plant({
          document: "site",
          owner: "us",
          name: { set: "web", slot, generation: 1 },
          createdAt: "2026-05-01T12:00:00.000Z",
        });
        cloud.faults.next.set("removed", [denied]);
        yield* fakeTurn({ cloud, store, documents: [fleetOf(2)] });
      }
      assert.strictEqual(removed(), 1);
    }),
  );

  it.effect("a wish that came true before a crash is not read again", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const document = { kind: "FakeFleet", name: "site" };
      const member = { set: "web", slot: 1, generation: 1 };
      const { id } = cloud.plant({ document: "site", owner: "us", name: member });
      const at = "2026-05-01T12:00:00.000Z";
      yield* store.commit({
        owner: "us",
        puts: [
          {
            _tag: "Adoption",
            document,
            id,
            from: "them",
            set: "web",
            by: "ann",
            reason: "ours",
            at,
          },
          {
            _tag: "Intent",
            id: `adopt:${id}`,
            document,
            action: "adopt",
            member,
            target: id,
            asked: false,
            place: null,
            token: null,
            template: null,
            plan: "sha256:0",
            run: "before",
            at,
          },
        ],
      });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
      const left = (yield* store.load("us")).map(({ _tag }) => _tag);
      assert.notInclude(left, "Adoption");
      assert.notInclude(left, "Intent");
    }),
  );
});

describe("each document is its own unit of work", () => {
  it.effect("one that is refused does not end another's rounds", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const other = fleetOf(1, "other");
      // The token of its first generation is spent on a machine that is dead and in no list.
      const place = "place-1";
      const spent = launchToken(
        "us",
        { kind: "FakeFleet", name: "other" },
        { set: "web", slot: 1, generation: 1 },
        place,
      );
      const handler = {
        ...cloud.handler,
        create: (request: Parameters<typeof cloud.handler.create>[0]) => {
          if (request.expansion.document.name === "site") return Effect.fail(quota);
          return request.token === spent
            ? Effect.fail(
                new ProviderError({
                  reason: "Conflict",
                  operation: "CreateMachine",
                  message: "spent",
                  occupantDead: true,
                }),
              )
            : cloud.handler.create(request);
        },
      };
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2), other], handler });
      assert.deepStrictEqual(
        cloud.mutations().map(({ name }) => name),
        ["web-1.2"],
      );
    }),
  );
});

describe("a name that another document had before", () => {
  it.effect("gets members of its own, and takes none of those that moved away", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* fakeTurn({ cloud, store, documents: [fleetOf(2, "b")] });
      yield* fakeTurn({
        cloud,
        store,
        documents: [{ ...fleetOf(2, "c"), previousName: "b" }],
      });
      const both = [fleetOf(2, "c"), fleetOf(2, "b")];
      yield* fakeTurn({ cloud, store, documents: both });
      yield* fakeTurn({ cloud, store, documents: both });
      const mutations = cloud.mutations().length;
      const last = yield* fakeTurn({ cloud, store, documents: both });
      assert.strictEqual(cloud.mutations().length, mutations);
      assert.deepStrictEqual(
        last.left.map((plan) => plan.changes.map(({ action }) => action)),
        [
          ["keep", "keep"],
          ["keep", "keep"],
        ],
      );
      const of = (document: string) =>
        cloud.machines().filter((machine) => machine.document === document);
      assert.strictEqual(of("b").length, 2);
      assert.strictEqual(of("c").length, 2);
    }),
  );
});

describe("law 8: bounded", () => {
  it.effect("writes that were given up hold up nobody, however many", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      const slow = yield* makeWriter(
        "us",
        () => (batch) => Effect.andThen(Effect.yieldNow, store.commit(batch)),
      );
      const head = (n: number) => ({
        puts: [{ _tag: "Head" as const, branch: `b${n}`, commit: "c" }],
      });
      const fibers = yield* Effect.forEach(
        Array.from({ length: 1_600 }, (_, n) => n),
        (n) => Effect.forkChild(slow.write(head(n))),
      );
      yield* Effect.yieldNow;
      yield* Fiber.interruptAll(fibers);
      yield* slow.write(head(9_999));
      const kept = (yield* store.load("us")).map((record) =>
        record._tag === "Head" ? record.branch : "",
      );
      assert.include(kept, "b9999");
    }),
  );
});
