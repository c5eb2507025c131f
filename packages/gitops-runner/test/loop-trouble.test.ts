// The loop where things meet: a look that outlives a publish, a stop that meets a hang, a rename that meets a launch.

import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { join } from "node:path";
import { makeMemoryStore } from "@muster/core/store/memory";
import { ProviderError } from "@muster/core/words/provider";
import type { DocumentStatus } from "@muster/core/words/status";
import { type FakeCloud, makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { fakePace } from "@muster/testkit/fleet/turn";
import { GitError } from "../src/error.ts";
import { Git } from "../src/git.ts";
import { ownerOf } from "../src/url.ts";
import { documentOf, interval, type LoopCase, startLoop, until, watched } from "./looping.ts";
import { gitLayer, makeSandbox, type Sandbox } from "./sandbox.ts";

const statusRef = "refs/heads/muster/status/default";
const patient = { ...fakePace, pollMaxMillis: 10_000, createMillis: 100 * interval };

const world = Effect.gen(function* () {
  const box = yield* makeSandbox;
  return { box, cloud: makeFakeCloud(), store: makeMemoryStore() };
});

const merge = (box: Sandbox, files: Readonly<Record<string, string>>): string => {
  const commit = box.commit(files);
  box.pushMain();
  return commit;
};

const statusOf = (box: Sandbox, name = "site"): DocumentStatus =>
  JSON.parse(
    box.inRemote("", "show", `${statusRef}:FakeFleet.${name}.status.json`),
  ) as DocumentStatus;

const readyOf = (box: Sandbox, name = "site"): string | undefined =>
  statusOf(box, name).conditions.find(({ type }) => type === "Ready")?.status;

const living = (cloud: FakeCloud) =>
  cloud.machines().filter(({ phase }) => phase === "running" || phase === "starting");

/** Lets the looks of a cloud wait for something. */
const holdLooks = (
  { handler }: FakeCloud,
  wait: (call: number, documents: ReadonlyArray<string>) => Effect.Effect<unknown>,
): void => {
  const { observe } = handler;
  let calls = 0;
  Object.assign(handler, {
    observe: (requests: Parameters<typeof observe>[0]) => {
      if (requests.length > 0) calls += 1;
      const names = requests.map(({ expansion }) => expansion.document.name);
      return Effect.andThen(wait(calls, names), observe(requests));
    },
  });
};

/** The real git; before a push that carries the status comes what the test puts there. */
const gitThatPublishes = (hook: { before: Effect.Effect<unknown, GitError> }) =>
  Layer.effect(
    Git,
    Effect.map(Git, (git) => ({
      ...git,
      run: (request) =>
        request.operation === "push" && request.arguments.some((one) => one.endsWith(statusRef))
          ? Effect.andThen(hook.before, git.run(request))
          : git.run(request),
    })),
  ).pipe(Layer.provide(gitLayer));

describe("what is said", () => {
  it.effect("is said at once although a document ends while others are published", () => {
    const hook: { before: Effect.Effect<unknown, GitError> } = { before: Effect.void };
    return Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(1) });
      const lastLook = yield* Deferred.make<void>();
      holdLooks(cloud, (call) => (call === 2 ? Deferred.await(lastLook) : Effect.void));
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("ticked");
      const hasEnded = () => looping.events.some(({ type }) => type === "ended");
      hook.before = Effect.andThen(Deferred.succeed(lastLook, undefined), until(hasEnded));
      yield* looping.tick;
      assert.strictEqual(looping.state().ticks, 2);
      assert.strictEqual(readyOf(box), "True");
    }).pipe(Effect.scoped, Effect.provide(watched(gitThatPublishes(hook))));
  });

  it.effect("and did not arrive is said later, though nothing but its commit is new", () => {
    const hook: { before: Effect.Effect<unknown, GitError> } = { before: Effect.void };
    return Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(1, "site", 5) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("published");
      const away = new GitError({ reason: "Unreachable", operation: "push", message: "no route" });
      hook.before = Effect.fail(away);
      merge(box, { "site.json": documentOf(1, "site", 6) });
      yield* looping.pass(2 * interval);
      const back = merge(box, { "site.json": documentOf(1, "site", 5) });
      yield* looping.pass(4 * interval);
      assert.notStrictEqual(statusOf(box).observed.commit, back);
      hook.before = Effect.void;
      yield* looping.pass(6 * interval);
      assert.strictEqual(statusOf(box).observed.commit, back);
    }).pipe(Effect.scoped, Effect.provide(watched(gitThatPublishes(hook))));
  });

  it.effect("of a document that ends during the look at others stays", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 40_000;
      merge(box, { "slow.json": documentOf(1, "slow"), "site.json": documentOf(0, "site") });
      holdLooks(cloud, (_, names) => Effect.sleep(names.join() === "site" ? 20_000 : 0));
      const looping = yield* startLoop({ box, cloud, store, run: { pace: patient } });
      yield* looping.next("ticked");
      const owner = ownerOf(box.repository, "default");
      for (let step = 0; step < 30; step += 1) {
        yield* looping.pass(3_000);
        assert.isNotNull(yield* store.record(owner, "Status/FakeFleet/slow"));
      }
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("by two runners on two stores is not corrected for ever", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(2) });
      const case1: LoopCase = { box, cloud, store, cache: join(box.folder, "one") };
      const case2: LoopCase = {
        box,
        cloud,
        store: makeMemoryStore(),
        cache: join(box.folder, "two"),
      };
      const one = yield* startLoop(case1);
      yield* one.next("published");
      yield* startLoop(case2);
      yield* one.pass(6 * interval);
      const before = box.at(statusRef);
      yield* one.pass(6 * interval);
      assert.strictEqual(box.at(statusRef), before);
      assert.strictEqual(living(cloud).length, 2);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("of what was done is said while a later commit has faults", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 2 * interval;
      merge(box, { "site.json": documentOf(1) });
      const looping = yield* startLoop({ box, cloud, store, run: { pace: patient } });
      yield* looping.next("ticked");
      yield* until(() => living(cloud).length === 1);
      merge(box, { "bad.json": "{" });
      yield* looping.pass(5 * interval);
      assert.strictEqual(readyOf(box), "True");
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );
});

