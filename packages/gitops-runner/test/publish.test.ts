// Holds that refs move together, only from where they were seen, and never the watched branch.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, layer } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { parsePorcelain, push } from "../src/publish.ts";
import { copyRef, type RefUpdate } from "../src/refs.ts";
import { commitTree } from "../src/tree.ts";
import { gitLayer, makeSandbox, plainGit, type Sandbox } from "./sandbox.ts";

const status = "refs/heads/muster/status/default";
const lease = "refs/heads/muster/lease/default";

const commitOf = (sandbox: Sandbox, text: string) =>
  commitTree({ cache: sandbox.cache, files: new Map([["a", text]]), parents: [], subject: text });

const pushed = (sandbox: Sandbox, ...updates: ReadonlyArray<RefUpdate>) =>
  push({ cache: sandbox.cache, repository: sandbox.repository, updates });

layer(gitLayer)("push", (it) => {
  it.effect("moves refs and notes it in the copy", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const [one, two] = [yield* commitOf(sandbox, "1"), yield* commitOf(sandbox, "2")];
      yield* pushed(sandbox);
      yield* pushed(
        sandbox,
        { ref: status, to: one, expected: null },
        { ref: lease, to: one, expected: null },
      );
      yield* pushed(sandbox, { ref: status, to: two, expected: one });
      expect([sandbox.at(status), sandbox.at(lease)]).toEqual([two, one]);
      expect(plainGit(sandbox.cache, ["rev-parse", copyRef("status", "default")])).toBe(two);
      yield* pushed(
        sandbox,
        { ref: lease, to: two, expected: one },
        { ref: status, to: two, expected: two },
      );
      expect(sandbox.at(lease)).toBe(two);
    }),
  );

  it.effect("moves nothing when one ref is stale, and names that ref", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const one = yield* commitOf(sandbox, "1");
      const two = yield* commitOf(sandbox, "2");
      const three = yield* commitOf(sandbox, "3");
      yield* pushed(
        sandbox,
        { ref: status, to: one, expected: null },
        { ref: lease, to: two, expected: null },
      );
      for (const expected of [one, null]) {
        const error = yield* Effect.flip(
          pushed(
            sandbox,
            { ref: status, to: three, expected: one },
            { ref: lease, to: three, expected },
          ),
        );
        expect(error).toMatchObject({ reason: "Rejected", refs: [lease] });
        expect([sandbox.at(status), sandbox.at(lease)]).toEqual([one, two]);
      }
    }),
  );

  it.effect("takes the same commit of another for a loss, not for success", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const one = yield* commitOf(sandbox, "1");
      const update = { ref: lease, to: one, expected: null };
      yield* pushed(sandbox, update);
      expect(yield* Effect.flip(pushed(sandbox, update))).toMatchObject({
        reason: "Rejected",
        refs: [lease],
      });
    }),
  );

  it.effect("moves nothing when the remote refuses one ref", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const hook = join(sandbox.remote, "hooks", "update");
      writeFileSync(hook, '#!/bin/sh\ncase "$1" in *lease*) exit 1;; esac\n', { mode: 0o755 });
      const one = yield* commitOf(sandbox, "1");
      const error = yield* Effect.flip(
        pushed(
          sandbox,
          { ref: status, to: one, expected: null },
          { ref: lease, to: one, expected: null },
        ),
      );
      expect(error.reason).toBe("Denied");
      expect(error.remedy).toContain("muster/*");
      expect([sandbox.at(status), sandbox.at(lease)]).toEqual(["", ""]);
    }),
  );

  it.effect("is refused before any effect where pushes are not atomic", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      plainGit(sandbox.remote, ["config", "receive.advertiseAtomic", "false"]);
      const one = yield* commitOf(sandbox, "1");
      const error = yield* Effect.flip(pushed(sandbox, { ref: lease, to: one, expected: null }));
      expect(error.reason).toBe("NoAtomicPush");
      expect(error.remedy).toContain("receive.advertiseAtomic");
      expect(sandbox.at(lease)).toBe("");
    }),
  );

  it.effect("never writes to the watched branch or anything else that is not muster's", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const head = sandbox.commit({ a: "1" });
      sandbox.pushMain();
      const to = yield* commitOf(sandbox, "1");
      for (const ref of [
        "refs/heads/main",
        "refs/tags/muster/status/default",
        "refs/heads/muster/status/a/b",
        "refs/heads/muster/status/../../main",
        "refs/heads/muster/plan/default",
        "refs/heads/muster/status/default:refs/heads/main",
        "muster/status/default",
        "--delete",
      ]) {
        const error = yield* Effect.flip(pushed(sandbox, { ref, to, expected: head }));
        expect(error.reason, ref).toBe("Invalid");
      }
      for (const to of ["", "main", "0".repeat(39), `${head}:refs/heads/main`]) {
        const error = yield* Effect.flip(pushed(sandbox, { ref: status, to, expected: null }));
        expect(error.reason).toBe("Invalid");
      }
      expect(sandbox.at("refs/heads")).toBe(head);
    }),
  );

  it.effect("runs no hook of the copy", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const proof = join(sandbox.folder, "ran");
      plainGit(sandbox.cache, ["config", "core.hooksPath", sandbox.folder]);
      const hook = join(sandbox.folder, "pre-push");
      writeFileSync(hook, `#!/bin/sh\ntouch ${proof}\n`, { mode: 0o755 });
      const one = yield* commitOf(sandbox, "1");
      yield* pushed(sandbox, { ref: lease, to: one, expected: null });
      expect(sandbox.at(lease)).toBe(one);
      expect(existsSync(proof)).toBe(false);
    }),
  );
});

describe("the porcelain", () => {
  it("is read by its flag column, whatever the prose says", () => {
    const output = [
      "To file:///x",
      `!\tabc:${status}\t[rejected] (something new in git 9)`,
      `=\tabc:${lease}\t[up to date]`,
      "*\tabc:refs/heads/muster/audit/a\t[new branch]",
      " \tabc:refs/heads/muster/audit/b\tabc..def",
      "+\tabc:refs/heads/muster/audit/c\tabc...def (forced update)",
      "Done",
    ].join("\n");
    expect([...parsePorcelain(output).values()]).toEqual(["!", "=", "*", " ", "+"]);
  });
});
