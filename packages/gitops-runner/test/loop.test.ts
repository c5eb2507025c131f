import { renameSync } from "node:fs";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { makeMemoryStore } from "@muster/core/store/memory";
import { ProviderError } from "@muster/core/words/provider";
import type { DocumentStatus } from "@muster/core/words/status";
import { type FakeCloud, makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePace } from "@muster/testkit/fleet/turn";
import type { GitRequest } from "../src/git.ts";
import { ownerOf } from "../src/url.ts";
import { documentOf, interval, startLoop, until, watched } from "./looping.ts";
import { gitLayer, makeSandbox, recordingLayer, type Sandbox } from "./sandbox.ts";

const statusRef = "refs/heads/muster/status/default";

const statusOf = (box: Sandbox, name = "site"): DocumentStatus =>
  JSON.parse(
    box.inRemote("", "show", `${statusRef}:FakeFleet.${name}.status.json`),
  ) as DocumentStatus;

const condition = (status: DocumentStatus, type: string) =>
  status.conditions.find((one) => one.type === type);

const merge = (box: Sandbox, files: Readonly<Record<string, string>>): string => {
  const commit = box.commit(files);
  box.pushMain();
  return commit;
};

const alive = (cloud: FakeCloud, document?: string): number =>
  cloud
    .machines()
    .filter((machine) => machine.phase === "running" || machine.phase === "starting")
    .filter((machine) => document === undefined || machine.document === document).length;

/** Launches may take as long as they want. */
const patient = { ...fakePace, pollMaxMillis: 10_000, createMillis: 100 * interval };

/** How often all was listed. */
const countLooks = ({ handler }: FakeCloud): (() => number) => {
  let looks = 0;
  const { observe } = handler;
  Object.assign(handler, {
    observe: (requests: Parameters<typeof observe>[0]) => {
      looks += 1;
      return observe(requests);
    },
  });
  return () => looks;
};

const world = Effect.gen(function* () {
  const box = yield* makeSandbox;
  return { box, cloud: makeFakeCloud(), store: makeMemoryStore() };
});