describe("a reload", () => {
  it.effect("to what cannot be used is told, and the loop goes on with what it had", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(1) });
      let settled = 0;
      const one = fakePlugin(cloud);
      const looping = yield* startLoop({
        box,
        cloud,
        store,
        loop: {
          settle: Effect.sync(() => ({
            repository: box.repository,
            branch: "main",
            path: ".",
            environment: "default",
            owner: ownerOf(box.repository, "default"),
            cache: box.cache,
            signers: null,
            holder: "tester",
            pace: fakePace,
            plugins: (settled += 1) === 1 ? [one] : [one, { ...one, name: "other" }],
          })),
        },
      });
      yield* looping.next("published");
      yield* looping.reload;
      assert.match((yield* looping.next("trouble")).error.message, /fake and other/u);
      merge(box, { "site.json": documentOf(3) });
      yield* looping.pass(4 * interval);
      assert.strictEqual(living(cloud).length, 3);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("does not wait for a document that is worked on", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 20 * interval;
      merge(box, { "slow.json": documentOf(1, "slow") });
      const looping = yield* startLoop({ box, cloud, store, run: { pace: patient } });
      yield* looping.next("ticked");
      yield* until(() => living(cloud).length === 1);
      yield* looping.reload;
      yield* looping.next("reloaded");
      yield* looping.pass(22 * interval);
      assert.strictEqual(readyOf(box, "slow"), "True");
      assert.strictEqual(cloud.mutations().length, 1);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );
});

