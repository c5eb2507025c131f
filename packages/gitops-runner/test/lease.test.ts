// Holds that of all who want the lease one gets it, and that who lost it learns so and writes nothing.

import { renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import { openCache } from "../src/cache.ts";
import { GitError } from "../src/error.ts";
import { fetchBranch } from "../src/fetch.ts";
import { Git, type GitRequest } from "../src/git.ts";
import { heldUntil, parseLease } from "../src/lease-file.ts";
import { makeGitLease, type GitLeaseOptions } from "../src/lease.ts";
import { push } from "../src/publish.ts";
import { commitTree } from "../src/tree.ts";
import { gitLayer, makeSandbox, recordingLayer, type Sandbox } from "./sandbox.ts";

const ref = "refs/heads/muster/lease/default";
const status = "refs/heads/muster/status/default";

/** A runner of its own: its own copy, freshly fetched. */
const makeRunner = (sandbox: Sandbox, name: string, options: Partial<GitLeaseOptions> = {}) =>
  Effect.gen(function* () {
    const cache = join(sandbox.folder, `cache-${name}`);
    yield* openCache(cache);
    const repository = sandbox.repository;
    const sync = fetchBranch({ repository, branch: "main", environment: "default", cache });
    yield* sync;
    const lease = yield* makeGitLease({
      ...{ cache, repository, environment: "default", holder: name },
      ...options,
    });
    return { cache, repository, sync, ...lease };
  });

const ready = Effect.gen(function* () {
  const sandbox = yield* makeSandbox;
  sandbox.commit({ a: "1" });
  sandbox.pushMain();
  return sandbox;
});

/** Lets real processes go on until something has come true. */
const until = (true_: () => boolean): Effect.Effect<void> =>
  Effect.promise(async () => {
    while (!true_()) await new Promise(setImmediate);
  });

/** A test with its own clock, which a shared layer would not give. */
const testWith =
  (gits: Layer.Layer<Git, GitError>) =>
  <A, E>(name: string, body: () => Effect.Effect<A, E, Git | Scope.Scope>): void =>
    it.effect(name, () => Effect.provide(body(), gits));

const writeLease = (sandbox: Sandbox, text: string, file = "lease.json"): void => {
  const blob = sandbox.inRemote(text, "hash-object", "-w", "--stdin");
  const tree = sandbox.inRemote(`100644 blob ${blob}\t${file}\n`, "mktree");
  const commit = sandbox.inRemote("", "commit-tree", "-m", "x", tree);
  sandbox.inRemote("", "update-ref", ref, commit);
};

const content = (change: Record<string, unknown> = {}): string =>
  JSON.stringify({
    ...{
      format: 1,
      version: 7,
      holder: "other",
      nonce: "n",
      expiresAt: "1970-01-01T00:01:00.000Z",
    },
    ...change,
  });

describe("the lease", () => {
  const test = testWith(gitLayer);

  test("is claimed, seen by others, and released at the end of the scope", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const [ann, bob] = [yield* makeRunner(sandbox, "ann"), yield* makeRunner(sandbox, "bob")];
      const free = yield* ann.look;
      expect(free).toEqual({ version: 0, holder: null, heldUntil: null, handle: "" });
      yield* Effect.scoped(
        Effect.gen(function* () {
          const held = yield* ann.claim(free);
          expect(held).toMatchObject({ version: 1 });
          yield* held.check;
          yield* bob.sync;
          const seen = yield* bob.look;
          expect(seen).toMatchObject({ version: 1, holder: "ann", heldUntil: 120_000 });
          expect(seen.handle).toBe(sandbox.at(ref));
          const refusal = yield* Effect.flip(Effect.scoped(bob.claim(seen)));
          expect(refusal.reason).toBe("Taken");
          expect(refusal.message).toContain("ann holds the lease until 1970-01-01T00:02:00.000Z");
          const blind = yield* Effect.flip(Effect.scoped(bob.claim(free)));
          expect(blind.reason).toBe("Taken");
        }),
      );
      yield* bob.sync;
      expect(yield* bob.look).toMatchObject({ version: 1, holder: null, heldUntil: null });
      const next = yield* Effect.scoped(Effect.flatMap(bob.look, bob.claim));
      expect(next.version).toBe(2);
      expect(sandbox.inRemote("", "rev-list", "--count", ref)).toBe("1");
    }));

  test("goes to exactly one of two who claim what both saw", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      // The same name, the same second: only the nonce tells them apart.
      const runners = [
        yield* makeRunner(sandbox, "x"),
        yield* makeRunner(sandbox, "x2", { holder: "x" }),
      ];
      const seen = yield* runners[0]!.look;
      const claims = yield* Effect.forEach(runners, (runner) => Effect.result(runner.claim(seen)), {
        concurrency: 2,
      });
      expect(claims.filter(Result.isSuccess)).toHaveLength(1);
      const loser = claims.find(Result.isFailure);
      expect(loser?.failure.reason).toBe("Taken");
    }));

  test("goes to one even when both build the very same commit", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const same = { nonce: Effect.succeed("same") };
      const ann = yield* makeRunner(sandbox, "x", same);
      const bob = yield* makeRunner(sandbox, "x2", { ...same, holder: "x" });
      const seen = yield* ann.look;
      yield* ann.claim(seen);
      const refusal = yield* Effect.flip(bob.claim(seen));
      expect(refusal.reason).toBe("Taken");
    }));

  test("is taken over once it ended, by exactly the commit that was seen", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      writeLease(sandbox, content());
      const ann = yield* makeRunner(sandbox, "ann");
      expect(yield* ann.look).toMatchObject({ version: 7, holder: "other", heldUntil: 60_000 });
      yield* TestClock.adjust("61 seconds");
      const seen = yield* ann.look;
      expect(seen).toMatchObject({ version: 7, holder: null, heldUntil: null });
      writeLease(sandbox, content({ version: 8 }));
      expect((yield* Effect.flip(ann.claim(seen))).reason).toBe("Taken");
      yield* ann.sync;
      expect((yield* Effect.flatMap(ann.look, ann.claim)).version).toBe(9);
    }));

  test("is not believed for longer than one time to live", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      writeLease(sandbox, content({ expiresAt: "2999-01-01T00:00:00.000Z" }));
      const ann = yield* makeRunner(sandbox, "ann");
      expect((yield* ann.look).heldUntil).toBe(120_000);
      yield* TestClock.adjust("119 seconds");
      expect((yield* ann.look).heldUntil).toBe(120_000);
      yield* TestClock.adjust("2 seconds");
      const seen = yield* ann.look;
      expect(seen.heldUntil).toBe(null);
      expect((yield* ann.claim(seen)).version).toBe(8);
    }));

  test("that nobody of muster wrote cannot be claimed, and the remedy says how to repair it", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      for (const text of [
        ...["", "{}", "[]", "null", "not json", content({ format: 2 }), content({ version: 0 })],
        ...[content({ version: 1.5 }), content({ version: 2 ** 52 }), content({ version: "7" })],
        ...[content({ expiresAt: "soon" }), content({ expiresAt: "1970-13-01T00:00:00.000Z" })],
        ...[
          content({ holder: "" }),
          content({ holder: "x".repeat(5_000) }),
          content({ nonce: "" }),
        ],
        "x".repeat(1_000_000),
      ]) {
        writeLease(sandbox, text);
        const ann = yield* makeRunner(sandbox, "ann");
        const error = yield* Effect.flip(ann.look);
        expect(error.reason, text.slice(0, 80)).toBe("Unavailable");
        expect(error.message).toContain("muster/lease/default");
        expect(error.remedy).toContain("muster lease steal");
      }
      writeLease(sandbox, content(), "other.json");
      const ann = yield* makeRunner(sandbox, "ann");
      expect((yield* Effect.flip(ann.look)).reason).toBe("Unavailable");
    }));

  test("refuses times that do not fit", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      for (const times of [{ timeToLive: 121_000 }, { timeToLive: 0 }, { margin: 61_000 }]) {
        const error = yield* Effect.flip(makeRunner(sandbox, "ann", times));
        expect(error.reason).toBe("Invalid");
      }
    }));
});

