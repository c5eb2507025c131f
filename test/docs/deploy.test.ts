// Holds what runs muster as a service: the container, the systemd unit, and the hook of a bare repository.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { commandFault } from "./command-line.ts";
import { containerFaults } from "./containerfile.ts";

const root = path.resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
const temporary = mkdtempSync(path.join(tmpdir(), "muster-deploy-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const isInstalled = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`));

describe("examples/container", () => {
  const text = read("examples/container/Containerfile");
  const { devDependencies } = JSON.parse(read("package.json")) as {
    readonly devDependencies: { readonly node: string };
  };
  const context = { root, node: devDependencies.node };

  it("is sound", () => {
    expect(containerFaults(text, context)).toEqual([]);
  });

  it("leaves out what must not reach the image", () => {
    const ignored = read("examples/container/Containerfile.dockerignore").split("\n");
    expect(ignored).toEqual(expect.arrayContaining(["**/node_modules", "**/dist", ".git"]));
  });

  it.each([
    ["nothing to copy: pckages", "COPY packages packages", "COPY pckages packages"],
    ["several go to a file", "tsconfig.build.json ./", "tsconfig.build.json ."],
    ["no stage is called", "--from=build", "--from=biuld"],
    ["is no number, or is root", "USER 1000:1000", "USER 0:0"],
    ["is no number, or is root", "USER 1000:1000", "USER node"],
    ["made after USER", "STOPSIGNAL SIGTERM", "RUN true\nSTOPSIGNAL SIGTERM"],
    ["not SIGTERM", "STOPSIGNAL SIGTERM", "STOPSIGNAL SIGKILL"],
    ["the state is no volume", "VOLUME /var/lib/muster", "VOLUME /var/lib/other"],
    ["not installed: git", "ca-certificates git openssh", "ca-certificates openssh"],
    ["only recommended", "--no-install-recommends ", ""],
    ["no list", 'ENTRYPOINT ["node", "/opt/muster/packages/cli/bin/muster.js"]', "ENTRYPOINT node"],
    ["there is no packages/cli/bin/mster.js", "bin/muster.js", "bin/mster.js"],
    ["not Node", "FROM node:24.21.0-bookworm-slim\n", "FROM node:22.0.0-bookworm-slim\n"],
    ["not one image", "FROM node:24.21.0-bookworm-slim\n", "FROM node\n"],
    ["no instruction: ADD", "COPY packages", "ADD packages"],
  ])("can fail: %s", (said, from, to) => {
    const wrong = text.replace(from, to);
    expect(wrong).not.toBe(text);
    expect(containerFaults(wrong, context).join("\n")).toContain(said);
  });
});

describe("examples/systemd", () => {
  const unit = read("examples/systemd/muster.service");
  const script = path.join(root, "examples/systemd/muster-run");

  /** What systemd says of the unit when the checkout is this one. */
  const verify = (text: string): string => {
    const file = path.join(temporary, "muster.service");
    writeFileSync(file, text.replaceAll("/opt/muster", root));
    const { stdout, stderr } = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
    return stdout + stderr;
  };

  it.skipIf(!isInstalled("systemd-analyze"))("is a unit that systemd takes", () => {
    expect(verify(unit)).toBe("");
    expect(verify(unit.replace("ProtectHome", "ProtectHme"))).toContain("ProtectHme");
    expect(verify(unit.replace("systemd/muster-run", "systemd/mster-run"))).toContain("mster-run");
  });

  it("starts a command that exists", async () => {
    const [, line] = /^ExecStart=\S*\/muster-run ((?:.*\\\n)*.*)$/mu.exec(unit)!;
    const args = line!.replaceAll("\\\n", " ").trim().split(/\s+/u);
    expect(await commandFault(["run", ...args])).toBeNull();
  });

  it("waits longer for the end than muster needs, and reloads by SIGHUP", () => {
    const seconds = (pattern: RegExp) => Number(pattern.exec(unit)?.[1]);
    // What was begun, and a push that says so.
    expect(seconds(/^TimeoutStopSec=(\d+)s$/mu)).toBeGreaterThanOrEqual(
      seconds(/--grace (\d+)s/u) + 20,
    );
    expect(unit).toContain("ExecReload=kill -HUP $MAINPID\n");
    expect(unit).toContain("KillMode=mixed\n");
  });

  it("hands over the token in the environment, and all arguments as they are", () => {
    const checkout = path.join(temporary, "checkout");
    execFileSync("mkdir", [
      "-p",
      ...["examples/systemd", "node_modules/.bin", "credentials"].map((folder) =>
        path.join(checkout, folder),
      ),
    ]);
    execFileSync("cp", [script, path.join(checkout, "examples/systemd")]);
    const fake = path.join(checkout, "node_modules/.bin/node");
    writeFileSync(fake, '#!/bin/sh\nshift\nprintf "%s|" "${MUSTER_GIT_TOKEN-none}" "$@"\n', {
      mode: 0o755,
    });
    const run = (env: Readonly<Record<string, string>>): string =>
      execFileSync(path.join(checkout, "examples/systemd/muster-run"), ["--path", "a b"], {
        env: { PATH: process.env["PATH"] ?? "", ...env },
        encoding: "utf8",
      });
    expect(run({})).toBe("none|run|--path|a b|");
    writeFileSync(path.join(checkout, "credentials/git-token"), "to ken\n");
    expect(run({ CREDENTIALS_DIRECTORY: path.join(checkout, "credentials") })).toBe(
      "to ken|run|--path|a b|",
    );
  });
});

describe("examples/store/back-up.mjs", () => {
  const backUp = (...args: ReadonlyArray<string>) =>
    spawnSync(process.execPath, [path.join(root, "examples/store/back-up.mjs"), ...args], {
      encoding: "utf8",
    });

  it("copies what a living store holds beside its file, into one file for its owner only", () => {
    const store = path.join(temporary, "store.db");
    const copy = path.join(temporary, "copy.db");
    const writer = new DatabaseSync(store);
    writer.exec("PRAGMA journal_mode = WAL; CREATE TABLE entry (n); INSERT INTO entry VALUES (1)");
    writer.exec("BEGIN IMMEDIATE; INSERT INTO entry VALUES (2)");
    expect(backUp(store, copy)).toMatchObject({ status: 0, stderr: "" });
    writer.exec("COMMIT");
    writer.close();
    expect(existsSync(`${copy}-wal`) || existsSync(`${copy}.part`)).toBe(false);
    expect(statSync(copy).mode & 0o777).toBe(0o600);
    const reader = new DatabaseSync(copy, { readOnly: true });
    expect(reader.prepare("SELECT n FROM entry").all()).toEqual([{ n: 1 }]);
    reader.close();
  });

  it("says what is missing", () => {
    const nowhere = path.join(temporary, "no.db");
    expect(backUp(nowhere, `${nowhere}.copy`)).toMatchObject({ status: 1 });
    expect(backUp(nowhere, `${nowhere}.copy`).stderr).toContain("there is no store");
    expect(existsSync(nowhere)).toBe(false);
    expect(backUp().stderr).toContain("usage");
  });
});

describe("examples/hooks/update", () => {
  const bare = path.join(temporary, "fleets.git");
  const clone = path.join(temporary, "clone");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: temporary,
    ...Object.fromEntries(
      ["AUTHOR", "COMMITTER"].flatMap((who) => [
        [`GIT_${who}_NAME`, "Ann"],
        [`GIT_${who}_EMAIL`, "ann@example.com"],
      ]),
    ),
  };
  const git = (...args: ReadonlyArray<string>): string =>
    execFileSync("git", [...args], { env, encoding: "utf8", stdio: "pipe" }).trim();
  const commit = (...parents: ReadonlyArray<string>): string => {
    const tree = git("-C", clone, "mktree", "--missing");
    const from = parents.flatMap((parent) => ["-p", parent]);
    return git("-C", clone, "commit-tree", tree, ...from, "-m", String(Math.random()));
  };

  /** Null when it was taken, else what the server said. */
  const push = (who: string, ...refs: ReadonlyArray<string>): string | null => {
    const { status, stderr } = spawnSync(
      "git",
      ["-C", clone, "push", "--atomic", "--force", bare, ...refs],
      { env: { ...env, REMOTE_USER: who }, encoding: "utf8" },
    );
    return status === 0 ? null : stderr;
  };

  git("init", "--quiet", "--bare", "--initial-branch=main", bare);
  git("init", "--quiet", clone);
  execFileSync("cp", [path.join(root, "examples/hooks/update"), path.join(bare, "hooks/update")]);

  it("refuses everything until a runner is named", () => {
    expect(push("ann", `${commit()}:refs/heads/main`)).toContain("git config muster.runner");
    git("-C", bare, "config", "muster.runner", "runner");
  });

  const branch = (name: string): string => `refs/heads/muster/${name}/default`;

  it("lets the runner write as muster does, and nobody else", () => {
    const first = commit();
    const all = ["status", "audit", "lease"].map(branch);
    const updates = all.map((ref) => `${first}:${ref}`);
    for (const update of updates) expect(push("ann", update)).toContain("only runner writes it");
    expect(push("runner", ...updates)).toBeNull();
    expect(push("runner", `${commit(first)}:${branch("status")}`)).toBeNull();
    expect(push("runner", `${commit()}:${branch("lease")}`)).toBeNull();
  });

  it("lets status and audit grow only, and deletes nothing", () => {
    for (const name of ["status", "audit"]) {
      expect(push("runner", `${commit()}:${branch(name)}`)).toContain("never rewritten");
    }
    for (const name of ["status", "audit", "lease"]) {
      expect(push("runner", `:${branch(name)}`)).toContain("never deleted");
    }
  });

  it("keeps the runner from every other ref, and others from what looks like muster's", () => {
    const one = commit();
    expect(push("runner", `${one}:refs/heads/main`)).toContain("muster's branches only");
    expect(push("runner", `${one}:refs/tags/v1`)).toContain("muster's branches only");
    for (const name of ["muster/other", "muster/status/a/b"]) {
      expect(push("runner", `${one}:refs/heads/${name}`)).toContain("no branch of that name");
    }
    expect(push("ann", `${one}:refs/heads/muster/x/y`)).toContain("no branch of that name");
    expect(push("ann", `${one}:refs/heads/main`, `${one}:refs/tags/v1`)).toBeNull();
  });

  it("refuses all of an atomic push with one of its refs", () => {
    const before = git("-C", bare, "rev-parse", branch("status"));
    const next = `${commit(before)}:${branch("status")}`;
    expect(push("runner", next, `${commit()}:${branch("audit")}`)).toContain("never rewritten");
    expect(git("-C", bare, "rev-parse", branch("status"))).toBe(before);
  });
});
