// Holds what is fetched from a repository that may mean harm, and that nothing is when nothing moved.

import { existsSync, mkdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, layer } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import { openCache, tidyCache } from "../src/cache.ts";
import { fetchBranch } from "../src/fetch.ts";
import type { GitRequest } from "../src/git.ts";
import { branchFault } from "../src/refs.ts";
import { gitLayer, makeSandbox, plainGit, recordingLayer, type Sandbox } from "./sandbox.ts";

const request = (sandbox: Sandbox) => ({
  repository: sandbox.repository,
  branch: "main",
  environment: "default",
  cache: sandbox.cache,
});

layer(gitLayer)("fetchBranch", (it) => {
  it.effect("brings the branch and muster's own, and drops what was deleted", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const first = sandbox.commit({ "a.yaml": "a" });
      sandbox.pushMain();
      const status = "refs/heads/muster/status/default";
      expect(yield* fetchBranch(request(sandbox))).toEqual({
        head: first,
        status: null,
        lease: null,
        audit: null,
        moved: true,
        news: ["source"],
      });
      sandbox.git("push", "-q", "origin", `HEAD:${status}`);
      sandbox.git("push", "-q", "origin", "HEAD:refs/heads/muster/status/other");
      expect(yield* fetchBranch(request(sandbox))).toMatchObject({
        ...{ status: first, lease: null, news: ["status"] },
      });
      sandbox.git("push", "-q", "origin", `:${status}`);
      expect(yield* fetchBranch(request(sandbox))).toMatchObject({ status: null, moved: true });
    }),
  );

  it.effect("takes a rewritten branch as it is", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      sandbox.commit({ a: "1" });
      sandbox.commit({ a: "2" });
      sandbox.pushMain();
      yield* fetchBranch(request(sandbox));
      sandbox.git("reset", "-q", "--hard", "HEAD~1");
      const other = sandbox.commit({ a: "3" });
      sandbox.pushMain();
      expect((yield* fetchBranch(request(sandbox))).head).toBe(other);
    }),
  );

  it.effect("follows a branch name that becomes a folder of names", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      sandbox.commit({ a: "1" });
      sandbox.git("push", "-q", "origin", "HEAD:topic");
      yield* fetchBranch({ ...request(sandbox), branch: "topic" });
      sandbox.git("push", "-q", "origin", ":topic");
      sandbox.git("push", "-q", "origin", "HEAD:topic/x");
      const seen = yield* fetchBranch({ ...request(sandbox), branch: "topic/x" });
      expect(seen.head).toBe(sandbox.git("rev-parse", "HEAD"));
    }),
  );

  it.effect("tells an empty repository from a missing branch", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const empty = yield* Effect.flip(fetchBranch(request(sandbox)));
      expect(empty).toMatchObject({ reason: "RepositoryEmpty" });
      expect(empty.message).toContain("empty");
      sandbox.commit({ a: "1" });
      sandbox.git("push", "-q", "origin", "HEAD:trunk");
      const missing = yield* Effect.flip(fetchBranch(request(sandbox)));
      expect(missing).toMatchObject({ reason: "BranchMissing" });
      expect(missing.remedy).toContain("trunk");
    }),
  );

  it.effect("fails with RepositoryMissing where there is no repository", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const nowhere = { ...sandbox.repository, url: `file://${sandbox.folder}/nowhere` };
      const error = yield* Effect.flip(fetchBranch({ ...request(sandbox), repository: nowhere }));
      expect(error.reason).toBe("RepositoryMissing");
    }),
  );

  it.effect("fails with Unreachable where nobody listens", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const repository = {
        scheme: "https",
        url: "https://127.0.0.1:1/a",
        normalised: "https://127.0.0.1:1/a",
      } as const;
      const error = yield* Effect.flip(fetchBranch({ ...request(sandbox), repository }));
      expect(error.reason).toBe("Unreachable");
    }),
  );

  it.effect("refuses objects that fail git's checks", () =>
    Effect.gen(function* () {
      for (const name of ["..", ".git"]) {
        const sandbox = yield* makeSandbox;
        const blob = sandbox.inRemote("evil", "hash-object", "-w", "--stdin");
        const tree = sandbox.inRemote(`100644 blob ${blob}\t${name}\n`, "mktree");
        const outer = sandbox.inRemote(`040000 tree ${tree}\tx\n`, "mktree");
        const commit = sandbox.inRemote("", "commit-tree", "-m", "evil", outer);
        sandbox.inRemote("", "update-ref", "refs/heads/main", commit);
        const error = yield* Effect.flip(fetchBranch(request(sandbox)));
        expect(error.reason).toBe("Corrupt");
        expect(plainGit(sandbox.cache, ["for-each-ref"])).toBe("");
      }
    }),
  );

  it.effect("refuses remote helpers even when handed one", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const proof = join(sandbox.folder, "ran");
      const repository = {
        scheme: "file",
        url: `ext::sh -c touch% ${proof}`,
        normalised: "",
      } as const;
      const error = yield* Effect.flip(fetchBranch({ ...request(sandbox), repository }));
      expect(error.reason).toBe("Unsupported");
      expect(existsSync(proof)).toBe(false);
    }),
  );

  it.effect("runs no hook of the copy and heeds no setting of the machine", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const proof = join(sandbox.folder, "ran");
      mkdirSync(join(sandbox.cache, "hooks"));
      for (const hook of ["reference-transaction", "post-checkout", "post-merge", "pre-push"]) {
        const path = join(sandbox.cache, "hooks", hook);
        writeFileSync(path, `#!/bin/sh\ntouch ${proof}\n`, { mode: 0o755 });
      }
      sandbox.commit({ a: "1" });
      sandbox.pushMain();
      expect((yield* fetchBranch(request(sandbox))).moved).toBe(true);
      expect(existsSync(proof)).toBe(false);
    }),
  );
});

