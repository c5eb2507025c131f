import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeMemoryDisk, makeMemoryStore } from "@muster/core/store/memory";
import { Store, type StoreShape } from "@muster/core/store/store";
import type { DocumentStatus } from "@muster/core/words/status";
import { type FakeCloud, makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { fakePace } from "@muster/testkit/fleet/turn";
import { runOnce, type RunOptions } from "../src/run.ts";
import { ownerOf } from "../src/url.ts";
import { gitLayer, makeSandbox, type Sandbox } from "./sandbox.ts";

const documentOf = (count: number, name = "site", previousName?: string): string =>
  JSON.stringify({
    kind: "FakeFleet",
    metadata: previousName === undefined ? { name } : { name, previousName },
    spec: { groups: [{ name: "web", count }] },
  });

const optionsOf = (box: Sandbox, cloud: FakeCloud): RunOptions => ({
  repository: box.repository,
  branch: "main",
  path: ".",
  environment: "default",
  owner: ownerOf(box.repository, "default"),
  cache: box.cache,
  plugins: [fakePlugin(cloud)],
  signers: null,
  run: crypto.randomUUID(),
  holder: "tester",
  pace: fakePace,
});

const runOn = (box: Sandbox, cloud: FakeCloud, store: StoreShape) =>
  runOnce(optionsOf(box, cloud)).pipe(Effect.provideService(Store, store));

const merge = (box: Sandbox, files: Readonly<Record<string, string>>): void => {
  box.commit(files);
  box.pushMain();
};

const statusRef = "refs/heads/muster/status/default";
const refsOf = (box: Sandbox): string => box.git("ls-remote", "origin");

const statusIn = (box: Sandbox, file: string): DocumentStatus =>
  JSON.parse(box.inRemote("", "show", `${statusRef}:${file}`)) as DocumentStatus;

const alive = (cloud: FakeCloud): number =>
  cloud.machines().filter((machine) => machine.phase === "running").length;

describe("a run", () => {
  it.live("converges, says so beside the document, and then pushes nothing", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      merge(box, { "fleets/site.json": documentOf(3) });
      const first = yield* runOn(box, cloud, store);
      assert.strictEqual(alive(cloud), 3);
      assert.isNotNull(first.published);
      const status = statusIn(box, "fleets/FakeFleet.site.status.json");
      assert.strictEqual(status.observed.commit, first.head);
      assert.strictEqual(status.conditions.find(({ type }) => type === "Ready")?.status, "True");
      const before = refsOf(box);
      const again = yield* runOn(box, cloud, store);
      assert.isNull(again.published);
      assert.isNull(again.report.lease);
      assert.strictEqual(refsOf(box), before);
    }).pipe(Effect.provide(gitLayer)),
  );

  it.live("an unrelated commit moves nothing, and leaves the commit that a status names", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      merge(box, { "site.json": documentOf(2) });
      const first = yield* runOn(box, cloud, store);
      merge(box, { "notes.txt": "nothing to do with it" });
      const before = box.at(statusRef);
      const second = yield* runOn(box, cloud, store);
      assert.notStrictEqual(second.head, first.head);
      assert.isNull(second.published);
      assert.strictEqual(box.at(statusRef), before);
      assert.strictEqual(statusIn(box, "FakeFleet.site.status.json").observed.commit, first.head);
    }).pipe(Effect.provide(gitLayer)),
  );

  it.live("an emptied folder is told, and what it asked for is forgotten, never destroyed", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      merge(box, { "prod/site.json": documentOf(2), "notes.txt": "" });
      const options = { ...optionsOf(box, cloud), path: "prod" };
      const run = runOnce(options).pipe(Effect.provideService(Store, store));
      assert.strictEqual((yield* run).verification.reason, "NoSignersNamed");
      box.git("rm", "-rq", "prod");
      merge(box, {});
      const emptied = yield* run;
      assert.strictEqual(emptied.verification.reason, "SourceEmptied");
      assert.match(emptied.verification.message, /restore the files/u);
      assert.strictEqual(alive(cloud), 2);
      const status = statusIn(box, "orphaned/FakeFleet.site.status.json");
      const condition = (type: string) => status.conditions.find((one) => one.type === type);
      assert.strictEqual(condition("Orphaned")?.status, "True");
      assert.strictEqual(condition("SourceVerified")?.reason, "SourceEmptied");
    }).pipe(Effect.provide(gitLayer)),
  );

  it.live("stores that take turns continue one history, each with its own chain", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const cloud = makeFakeCloud();
      const stores = [makeMemoryStore(), makeMemoryStore()] as const;
      for (const [turn, count] of [2, 3, 4, 5, 3].entries()) {
        merge(box, { "site.json": documentOf(count) });
        yield* runOn(box, cloud, stores[turn % 2 === 0 ? 0 : 1]);
        assert.strictEqual(alive(cloud), count, `turn ${turn}`);
      }
      const launched = cloud.mutations().filter(({ operation }) => operation === "create");
      assert.strictEqual(new Set(launched.map(({ name }) => name)).size, launched.length);
      const parents = box.inRemote("", "rev-list", "--parents", statusRef).split("\n");
      assert.isTrue(
        parents.every((line) => line.split(" ").length <= 2),
        "linear",
      );
      const audit = "refs/heads/muster/audit/default";
      const files = box.inRemote("", "ls-tree", "-r", "--name-only", audit).split("\n");
      for (const store of stores) {
        const chain = files.filter((file) => file.startsWith(`${store.id}/`));
        const lines = chain.flatMap((file) =>
          box.inRemote("", "show", `${audit}:${file}`).trim().split("\n"),
        );
        const entries = yield* store.auditEntries(0, 1_000);
        assert.deepStrictEqual(
          lines.map((line) => (JSON.parse(line) as { readonly seq: number }).seq),
          entries.map(({ seq }) => seq),
        );
      }
      const [taken] = yield* stores[1].auditEntries(0, 1);
      assert.isDefined(taken);
      assert.strictEqual(taken.action, "take-over");
      assert.strictEqual(taken.follows?.chain, stores[0].id);
    }).pipe(Effect.provide(gitLayer)),
  );

  it.live("a rewritten history is planned and not applied, until somebody accepts its head", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      merge(box, { "site.json": documentOf(3) });
      yield* runOn(box, cloud, store);
      box.git("checkout", "-q", "--orphan", "other");
      const head = box.commit({ "site.json": documentOf(1) });
      box.git("push", "-q", "--force", "origin", "HEAD:main");
      const held = yield* runOn(box, cloud, store);
      assert.isTrue(held.verification.rewritten);
      assert.strictEqual(alive(cloud), 3);
      assert.include(held.report.left[0]!.hold!.remedy, `muster approve ${head}`);
      const told = statusIn(box, "FakeFleet.site.status.json").conditions;
      assert.strictEqual(told.find(({ type }) => type === "SourceVerified")?.status, "False");
      yield* store.commit({
        owner: optionsOf(box, cloud).owner,
        puts: [
          {
            _tag: "Approval",
            digest: head,
            by: "ann",
            reason: "seen",
            at: "2026-05-01T12:00:00.000Z",
          },
        ],
      });
      const accepted = yield* runOn(box, cloud, store);
      assert.isFalse(accepted.verification.rewritten);
      assert.strictEqual(alive(cloud), 1);
    }).pipe(Effect.provide(gitLayer)),
  );

  it.live("a document that vanished is an orphan, one that cannot be read stops the run", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      merge(box, { "site.json": documentOf(2), "other.json": documentOf(1, "other") });
      yield* runOn(box, cloud, store);
      box.git("rm", "-q", "site.json");
      merge(box, {});
      yield* runOn(box, cloud, store);
      assert.strictEqual(alive(cloud), 3);
      const orphan = statusIn(box, "orphaned/FakeFleet.site.status.json");
      assert.strictEqual(orphan.conditions.find(({ type }) => type === "Orphaned")?.status, "True");
      const before = refsOf(box);
      yield* runOn(box, cloud, store);
      assert.strictEqual(refsOf(box), before, "told once");
      box.git("rm", "-q", "--cached", "other.json");
      box.inRemote("", "config", "receive.fsckObjects", "false");
      const link = box.git("hash-object", "-w", "other.json");
      box.git("update-index", "--add", "--cacheinfo", `120000,${link},other.json`);
      box.git("commit", "-q", "-m", "A link");
      box.pushMain();
      const stopped = yield* runOn(box, cloud, store);
      assert.match(stopped.report.diagnostics[0]!.file, /other\.json/u);
      assert.strictEqual(stopped.report.plans.length, 0);
      assert.strictEqual(alive(cloud), 3);
    }).pipe(Effect.provide(gitLayer)),
  );

  it.live("a store that lost its end is told, and pushes nothing over what git remembers", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const cloud = makeFakeCloud();
      const disk = makeMemoryDisk();
      merge(box, { "site.json": documentOf(1) });
      yield* runOn(box, cloud, makeMemoryStore({ disk }));
      const restored = makeMemoryDisk();
      restored.image = disk.image;
      merge(box, { "site.json": documentOf(3) });
      yield* runOn(box, cloud, makeMemoryStore({ disk }));
      const before = refsOf(box);
      const late = yield* runOn(box, cloud, makeMemoryStore({ disk: restored }));
      assert.match(late.unpublished?.message ?? "", /it lost its end/u);
      const audit = "muster/audit/default";
      const line = (refs: string) => refs.split("\n").find((ref) => ref.endsWith(audit));
      assert.strictEqual(line(refsOf(box)), line(before));
    }).pipe(Effect.provide(gitLayer)),
  );
});
