// Counts the git processes of a run: a quiet repository costs one look, whatever there is to read.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeMemoryStore } from "@muster/core/store/memory";
import { Store } from "@muster/core/store/store";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { fakePace } from "@muster/testkit/fleet/turn";
import type { GitRequest } from "../src/git.ts";
import { runOnce, type RunOptions } from "../src/run.ts";
import { ownerOf } from "../src/url.ts";
import { makeSandbox, recordingLayer } from "./sandbox.ts";

const documentOf = (count: number): string =>
  JSON.stringify({
    kind: "FakeFleet",
    metadata: { name: "site" },
    spec: { groups: [{ name: "web", count }] },
  });

const log: Array<GitRequest> = [];

describe("the git processes of a run", () => {
  it.live("are few, and one when nothing moved", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const options: RunOptions = {
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
      };
      const operations = Effect.gen(function* () {
        log.length = 0;
        yield* runOnce(options).pipe(Effect.provideService(Store, store));
        return log.map(({ operation }) => operation);
      });
      const remote = (words: ReadonlyArray<string>) =>
        words.filter((word) => ["ls-remote", "fetch", "push"].includes(word));
      box.commit({ "site.json": documentOf(2) });
      box.pushMain();
      const first = yield* operations;
      expect(remote(first)).toEqual(["ls-remote", "fetch", "push", "push"]);
      expect(first.length).toBeLessThanOrEqual(16);
      expect((yield* operations).length).toBeLessThanOrEqual(7);
      for (let tick = 0; tick < 5; tick++) {
        // The look; and the lease, which is read by its name.
        expect((yield* operations).filter((word) => word !== "lease")).toEqual(["ls-remote"]);
      }
      box.commit({ "site.json": documentOf(3) });
      box.pushMain();
      const changed = yield* operations;
      expect(remote(changed)).toEqual(["ls-remote", "fetch", "push", "push"]);
      expect(changed.length).toBeLessThanOrEqual(18);
      yield* operations;
      box.commit({ "notes.txt": "of no interest" });
      box.pushMain();
      const unrelated = yield* operations;
      expect(remote(unrelated)).toEqual(["ls-remote", "fetch"]);
      expect(unrelated.length).toBeLessThanOrEqual(8);
      expect((yield* operations).length).toBeLessThanOrEqual(2);
    }).pipe(Effect.provide(recordingLayer(log))),
  );
});