describe("a cycle without news", () => {
  const log: Array<GitRequest> = [];
  layer(recordingLayer(log))((it) => {
    it.effect("needs one git process, the look", () =>
      Effect.gen(function* () {
        const sandbox = yield* makeSandbox;
        const head = sandbox.commit({ a: "1" });
        sandbox.pushMain();
        yield* fetchBranch(request(sandbox));
        log.length = 0;
        expect(yield* fetchBranch(request(sandbox))).toMatchObject({ head, moved: false });
        expect(log.map((entry) => entry.operation)).toEqual(["ls-remote"]);
      }),
    );
  });
});

layer(gitLayer)("the copy", (it) => {
  it.effect("is private, opened twice, and cleared of old locks", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      expect(statSync(sandbox.cache).mode & 0o777).toBe(0o700);
      const old = join(sandbox.cache, "packed-refs.lock");
      const young = join(sandbox.cache, "refs", "young.lock");
      writeFileSync(old, "");
      writeFileSync(young, "");
      utimesSync(old, 0, 0);
      utimesSync(young, 3 * 3600, 3 * 3600);
      yield* TestClock.adjust("3 hours");
      yield* openCache(sandbox.cache);
      expect(existsSync(old)).toBe(false);
      expect(existsSync(young)).toBe(true);
      expect(yield* tidyCache(sandbox.cache)).toBe(false);
    }),
  );

  it.effect("is refused where there is no folder of ours", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const file = join(sandbox.folder, "file");
      writeFileSync(file, "");
      expect((yield* Effect.flip(openCache(file))).reason).toBe("Denied");
    }),
  );
});

describe("branch names", () => {
  it("are refused where git would, and where muster writes", () => {
    for (const name of ["main", "release/1.x", "a%2Fb", "ünï"]) {
      expect(branchFault(name), name).toBeUndefined();
    }
    for (const name of [
      ...["", "-x", "--upload-pack=x", "a..b", "a b", "a:b", "a~1", "a^", "a*", "a\\b"],
      ...["/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.", "@", "a@{1}", "a\n", "refs/heads/a"],
      ...["muster/status/default", "x".repeat(201)],
    ]) {
      expect(branchFault(name), name).toBeDefined();
    }
  });
});
