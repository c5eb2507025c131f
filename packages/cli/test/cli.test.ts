// Checks what holds for every command: help with examples, refused flags, completions, and where words go.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import { fleet } from "./fleet.ts";
import { openRepository } from "./repository.ts";
import { inWorld, mainFile, node, nodeArguments, startChild } from "./world.ts";

const commands = [
  ["validate"],
  ["init"],
  ["plan"],
  ["apply"],
  ["run"],
  ["approve"],
  ["adopt"],
  ["audit", "verify"],
  ["status"],
  ["explain"],
  ["history"],
  ["doctor"],
  ["lease", "show"],
  ["lease", "steal"],
  ["schema"],
  ["dev", "oci"],
  ["completions"],
];
const groups = [[], ["audit"], ["lease"], ["dev"]];

const escape = "\u001b";

describe("every command", () => {
  it(
    "has help with at least one example, on stdout, and asks nobody for it",
    inWorld(async (world) => {
      for (const command of [...commands, ...groups]) {
        const ran = await world.inside([...command, "--help"]);
        expect(ran, command.join(" ")).toMatchObject({ code: 0, stderr: "" });
        expect(ran.stdout).toContain("DESCRIPTION");
        expect(ran.stdout).toMatch(/EXAMPLES\n(?:.*\n)* +muster /u);
      }
      const child = await world.muster(["audit", "verify", "--help"]);
      expect(child).toMatchObject({ code: 0, stderr: "" });
      expect(child.stdout).toContain("muster audit verify --repo");
      expect(world.simulator.requests()).toEqual([]);
      expect(world.files("state")).toEqual([]);
    }),
  );

  it.each([
    ["suspend", "web", "--until", "-1h"],
    ["fleet", "scale", "-3h"],
    ["fleet", "scale", "3", "--reason", "-5% of them fail"],
  ])("refuses a value that would be taken for flags, and so for a call for help: %s", (...args) =>
    inWorld(async (world) => {
      const ran = await world.inside(args);
      expect(ran).toMatchObject({ code: 1, stdout: "" });
      expect(ran.stderr).toContain(`"${args.at(-1)}" looks like a flag and is none`);
      expect(ran.stderr).toContain("--FLAG=VALUE");
    })(),
  );

  it(
    "refuses an unknown flag, word and command with 1, and guesses what was meant",
    inWorld(async (world) => {
      for (const command of [...commands, ...groups]) {
        const ran = await world.inside([...command, "--no-such-flag"]);
        expect(ran.code, command.join(" ")).toBe(1);
        expect(ran.stderr).toContain("--no-such-flag");
        // Whoever reads JSON there gets a result or nothing.
        expect(ran.stdout, command.join(" ")).toBe("");
        expect(ran.stderr).toContain("USAGE");
      }
      const child = await world.muster(["plan", "--ownr", "x"]);
      expect(child.code).toBe(1);
      expect(child.stderr).toContain("--owner");
      expect((await world.inside(["aply"])).stderr).toContain("apply");
      expect((await world.inside(["aply"])).code).toBe(1);
      expect((await world.inside(["plan", "-o", "yaml"])).code).toBe(1);
      expect((await world.inside(["run"])).code).toBe(1);
      expect((await world.inside(["schema", "more"])).code).toBe(1);
      expect(world.simulator.requests()).toEqual([]);
    }),
  );

  it(
    "tells its version",
    inWorld(async (world) => {
      const ran = await world.muster(["--version"]);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toMatch(/0\.1\.0/u);
    }),
  );

  it.each([
    ["bash", "bash"],
    ["sh", "bash"],
    ["zsh", "zsh"],
    ["fish", "fish"],
  ])("prints completions that %s can parse", (shell, program) =>
    inWorld(async (world) => {
      const ran = await world.inside(["--completions", shell]);
      expect(ran).toMatchObject({ code: 0, stderr: "" });
      expect(ran.stdout).toContain("muster");
      for (const [command] of commands) expect(ran.stdout).toContain(command!);
      if (!isInstalled(program)) return;
      // From a file: a shell may end before it has read all of a pipe.
      const file = await world.write(`completions.${shell}`, ran.stdout);
      execFileSync(program, ["-n", file], { stdio: ["ignore", "pipe", "pipe"] });
    })(),
  );
});