const log: Array<GitRequest> = [];
const pushes = { ended: 0 };
const counting = recordingLayer(log, (request) => {
  if (request.operation === "push") pushes.ended++;
});

describe("a held lease", () => {
  const test = testWith(counting);

  test("is renewed at a third of its time, and so outlives it", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const ann = yield* makeRunner(sandbox, "ann");
      const held = yield* Effect.flatMap(ann.look, ann.claim);
      for (let round = 0; round < 4; round++) {
        const [before, ended] = [sandbox.at(ref), pushes.ended];
        yield* TestClock.adjust("40 seconds");
        yield* until(() => pushes.ended > ended && sandbox.at(ref) !== before);
        // The renewal's fiber has to hear of it before time goes on.
        yield* held.withRenewal(() => Effect.fail("not now")).pipe(Effect.ignore);
      }
      yield* held.check;
      yield* ann.sync;
      expect(yield* ann.look).toMatchObject({ version: 1, holder: "ann", heldUntil: 280_000 });
    }));

  test("is lost in time when the remote cannot be reached", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const ann = yield* makeRunner(sandbox, "ann");
      const held = yield* Effect.flatMap(ann.look, ann.claim);
      renameSync(sandbox.remote, `${sandbox.remote}.away`);
      const ended = pushes.ended;
      yield* TestClock.adjust("40 seconds");
      yield* until(() => pushes.ended > ended);
      yield* held.check;
      yield* TestClock.adjust("50 seconds");
      const error = yield* held.lost.pipe(Effect.flip);
      expect(error.reason).toBe("Lost");
      expect(yield* Effect.flip(held.check)).toMatchObject({ reason: "Lost" });
      renameSync(`${sandbox.remote}.away`, sandbox.remote);
    }));

  test("does not pass the check within the margin", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const ann = yield* makeRunner(sandbox, "ann");
      const held = yield* Effect.flatMap(ann.look, ann.claim);
      renameSync(sandbox.remote, `${sandbox.remote}.away`);
      yield* TestClock.adjust("89 seconds");
      yield* held.check;
      yield* TestClock.adjust("1 second");
      expect((yield* Effect.flip(held.check)).reason).toBe("Lost");
    }));

  test("is lost to who took it, and its runner cannot write status any more", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const ann = yield* makeRunner(sandbox, "ann");
      const held = yield* Effect.flatMap(ann.look, ann.claim);
      writeLease(sandbox, content({ version: 2 }));
      const taken = sandbox.at(ref);
      const to = yield* commitTree({
        ...{ cache: ann.cache, files: new Map([["a", "a"]]), parents: [], subject: "status" },
      });
      const late = held.withRenewal((renewal) =>
        push({ ...ann, updates: [renewal, { ref: status, to, expected: null }] }),
      );
      expect(yield* Effect.flip(late)).toMatchObject({ _tag: "LeaseError", reason: "Lost" });
      expect([sandbox.at(status), sandbox.at(ref)]).toEqual(["", taken]);
      expect((yield* Effect.flip(held.lost)).message).toContain("another runner took");
      expect((yield* Effect.flip(held.check)).reason).toBe("Lost");
    }));

  test("learns by its own renewal that it was taken", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const ann = yield* makeRunner(sandbox, "ann");
      const held = yield* Effect.flatMap(ann.look, ann.claim);
      sandbox.inRemote("", "update-ref", "-d", ref);
      yield* TestClock.adjust("40 seconds");
      expect((yield* Effect.flip(held.lost)).reason).toBe("Lost");
      expect(sandbox.at(ref)).toBe("");
    }));

  test("recognises its own renewal whose answer got lost", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const ann = yield* makeRunner(sandbox, "ann");
      const held = yield* Effect.flatMap(ann.look, ann.claim);
      const deaf = new GitError({ reason: "TimedOut", operation: "push", message: "no answer" });
      const answer = yield* Effect.flip(
        held.withRenewal((renewal) =>
          Effect.andThen(push({ ...ann, updates: [renewal] }), Effect.fail(deaf)),
        ),
      );
      expect(answer).toBe(deaf);
      const to = yield* commitTree({
        ...{ cache: ann.cache, files: new Map([["a", "a"]]), parents: [], subject: "status" },
      });
      yield* held.withRenewal((renewal) =>
        push({ ...ann, updates: [renewal, { ref: status, to, expected: null }] }),
      );
      expect(sandbox.at(status)).toBe(to);
      yield* held.check;
    }));

  test("is released by the status push, and then no push follows", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const ann = yield* makeRunner(sandbox, "ann");
      const scope = yield* Scope.make();
      const held = yield* Scope.provide(Effect.flatMap(ann.look, ann.claim), scope);
      const to = yield* commitTree({
        ...{ cache: ann.cache, files: new Map([["a", "a"]]), parents: [], subject: "status" },
      });
      yield* held.withRelease((release) =>
        push({ ...ann, updates: [release, { ref: status, to, expected: null }] }),
      );
      expect((yield* Effect.flip(held.check)).message).toContain("released");
      const ended = pushes.ended;
      yield* TestClock.adjust("5 minutes");
      yield* Scope.close(scope, Exit.void);
      expect(pushes.ended).toBe(ended);
      expect(sandbox.at(status)).toBe(to);
      expect(yield* ann.look).toMatchObject({ version: 1, holder: null, heldUntil: null });
    }));
});