describe("what hangs or goes on for ever", () => {
  it.effect("is a look: a stop does not wait for it", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(1) });
      holdLooks(cloud, () => Effect.sleep(3_600_000));
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.pass(6_000);
      yield* looping.askToStop;
      yield* looping.next("stopped");
      yield* looping.ended;
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("is a launch that is never answered: it ends as unknown, and is found again", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(1) });
      const { create } = cloud.handler;
      let asked = 0;
      Object.assign(cloud.handler, {
        create: (request: Parameters<typeof create>[0]) =>
          (asked += 1) === 1 ? Effect.andThen(create(request), Effect.never) : create(request),
      });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("ticked");
      yield* looping.pass(6 * interval);
      assert.strictEqual(readyOf(box), "True");
      assert.strictEqual(cloud.mutations().length, 1);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("is a lease that nobody can read: it is trouble, and climbs the ladder", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(1) });
      box.git("push", "-q", "origin", "HEAD:refs/heads/muster/lease/default");
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.pass(20 * interval);
      const troubles = looping.events.filter(({ type }) => type === "trouble");
      assert.isAtMost(troubles.length, 6);
      assert.isAtLeast(troubles.length, 3);
      assert.isNotNull(looping.state().trouble);
      assert.strictEqual(cloud.mutations().length, 0);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("is a conflict: the document is tried ever more rarely", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      const conflict = new ProviderError({
        reason: "Conflict",
        operation: "Launch",
        message: "409",
      });
      Object.assign(cloud.handler, { create: () => Effect.fail(conflict) });
      merge(box, { "site.json": documentOf(1) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("ticked");
      yield* looping.pass(20 * interval);
      const ended = looping.events.filter(({ type }) => type === "ended");
      assert.isAtMost(ended.length, 6);
      assert.isAtLeast(looping.state().units[0]!.failures, 3);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("is a server that wants to be left alone: others go on", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      const error = new ProviderError({
        reason: "Throttled",
        operation: "List",
        message: "429",
        retryAfterMillis: 3_600_000,
      });
      cloud.faults.blind.set("dark", error);
      merge(box, { "dark.json": documentOf(1, "dark"), "site.json": documentOf(2) });
      const looping = yield* startLoop({
        box,
        cloud,
        store,
        run: { pace: { ...fakePace, looksAgain: 3 } },
      });
      yield* looping.next("ticked");
      yield* looping.pass(3 * interval);
      assert.strictEqual(living(cloud).length, 2);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("is a fault in one plugin's look: it is told of its own documents", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      Object.assign(cloud.handler, { observe: () => Effect.die(new Error("a bug")) });
      merge(box, { "site.json": documentOf(1) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("published");
      assert.strictEqual(readyOf(box), "Unknown");
      assert.isNull(looping.state().trouble);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );
});

describe("a rename", () => {
  it.effect("waits until nobody launches under the former name", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 6 * interval;
      cloud.faults.listLagMillis = 60_000;
      merge(box, { "site.json": documentOf(1, "old") });
      const looping = yield* startLoop({
        box,
        cloud,
        store,
        run: { pace: patient, policy: { listLagMillis: 120_000 } },
      });
      yield* looping.next("ticked");
      yield* until(() => living(cloud).length === 1);
      merge(box, {
        "site.json": JSON.stringify({
          kind: "FakeFleet",
          metadata: { name: "new", previousName: "old" },
          spec: { groups: [{ name: "web", count: 1 }] },
        }),
      });
      yield* looping.pass(13 * interval);
      const ended = looping.events.filter((event) => event.type === "ended");
      assert.deepStrictEqual(
        ended.map((event) => event.ended.document.name),
        ["old", "new"],
      );
      // Who launched found its member, and nobody else settled its launch for it.
      assert.deepStrictEqual(
        (yield* store.auditEntries(0, 100)).map(
          ({ phase, action, outcome }) => `${action}: ${outcome ?? phase}`,
        ),
        ["create: intent", "create: done", "update: intent", "update: done", "forget: done"],
      );
      assert.deepStrictEqual(
        cloud.mutations().map(({ operation }) => operation),
        ["create", "mark"],
      );
      assert.strictEqual(readyOf(box, "new"), "True");
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );
});