const isInstalled = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`));

describe("-o json", () => {
  const one = (text: string): unknown => {
    expect(text.endsWith("\n")).toBe(true);
    expect(text.trimEnd()).not.toContain("\n");
    return JSON.parse(text);
  };

  it(
    "puts exactly one JSON value on stdout and nothing else, whatever the end",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      const folder = world.at("fleets");
      const store = ["--store", `sqlite:${world.at("store.db")}`];
      await world.write("fleets/web.yaml", fleet(1));
      await repository.commit({ "web.yaml": fleet(1, { name: "api" }) });
      const run = ["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"];
      const json = ["-o", "json"];
      const codes: Array<number> = [];
      for (const args of [
        ["validate", folder, ...json],
        ["plan", folder, "--detailed-exitcode", ...store, ...json],
        ["apply", folder, ...store, ...json],
        ["apply", folder, "--owner", "another", ...store, ...json],
        ["audit", "verify", ...store, ...json],
        [...run, ...json],
        [...run, ...json],
      ]) {
        const ran = await world.inside(args);
        codes.push(ran.code);
        expect(one(ran.stdout)).toBeTypeOf("object");
      }
      expect(codes).toEqual([0, 4, 0, 5, 0, 0, 0]);

      await world.write("fleets/web.yaml", "kind: [");
      for (const command of ["validate", "plan", "apply"]) {
        const ran = await world.inside([command, folder, ...json]);
        expect(ran.code).toBe(1);
        expect(one(ran.stdout)).toHaveProperty("diagnostics");
      }
      await repository.commit({ "web.yaml": "kind: [" });
      const faulty = await world.inside([...run, ...json]);
      expect(faulty.code).toBe(1);
      expect(one(faulty.stdout)).toMatchObject({ verdict: "faulty documents" });
    }),
  );

  it(
    "is whole when it is long, the end is not 0, and the reader is slow",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(900));
      const slow = `"$@" | (sleep 0.5; cat)`;
      const shell = startChild(
        new Set(),
        "bash",
        [
          ...["-o", "pipefail", "-c", slow, "-", node, ...nodeArguments],
          ...["plan", "fleets", "-o", "json", "--detailed-exitcode"],
        ],
        { cwd: world.folder, env: world.env },
      );
      const ran = await shell.ended;
      expect(ran.code).toBe(4);
      expect(ran.stdout.length).toBeGreaterThan(200_000);
      expect(one(ran.stdout)).toHaveProperty("digest");
    }),
  );

  it(
    "ends quietly when nobody reads on",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(900));
      const shell = startChild(
        new Set(),
        "bash",
        ["-c", `"$@" | head -c 10`, "-", node, ...nodeArguments, "plan", "fleets", "-o", "json"],
        { cwd: world.folder, env: world.env },
      );
      const ran = await shell.ended;
      expect(ran.stdout).toHaveLength(10);
      expect(ran.stderr).toBe("");
    }),
  );
});

describe("colours and live lines", () => {
  it(
    "stay away from what is no terminal: plain lines, no returns",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(2));
      const ran = await world.muster(["apply", "fleets"]);
      expect(ran.code).toBe(0);
      expect(ran.stderr).toMatch(/^create web-1\.1$/mu);
      expect(ran.stderr).toMatch(/^✓ create web-1\.1 {2}running as ocid1\.instance\./mu);
      for (const text of [ran.stdout, ran.stderr]) {
        expect(text).not.toContain(escape);
        expect(text).not.toContain("\r");
      }
    }),
  );

  it(
    "come with FORCE_COLOR, and NO_COLOR goes before it",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(1).replace("count: 1", "count: x"));
      const forced = await world.muster(["plan", "fleets"], { env: { FORCE_COLOR: "1" } });
      expect(forced.code).toBe(1);
      expect(forced.stderr).toContain(`${escape}[31m`);
      const none = await world.muster(["plan", "fleets"], {
        env: { FORCE_COLOR: "1", NO_COLOR: "1" },
      });
      expect(none.code).toBe(1);
      expect(none.stdout + none.stderr).not.toContain(escape);
      const help = await world.muster(["plan", "--help"], { env: { NO_COLOR: "1" } });
      expect(help.stdout).not.toContain(escape);
    }),
  );

  const inTerminal = (command: ReadonlyArray<string>) => [
    ...["-qec", command.map((word) => `'${word}'`).join(" "), "/dev/null"],
  ];

  it.skipIf(!isInstalled("script"))(
    "are there on a terminal",
    inWorld(
      async (world) => {
        await world.write("fleets/web.yaml", fleet(2));
        const command = [node, "--conditions=muster-source", mainFile, "apply", "fleets"];
        const shell = startChild(new Set(), "script", inTerminal(command), {
          cwd: world.folder,
          env: { ...world.env, TERM: "xterm" },
        });
        const ran = await shell.ended;
        expect(ran.code).toBe(0);
        expect(ran.stdout).toContain(`\r${escape}[2K`);
        expect(ran.stdout).toContain("… create web-1.1 and 1 more");
        expect(ran.stdout).toContain(`${escape}[32m`);
        const seen = ran.stdout.replaceAll(new RegExp(`${escape}\\[[0-9;]*[mK]`, "gu"), "");
        expect(seen).toContain("Done: 2 created, 0 removed");
        // The living line is gone at the end.
        expect(seen.split("\n").at(-2)).not.toContain("…");
      },
      { launchDelayMs: 300 },
    ),
  );
});