/** A git whose pushes arrive although their answer does not. */
const deafLayer = Layer.effect(
  Git,
  Effect.map(Git, (git) => ({
    ...git,
    run: (request: GitRequest) =>
      request.operation === "push"
        ? Effect.andThen(
            git.run(request),
            Effect.fail(
              new GitError({ reason: "Unreachable", operation: "push", message: "no answer" }),
            ),
          )
        : git.run(request),
  })),
).pipe(Layer.provide(gitLayer));

describe("a claim without an answer", () => {
  const test = testWith(deafLayer);

  test("is read back, never assumed", () =>
    Effect.gen(function* () {
      const sandbox = yield* ready;
      const ann = yield* makeRunner(sandbox, "ann");
      const held = yield* Effect.flatMap(ann.look, ann.claim);
      expect(held.version).toBe(1);
      expect(sandbox.at(ref)).not.toBe("");
    }));
});

describe("a lease file", () => {
  it("says when it ends, at most one time to live from its first sight", () => {
    const parsed = parseLease(Buffer.from(content()))!;
    expect(parsed).toEqual({ version: 7, holder: "other", nonce: "n", expiresAt: 60_000 });
    const times = { firstSeen: 0, now: 10_000, timeToLive: 30_000 };
    expect(heldUntil(parsed, times)).toBe(30_000);
    expect(heldUntil(parsed, { ...times, now: 30_000 })).toBe(null);
    expect(heldUntil(parsed, { ...times, timeToLive: 90_000 })).toBe(60_000);
  });
});
