// Holds what a git process gets to see, and that none outlives its time or its caller.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, layer } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { Git } from "../src/git.ts";
import { gitLayer, makeSandbox, temporaryFolder } from "./sandbox.ts";

const token = "ghp_tokenThatNobodyMaySee";

const hostile = {
  PATH: process.env["PATH"],
  HOME: "/home/somebody",
  GIT_SSH_COMMAND: "touch /tmp/x",
  GIT_CONFIG_COUNT: "1",
  GIT_CONFIG_KEY_0: "core.hooksPath",
  GIT_CONFIG_VALUE_0: "/evil",
  GIT_DIR: "/evil",
  GIT_ALLOW_PROTOCOL: "ext",
  LD_PRELOAD: "",
  AWS_SECRET_ACCESS_KEY: "secret",
  MUSTER_GIT_TOKEN: token,
};

/** A program in place of git that tells how it was started. */
const spy = (folder: string, body: string): string => {
  const path = join(folder, "spy");
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
};

const spied = (body: string, reach: "local" | "file" | "https" | "ssh") =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder;
    const binary = spy(folder, body);
    const run = Effect.flatMap(Git, (git) =>
      git.run({ operation: "fetch", folder: "/copy", arguments: ["fetch", "x"], reach }),
    );
    return yield* run.pipe(
      Effect.provide(Git.layer({ environment: hostile, binary })),
      Effect.map((answer) => answer.output.toString("utf8")),
    );
  });

describe("a git process", () => {
  it.effect("sees a fixed environment and nothing of the machine's git settings", () =>
    Effect.gen(function* () {
      const names = (yield* spied("env", "file"))
        .split("\n")
        .map((line) => line.split("=")[0])
        .filter((name) => name !== "" && name !== "_" && name !== "PWD" && name !== "SHLVL");
      expect(names.toSorted()).toEqual(
        [
          ...["GIT_ATTR_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_DIR"],
          ...["GIT_GRAFT_FILE", "GIT_NO_LAZY_FETCH"],
          ...["GIT_NO_REPLACE_OBJECTS", "GIT_OPTIONAL_LOCKS", "GIT_TERMINAL_PROMPT", "GNUPGHOME"],
          ...["HOME", "LC_ALL", "PATH", "TZ", "XDG_CONFIG_HOME"],
        ].toSorted(),
      );
    }),
  );

  it.effect("gets the token by askpass, only for https and never as an argument", () =>
    Effect.gen(function* () {
      const ask =
        '"$GIT_ASKPASS" "Username for"; "$GIT_ASKPASS" "Password for"; stat -c %a "$GIT_ASKPASS"';
      expect(yield* spied(ask, "https")).toBe(`x-access-token\n${token}\n700\n`);
      expect(yield* spied("env", "file")).not.toContain(token);
      expect(yield* spied("env", "local")).not.toContain(token);
      expect(yield* spied("env", "ssh")).not.toContain(token);
      const commandLine = yield* spied('echo "$@"', "https");
      expect(commandLine).toContain("protocol.allow=never");
      expect(commandLine).not.toContain(token);
    }),
  );

  it.effect("never brings a secret or a control character into an error", () =>
    Effect.gen(function* () {
      const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
      const body = `printf 'fatal: https://bob:pw@h/ ${token} ${basic} \\033[31mred\\342\\200\\256\\n' >&2; exit 128`;
      const error = yield* Effect.flip(spied(body, "https"));
      const told = JSON.stringify(error);
      expect(told).not.toContain(token);
      expect(told).not.toContain(basic);
      expect(told).not.toContain("bob");
      expect(error.message).toContain("\\u{1b}[31mred\\u{202e}");
      expect(error.reason).toBe("Unreachable");
    }),
  );

  it.effect("removes its private folder at the end", () =>
    Effect.gen(function* () {
      const home = (yield* spied('echo "$HOME"; ls -A "$HOME"', "local")).trim();
      expect(home).toMatch(/muster-git-.*\/home$/);
      expect(existsSync(home)).toBe(false);
    }),
  );

  it.effect("is missing with a remedy", () =>
    Effect.gen(function* () {
      const git = yield* Git;
      const error = yield* Effect.flip(
        git.run({ operation: "version", folder: "/", arguments: ["version"] }),
      );
      expect(error).toMatchObject({ reason: "Unsupported" });
      expect(error.remedy).toContain("install git");
    }).pipe(Effect.provide(Git.layer({ environment: { PATH: "/nowhere" } }))),
  );
});

const helperScript = (pidFile: string): string =>
  `sleep 300 & echo "$$ $!" > ${pidFile}; echo ready; wait`;

const alive = (pid: number): boolean => {
  if (!Number.isInteger(pid) || pid <= 1) throw new Error("not a process id");
  try {
    // A zombie that init has not reaped yet is dead for us.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

const pidsOf = (file: string): ReadonlyArray<number> =>
  readFileSync(file, "utf8").trim().split(" ").map(Number);

describe("a git process that runs too long", () => {
  it.live("is stopped with its helpers", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const pids = join(folder, "pids");
      const binary = spy(folder, helperScript(pids));
      const error = yield* Effect.flatMap(Git, (git) =>
        git.run({ operation: "fetch", folder, arguments: [], reach: "file", timeoutMillis: 300 }),
      ).pipe(Effect.provide(Git.layer({ environment: process.env, binary })), Effect.flip);
      expect(error.reason).toBe("TimedOut");
      expect(pidsOf(pids).map(alive)).toEqual([false, false]);
    }),
  );

  it.live("is stopped with its helpers when its caller is interrupted", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const pids = join(folder, "pids");
      const binary = spy(folder, helperScript(pids));
      yield* Effect.gen(function* () {
        const git = yield* Git;
        const fiber = yield* Effect.forkChild(git.run({ operation: "x", folder, arguments: [] }));
        yield* Effect.promise(async () => {
          while (!existsSync(pids) || pidsOf(pids).length < 2) await new Promise(setImmediate);
        });
        expect(pidsOf(pids).map(alive)).toEqual([true, true]);
        yield* Fiber.interrupt(fiber);
      }).pipe(Effect.provide(Git.layer({ environment: process.env, binary })));
      expect(pidsOf(pids).map(alive)).toEqual([false, false]);
    }),
  );

  it.live("is stopped when it answers without end", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const binary = spy(folder, "exec yes");
      const error = yield* Effect.flatMap(Git, (git) =>
        git.run({ operation: "read", folder, arguments: [], outputLimit: 10_000 }),
      ).pipe(Effect.provide(Git.layer({ environment: process.env, binary })), Effect.flip);
      expect(error.reason).toBe("TooLarge");
    }),
  );
});

layer(gitLayer)("the real git", (it) => {
  it.effect("heeds the fixed settings and the copy's own, nothing else", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const git = yield* Git;
      const answer = yield* git.run({
        operation: "config",
        folder: sandbox.cache,
        arguments: ["config", "--list", "--show-scope"],
      });
      const scopes = new Set(
        answer.output
          .toString("utf8")
          .split("\n")
          .map((line) => line.split("\t")[0]),
      );
      expect([...scopes].toSorted()).toEqual(["", "command", "local"]);
    }),
  );
});
