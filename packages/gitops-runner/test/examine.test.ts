// Holds what the examination of a remote proves, against real repositories of every kind, and that it leaves nothing.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import type * as Scope from "effect/Scope";
import { answersOf, examineRepository, type Finding } from "../src/examine.ts";
import type { Git } from "../src/git.ts";
import { gitLayer, makeSandbox, plainGit, type Sandbox } from "./sandbox.ts";

const test = <A, E>(name: string, body: Effect.Effect<A, E, Git | Scope.Scope>): void =>
  it.live(name, () => Effect.provide(body, gitLayer));

const fresh = Effect.map(makeSandbox, (box) => {
  box.commit({ "a.yaml": "a" });
  box.pushMain();
  return box;
});

const examined = (box: Sandbox, branch = "main") =>
  Effect.map(
    examineRepository({ repository: box.repository, branch, cache: box.cache, nonce: "0123abcd" }),
    (findings) => {
      for (const finding of findings) {
        if (finding.verdict === "failed" || finding.verdict === "warning") {
          expect(finding.remedy, finding.message).toBeTruthy();
        }
      }
      return findings;
    },
  );

const verdicts = (findings: ReadonlyArray<Finding>) =>
  Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));

const refsOf = (box: Sandbox): string => plainGit(box.remote, ["for-each-ref"]);

const hook = (box: Sandbox, name: string, body: string): void => {
  mkdirSync(join(box.remote, "hooks"), { recursive: true });
  writeFileSync(join(box.remote, "hooks", name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
};

describe("the examination of a remote", () => {
  test(
    "finds a plain bare repository fit, and open",
    Effect.gen(function* () {
      const box = yield* fresh;
      const before = refsOf(box);
      const findings = yield* examined(box);
      expect(verdicts(findings)).toEqual({
        ...{ reachable: "ok", write: "ok", lease: "ok", atomic: "ok" },
        ...{ history: "warning", watched: "warning", tidy: "ok" },
      });
      expect(findings.find(({ check }) => check === "history")?.message).toContain(
        "muster/audit/*",
      );
      expect(refsOf(box)).toBe(before);
      expect(plainGit(box.cache, ["for-each-ref"])).not.toContain("doctor");
    }),
  );

  test(
    "finds one fit and closed that protects branches by name",
    Effect.gen(function* () {
      const box = yield* fresh;
      hook(
        box,
        "update",
        `case "$1" in
          refs/heads/main) echo protected >&2; exit 1 ;;
          refs/heads/muster/lease/*) exit 0 ;;
        esac
        zero=0000000000000000000000000000000000000000
        [ "$2" = $zero ] && exit 0
        [ "$3" = $zero ] && exit 0
        git merge-base --is-ancestor "$2" "$3"`,
      );
      const before = refsOf(box);
      expect(verdicts(yield* examined(box))).toEqual({
        ...{ reachable: "ok", write: "ok", lease: "ok", atomic: "ok" },
        ...{ history: "ok", watched: "ok", tidy: "ok" },
      });
      expect(refsOf(box)).toBe(before);
    }),
  );

  test(
    "finds that no lease can be renewed where every branch only goes forward",
    Effect.gen(function* () {
      const box = yield* fresh;
      plainGit(box.remote, ["config", "receive.denyNonFastForwards", "true"]);
      const findings = yield* examined(box);
      expect(verdicts(findings)).toMatchObject({
        ...{ write: "ok", lease: "failed", atomic: "ok", history: "ok", tidy: "ok" },
      });
      expect(findings.find(({ check }) => check === "lease")?.remedy).toContain("muster/lease/*");
    }),
  );

  test(
    "fails where pushes are not atomic, and asks nothing of the watched branch then",
    Effect.gen(function* () {
      const box = yield* fresh;
      plainGit(box.remote, ["config", "receive.advertiseAtomic", "false"]);
      const before = refsOf(box);
      const findings = yield* examined(box);
      expect(verdicts(findings)).toMatchObject({
        write: "unknown",
        atomic: "failed",
        watched: "unknown",
      });
      expect(findings.find(({ check }) => check === "atomic")?.message).toContain("--atomic");
      expect(refsOf(box)).toBe(before);
    }),
  );

  test(
    "names the branch that is refused, and escapes what the remote says",
    Effect.gen(function* () {
      const box = yield* fresh;
      hook(box, "update", `case "$1" in refs/heads/muster/audit/*) exit 1 ;; esac`);
      const findings = yield* examined(box);
      expect(verdicts(findings)).toMatchObject({ write: "failed", lease: "unknown", tidy: "ok" });
      expect(findings.find(({ check }) => check === "write")?.message).toContain(
        "muster/audit/doctor-0123abcd: [remote rejected] (hook declined)",
      );
      const said = answersOf("!\tx:refs/heads/a\t[remote rejected] (\u001b[31m\u202e)\n");
      expect(said.get("refs/heads/a")).toBe("[remote rejected] (\\u{1b}[31m\\u{202e})");
    }),
  );

  test(
    "tells what it could not delete",
    Effect.gen(function* () {
      const box = yield* fresh;
      plainGit(box.remote, ["config", "receive.denyDeletes", "true"]);
      const findings = yield* examined(box);
      expect(verdicts(findings)).toMatchObject({ write: "ok", atomic: "ok", tidy: "warning" });
      expect(findings.at(-1)?.message).toContain("muster/lease/doctor-0123abcd");
    }),
  );

  test(
    "leaves nothing when it is interrupted",
    Effect.gen(function* () {
      const box = yield* fresh;
      const before = refsOf(box);
      const fiber = yield* Effect.forkChild(examined(box));
      yield* Effect.promise(async () => {
        while (!refsOf(box).includes("muster/status/doctor-")) await new Promise(setImmediate);
      });
      yield* Fiber.interrupt(fiber);
      expect(refsOf(box)).toBe(before);
    }),
  );

  test(
    "says what cannot be read, and tries nothing more",
    Effect.gen(function* () {
      const box = yield* fresh;
      const findings = yield* examined(box, "nowhere");
      expect(verdicts(findings)).toEqual({
        ...{ reachable: "failed", write: "unknown", lease: "unknown", atomic: "unknown" },
        ...{ history: "unknown", watched: "unknown" },
      });
      expect(findings[0]?.remedy).toContain("main");
    }),
  );
});
