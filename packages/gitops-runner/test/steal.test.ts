// Stealing a lease branch: its holder is fenced at its next push, and a branch that nobody can read is repaired.

import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import { openCache } from "../src/cache.ts";
import { GitError } from "../src/error.ts";
import { fetchBranch } from "../src/fetch.ts";
import type { Git } from "../src/git.ts";
import { makeGitLease } from "../src/lease.ts";
import { push } from "../src/publish.ts";
import { type GitLeaseLook, lookAtLease, stealLease } from "../src/steal.ts";
import { commitTree } from "../src/tree.ts";
import { gitLayer, makeSandbox, type Sandbox } from "./sandbox.ts";

const ref = "refs/heads/muster/lease/default";
const status = "refs/heads/muster/status/default";

const test = <A, E>(name: string, body: () => Effect.Effect<A, E, Git | Scope.Scope>): void =>
  it.effect(name, () => Effect.provide(body(), gitLayer));

const ready = Effect.gen(function* () {
  const sandbox = yield* makeSandbox;
  sandbox.commit({ a: "1" });
  sandbox.pushMain();
  const place = { ...sandbox, environment: "default" };
  return { sandbox, place, thief: { ...place, holder: "ann@laptop" } };
});

const makeRunner = (sandbox: Sandbox, name: string) =>
  Effect.gen(function* () {
    const cache = join(sandbox.folder, `cache-${name}`);
    yield* openCache(cache);
    const at = { repository: sandbox.repository, environment: "default", cache };
    const lease = yield* makeGitLease({ ...at, holder: name });
    const claim = Effect.gen(function* () {
      yield* fetchBranch({ ...at, branch: "main" });
      return yield* lease.claim(yield* lease.look);
    });
    return { ...at, claim };
  });

const standing = (look: GitLeaseLook) => {
  if (look.state === "absent") throw new Error("there is no lease");
  return look;
};

describe("a stolen lease", () => {
  test("fences a real holder: its release cannot carry a status with it, and its check fails", () =>
    Effect.gen(function* () {
      const { sandbox, place, thief } = yield* ready;
      const bob = yield* makeRunner(sandbox, "bob");
      const held = yield* bob.claim;
      const seen = standing(yield* lookAtLease(place));
      expect(seen).toMatchObject({ state: "held", version: 1, holder: "bob", until: 120_000 });
      const { version, commit } = yield* stealLease(thief, seen);
      expect(version).toBe(2);
      expect(sandbox.at(ref)).toBe(commit);
      yield* held.check;
      const word = { cache: bob.cache, files: new Map([["x", "late"]]), parents: [], subject: "x" };
      const late = yield* commitTree(word);
      const update = { ref: status, to: late, expected: null };
      const error = yield* Effect.flip(
        held.withRelease((release) => push({ ...bob, updates: [update, release] })),
      );
      expect(error).toMatchObject({ _tag: "LeaseError", reason: "Lost" });
      expect(sandbox.at(status)).toBe("");
      expect((yield* Effect.flip(held.check)).reason).toBe("Lost");
      expect(sandbox.at(ref)).toBe(commit);
    }));

  test("is free at once, under a version that only rises", () =>
    Effect.gen(function* () {
      const { sandbox, place, thief } = yield* ready;
      const bob = yield* makeRunner(sandbox, "bob");
      yield* bob.claim;
      yield* stealLease(thief, standing(yield* lookAtLease(place)));
      expect(yield* lookAtLease(place)).toMatchObject({
        ...{ state: "free", version: 2, holder: "ann@laptop" },
        movedAt: 0,
      });
      const eve = yield* makeRunner(sandbox, "eve");
      expect((yield* eve.claim).version).toBe(3);
    }));

  test("is the claim that was seen, renewed or not, and never another's", () =>
    Effect.gen(function* () {
      const { sandbox, place, thief } = yield* ready;
      const bob = yield* makeRunner(sandbox, "bob");
      const held = yield* bob.claim;
      const seen = standing(yield* lookAtLease(place));
      yield* held.withRenewal((renewal) => push({ ...bob, updates: [renewal] }));
      expect(sandbox.at(ref)).not.toBe(seen.commit);
      expect((yield* stealLease(thief, seen)).version).toBe(2);
      const eve = yield* makeRunner(sandbox, "eve");
      const theirs = yield* eve.claim;
      const error = yield* Effect.flip(stealLease(thief, seen));
      expect(error).toMatchObject({ _tag: "LeaseError", reason: "Taken" });
      yield* theirs.check;
    }));
});

const writeLease = (sandbox: Sandbox, text: string): void => {
  const blob = sandbox.inRemote(text, "hash-object", "-w", "--stdin");
  const tree = sandbox.inRemote(`100644 blob ${blob}\tlease.json\n`, "mktree");
  sandbox.inRemote("", "update-ref", ref, sandbox.inRemote("", "commit-tree", "-m", "x", tree));
};

describe("a lease branch that somebody else wrote", () => {
  test("is told as unreadable and repaired, under a version that no counting reaches", () =>
    Effect.gen(function* () {
      const { sandbox, place, thief } = yield* ready;
      yield* TestClock.setTime(1_785_000_000_000);
      const highest = JSON.stringify({
        ...{ format: 1, version: 2 ** 50, holder: "x", nonce: "n" },
        expiresAt: "2999-01-01T00:00:00.000Z",
      });
      for (const [text, state] of [
        ["rubbish", "unreadable"],
        ["x".repeat(1_000_000), "unreadable"],
        [highest, "held"],
      ] as const) {
        writeLease(sandbox, text);
        const seen = standing(yield* lookAtLease(place));
        expect(seen.state).toBe(state);
        expect((yield* stealLease(thief, seen)).version).toBe(1_785_000_000);
        const eve = yield* makeRunner(sandbox, "eve");
        expect((yield* Effect.scoped(eve.claim)).version).toBe(1_785_000_001);
      }
    }));

  test("is left alone when it moved again since", () =>
    Effect.gen(function* () {
      const { sandbox, place, thief } = yield* ready;
      writeLease(sandbox, "rubbish");
      const seen = standing(yield* lookAtLease(place));
      writeLease(sandbox, "other rubbish");
      const before = sandbox.at(ref);
      expect((yield* Effect.flip(stealLease(thief, seen)))._tag).toBe("LeaseError");
      expect(sandbox.at(ref)).toBe(before);
    }));

  test("is not there when nobody claimed it yet, and a remote that is gone is an error", () =>
    Effect.gen(function* () {
      const { sandbox, place } = yield* ready;
      expect(yield* lookAtLease(place)).toEqual({
        state: "absent",
        branch: "muster/lease/default",
      });
      const gone = { ...place.repository, url: `${place.repository.url}-gone` };
      const error = yield* Effect.flip(lookAtLease({ ...place, repository: gone }));
      expect(error).toBeInstanceOf(GitError);
      expect(sandbox.at(ref)).toBe("");
    }));
});