describe("the loop", () => {
  it.effect("converges, publishes, and then neither writes nor pushes", () => {
    const log: Array<GitRequest> = [];
    return Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      const looks = countLooks(cloud);
      merge(box, { "site.json": documentOf(3) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("published");
      assert.strictEqual(alive(cloud), 3);
      assert.strictEqual(condition(statusOf(box), "Ready")?.status, "True");
      yield* looping.tick;
      const refs = box.git("ls-remote", "origin");
      const head = yield* store.auditHead;
      log.length = 0;
      const looked = looks();
      for (let tick = 0; tick < 20; tick += 1) {
        assert.isFalse((yield* looping.tick).ticked.news);
      }
      assert.strictEqual(box.git("ls-remote", "origin"), refs);
      assert.deepStrictEqual(yield* store.auditHead, head);
      assert.strictEqual(looks(), looked + 20, "one list a tick");
      const remote = log.filter(({ reach }) => reach !== undefined);
      assert.deepStrictEqual(
        remote.map(({ operation }) => operation),
        Array.from({ length: 20 }, () => "ls-remote"),
      );
    }).pipe(Effect.scoped, Effect.provide(watched(recordingLayer(log))));
  });

  it.effect("acts on what is asked, not on commits", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      const first = merge(box, { "site.json": documentOf(2) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("published");
      yield* looping.tick;
      const refs = box.at("refs/heads/muster");
      merge(box, { "notes.txt": "nothing to do with it" });
      yield* looping.tick;
      assert.strictEqual(box.at("refs/heads/muster"), refs);
      assert.strictEqual(statusOf(box).observed.commit, first);
      merge(box, { "site.json": documentOf(4) });
      yield* looping.tick;
      yield* looping.next("published");
      assert.strictEqual(alive(cloud), 4);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("lets a slow document hold up no other", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 20 * interval;
      merge(box, { "slow.json": documentOf(1, "slow") });
      const looping = yield* startLoop({
        box,
        cloud,
        store,
        run: { pace: patient },
      });
      yield* looping.next("ticked");
      assert.strictEqual(looping.state().units.filter(({ busy }) => busy).length, 1);
      yield* until(() => alive(cloud) === 1);
      cloud.faults.launchMillis = 0;
      merge(box, { "quick.json": documentOf(2, "quick") });
      yield* looping.tick;
      const { ended } = yield* looping.next("ended");
      assert.strictEqual(ended.document.name, "quick");
      yield* looping.tick;
      // What is done is said although the slow one still is not.
      yield* looping.next("published");
      assert.strictEqual(condition(statusOf(box, "quick"), "Ready")?.status, "True");
      assert.strictEqual(condition(statusOf(box, "slow"), "Ready")?.reason, "ChangesWaiting");
      assert.isTrue(looping.state().holdsLease);
      yield* looping.pass(21 * interval);
      const slow = yield* looping.next("ended");
      assert.strictEqual(slow.ended.document.name, "slow");
      yield* looping.next("published");
      assert.strictEqual(condition(statusOf(box, "slow"), "Ready")?.status, "True");
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("stops launching what is no longer asked for", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 3 * interval;
      merge(box, { "site.json": documentOf(20, "site", 2) });
      const looping = yield* startLoop({ box, cloud, store, run: { pace: patient } });
      yield* looping.next("ticked");
      yield* until(() => alive(cloud) === 2);
      merge(box, { "site.json": documentOf(2, "site", 2) });
      yield* looping.tick;
      yield* looping.pass(4 * interval);
      yield* looping.next("ended");
      assert.isAtMost(
        cloud.mutations().filter(({ operation }) => operation === "create").length,
        4,
      );
      for (let tick = 0; tick < 12 && alive(cloud) !== 2; tick += 1) yield* looping.tick;
      yield* looping.next("published");
      assert.strictEqual(alive(cloud), 2);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("tries a document in trouble ever more rarely, and the others as ever", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.blind.set(
        "dark",
        new ProviderError({ reason: "Denied", operation: "List", message: "no" }),
      );
      merge(box, { "dark.json": documentOf(1, "dark"), "site.json": documentOf(1) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("published");
      const failures = () =>
        looping.state().units.find(({ document }) => document === "FakeFleet/dark")?.failures;
      let looked = 0;
      for (let tick = 0; tick < 40; tick += 1) {
        if ((yield* looping.tick).ticked.looked === 2) looked += 1;
      }
      // 40 ticks are 22 minutes: the waits double from 30 s on.
      assert.isAtMost(looked, 6);
      assert.isAtLeast(looked, 4);
      assert.isAtLeast(failures() ?? 0, 5);
      cloud.faults.blind.clear();
      merge(box, { "dark.json": documentOf(2, "dark") });
      yield* looping.tick;
      yield* looping.next("published");
      assert.strictEqual(alive(cloud, "dark"), 2);
      assert.strictEqual(failures(), 0);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("honours a suspension before every change", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 3 * interval;
      merge(box, { "site.json": documentOf(10, "site", 1) });
      const looping = yield* startLoop({ box, cloud, store, run: { pace: patient } });
      yield* looping.next("ticked");
      yield* until(() => alive(cloud) === 1);
      yield* store.commit({
        owner: ownerOf(box.repository, "default"),
        puts: [
          {
            _tag: "Suspension",
            document: { kind: "FakeFleet", name: "site" },
            by: "ann",
            reason: "an incident",
            at: "1970-01-01T00:00:00.000Z",
            until: "1970-01-02T00:00:00.000Z",
          },
        ],
      });
      yield* looping.pass(4 * interval);
      const { ended } = yield* looping.next("ended");
      assert.strictEqual(alive(cloud), 1, "the one that was begun");
      assert.deepInclude(ended.outcomes.at(-1), { result: "skipped", code: "Held" });
      assert.isNull(ended.standing?.trouble ?? null);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("tells faults once, does nothing meanwhile, and goes on when they are mended", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(1) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("published");
      merge(box, { "site.json": documentOf(3), "bad.json": "{" });
      for (let tick = 0; tick < 3; tick += 1) yield* looping.tick;
      assert.strictEqual(looping.events.filter(({ type }) => type === "faults").length, 1);
      assert.strictEqual(alive(cloud), 1);
      box.git("rm", "-q", "bad.json");
      merge(box, {});
      yield* looping.tick;
      yield* looping.next("published");
      assert.strictEqual(alive(cloud), 3);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("rides out a repository that cannot be reached", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      merge(box, { "site.json": documentOf(1) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("published");
      renameSync(box.remote, `${box.remote}.away`);
      yield* looping.pass(1_200_000);
      const troubles = looping.events.filter((event) => event.type === "trouble");
      assert.isTrue(troubles.every(({ error }) => error.remedy !== null));
      // 20 minutes: the waits double from 30 s on, up to 5 minutes.
      assert.isAtMost(troubles.length, 9);
      assert.isAtLeast(troubles.length, 5);
      renameSync(`${box.remote}.away`, box.remote);
      merge(box, { "site.json": documentOf(2) });
      yield* looping.pass(300_000);
      yield* looping.next("published");
      assert.strictEqual(alive(cloud), 2);
      assert.isNull(looping.state().trouble);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );
});

describe("a stop", () => {
  it.effect("waits for what was begun, begins nothing more, says it, and lets the lease go", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 10_000;
      merge(box, { "site.json": documentOf(9, "site", 2) });
      const looping = yield* startLoop({ box, cloud, store });
      yield* looping.next("ticked");
      yield* looping.askToStop;
      yield* looping.next("stopping");
      yield* looping.pass(20_000);
      const { interrupted } = yield* looping.next("stopped");
      yield* looping.ended;
      assert.strictEqual(interrupted, 0);
      assert.strictEqual(alive(cloud), 2);
      assert.strictEqual(statusOf(box).counts[0]?.present, 2);
      const lease = JSON.parse(
        box.inRemote("", "show", "refs/heads/muster/lease/default:lease.json"),
      ) as { readonly expiresAt: string };
      const now = yield* TestClock.testClockWith((clock) => clock.currentTimeMillis);
      assert.isAtMost(Date.parse(lease.expiresAt), now);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );

  it.effect("interrupts after its grace, and a successor goes on from there", () =>
    Effect.gen(function* () {
      const { box, cloud, store } = yield* world;
      cloud.faults.launchMillis = 20 * interval;
      merge(box, { "site.json": documentOf(2) });
      const looping = yield* startLoop({ box, cloud, store, run: { pace: patient } });
      yield* looping.next("ticked");
      yield* looping.askToStop;
      yield* looping.next("stopping");
      yield* looping.pass(26_000);
      const { interrupted } = yield* looping.next("stopped");
      assert.strictEqual(interrupted, 1);
      yield* looping.ended;
      yield* TestClock.adjust(20 * interval);
      const second = yield* startLoop({ box, cloud, store });
      yield* second.next("published");
      assert.strictEqual(alive(cloud), 2);
      assert.strictEqual(cloud.mutations().length, 2);
    }).pipe(Effect.scoped, Effect.provide(watched(gitLayer))),
  );
});
