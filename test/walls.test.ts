// Holds the walls between the packages, and shows of each rule that it can fail.

import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { readRepo, type Repo } from "./walls/repo.ts";
import { rules } from "./walls/rules.ts";
import { walls } from "./walls/table.ts";
import { openWorkspace } from "./walls/workspace.ts";

describe("this repository", () => {
  const workspace = openWorkspace(readRepo(path.resolve(import.meta.dirname, "..")));

  it("was read", () => {
    expect(workspace.sources.length).toBeGreaterThan(250);
    for (const folder of Object.keys(walls)) {
      const mine = workspace.sources.filter((source) => source.package === folder);
      expect(mine.length, folder).toBeGreaterThan(3);
      expect(mine.flatMap(({ imports }) => imports).length, folder).toBeGreaterThan(5);
    }
  });

  it.each(Object.entries(rules))("keeps: %s", (_, rule) => {
    expect(rule(workspace)).toEqual([]);
  });
});

const manifest = (name: string, more: object): string => JSON.stringify({ name, ...more });

/** A small repository that keeps every rule. */
const sound: Readonly<Record<string, string>> = {
  "package.json": manifest("root", { devDependencies: { effect: "4.1.0" } }),
  "packages/core/package.json": manifest("@muster/core", {
    version: "0.1.0",
    exports: { ".": { "muster-source": "./src/index.ts", default: "./dist/index.js" } },
    dependencies: { yaml: "2.9.1" },
    peerDependencies: { effect: "4.1.0" },
  }),
  "packages/core/src/index.ts": `export * from "./words.ts";`,
  "packages/core/src/words.ts": `import "yaml"; import type {} from "effect/Effect"; x.process;`,
  "packages/provider-oci/package.json": manifest("@muster/provider-oci", {
    version: "0.1.0",
    dependencies: { "@muster/core": "0.1.0", "oci-core": "2.0.0" },
    peerDependencies: { effect: "4.1.0" },
    devDependencies: { vitest: "5.1.1" },
  }),
  "packages/provider-oci/src/index.ts": `import "effect/Effect"; import("./client.ts");`,
  "packages/provider-oci/src/client.ts": `import "@muster/core"; import "oci-core";`,
  "packages/provider-oci/test/client.test.ts": `import "vitest"; import "../src/client.ts";`,
};

const breachesOf = (rule: string, changed: Readonly<Record<string, string>>) => {
  const repo: Repo = new Map(Object.entries({ ...sound, ...changed }));
  return rules[rule]?.(openWorkspace(repo));
};

const oci = "packages/provider-oci";
const core = "packages/core/src";
const peers = { version: "0.1.0", peerDependencies: { effect: "4.1.0" } };

describe("a planted fault", () => {
  it.each(Object.keys(rules))("is not seen where there is none: %s", (rule) => {
    expect(breachesOf(rule, {})).toEqual([]);
  });

  const planted: ReadonlyArray<readonly [rule: string, changed: Record<string, string>, string]> = [
    [
      "every package has a wall",
      { "packages/annex/package.json": manifest("@muster/annex", {}) },
      "packages/annex: has no row in the table of walls",
    ],
    [
      "every package has a wall",
      { "packages/core/package.json": manifest("@muster/kernel", peers) },
      "packages/core: is not named @muster/core",
    ],
    ...[
      `import fs from "node:fs";`,
      `import type { Stats } from "node:fs";`,
      `import { type Stats } from "node:fs";`,
      `import "node:fs";`,
      `export * from "node:fs";`,
      `export { readFile } from "node:fs";`,
      `export type { Stats } from "node:fs";`,
      `export const later = () => import("node:fs");`,
      "export const later = () => import(`node:fs`);",
      `export type Later = import("node:fs").Stats;`,
      `export type Later = typeof import("node:fs");`,
      `import fs = require("node:fs");`,
      `const fs = require("node:fs");`,
    ].map(
      (text) =>
        [
          "imports stay inside the walls",
          { [`${core}/words.ts`]: `\n${text}` },
          `${core}/words.ts:2: may not import node:fs`,
        ] as const,
    ),
    [
      "imports stay inside the walls",
      { [`${core}/words.ts`]: `import type { Plan } from "@muster/sdk/turn";` },
      `${core}/words.ts:1: may not import @muster/sdk`,
    ],
    [
      "imports stay inside the walls",
      { "packages/core/test/words.test.ts": `import "@muster/cli";` },
      "packages/core/test/words.test.ts:1: may not import @muster/cli",
    ],
    [
      "imports stay inside the walls",
      { [`${oci}/src/index.ts`]: `import "vitest";` },
      `${oci}/src/index.ts:1: may not import vitest`,
    ],
    [
      "relative imports stay in their package",
      { [`${oci}/src/index.ts`]: `import "../../core/src/words.ts";` },
      `${oci}/src/index.ts:1: leaves its package by ../../core/src/words.ts`,
    ],
    [
      "relative imports stay in their package",
      { [`${oci}/src/index.ts`]: `import "../test/client.test.ts";` },
      `${oci}/src/index.ts:1: leaves its package by ../test/client.test.ts`,
    ],
    [
      "vendors and guarded modules live in one file each",
      { [`${oci}/src/index.ts`]: `import type { Instance } from "oci-core";` },
      `${oci}/src/index.ts:1: only src/client.ts may import oci-*`,
    ],
    [
      "vendors and guarded modules live in one file each",
      { [`${oci}/src/client.ts`]: `import "node:child_process";` },
      `${oci}/src/client.ts:1: only no file may import node:child_process`,
    ],
    ...(
      [
        ["process.exit()", "process"],
        ["globalThis.process.exit()", "process"],
        ['globalThis["process"].exit()', "process"],
        ["Buffer.from([])", "Buffer"],
        ["type Env = NodeJS.ProcessEnv", "NodeJS"],
        ["const text = { process }", "process"],
        ['/// <reference types="node" />', "<reference>"],
      ] as const
    ).map(
      ([text, name]) =>
        [
          "core and sdk use no global of Node",
          { [`${core}/words.ts`]: text },
          `${core}/words.ts:1: may not use ${name}`,
        ] as const,
    ),
    [
      "no import is computed",
      { [`${core}/words.ts`]: "export const load = (name: string) => import(name);" },
      `${core}/words.ts:1: imports what it computes`,
    ],
    [
      "imports are declared",
      { [`${core}/words.ts`]: `import "@noble/hashes/sha2.js";` },
      `${core}/words.ts:1: @noble/hashes is not declared`,
    ],
    [
      "imports are declared",
      { [`${oci}/src/client.ts`]: `import "vitest";` },
      `${oci}/src/client.ts:1: vitest is not declared`,
    ],
    [
      "imports are declared",
      { "test/all.test.ts": `import "@muster/core";` },
      "test/all.test.ts:1: @muster/core is not declared",
    ],
    [
      "declarations are used",
      { [`${core}/words.ts`]: `import "effect";` },
      "packages/core/package.json: yaml is declared and not used",
    ],
    [
      "declarations are used",
      { [`${oci}/test/client.test.ts`]: "" },
      `${oci}/package.json: vitest is declared and not used`,
    ],
    [
      "declarations stay inside the walls",
      {
        "packages/core/package.json": manifest("@muster/core", { dependencies: { ssh2: "1.0.0" } }),
      },
      "packages/core/package.json: may not depend on ssh2",
    ],
    [
      "effect is a peer of what is embedded",
      {
        "packages/core/package.json": manifest("@muster/core", {
          dependencies: { effect: "4.1.0" },
        }),
      },
      "packages/core/package.json: effect must be a peer dependency",
    ],
    [
      "versions are exact and one",
      { "package.json": manifest("root", { devDependencies: { effect: "^4.1.0" } }) },
      "package.json: effect ^4.1.0 is not an exact version",
    ],
    [
      "versions are exact and one",
      {
        [`${oci}/package.json`]: manifest("@muster/provider-oci", {
          peerDependencies: { effect: "4.1.0", "@opentelemetry/api": ">=1.9.0 <2" },
        }),
      },
      `${oci}/package.json: @opentelemetry/api >=1.9.0 <2 is not an exact version`,
    ],
    [
      "versions are exact and one",
      { "package.json": manifest("root", { devDependencies: { "@muster/core": "0.0.9" } }) },
      "package.json: @muster/core is 0.0.9 here and 0.1.0 elsewhere",
    ],
    [
      "no import cycles, types included",
      { [`${core}/words.ts`]: `import type { Plan } from "./index.ts";` },
      `import cycle: ${core}/index.ts, ${core}/words.ts`,
    ],
    [
      "no import cycles, types included",
      { [`${core}/words.ts`]: `export type Plan = import("@muster/core").Plan;` },
      `import cycle: ${core}/index.ts, ${core}/words.ts`,
    ],
    ["every file is imported", { [`${core}/left.ts`]: "" }, `${core}/left.ts: nothing imports it`],
    [
      "heavy things load late",
      { [`${oci}/src/index.ts`]: `import "./client.ts";` },
      `${oci}/src/client.ts:1: ${oci}/src/index.ts would load oci-core at once`,
    ],
    [
      "what a manifest offers is there",
      { [`${oci}/package.json`]: manifest("@muster/provider-oci", { bin: { oci: "bin/oci.js" } }) },
      `${oci}/package.json: bin/oci.js leads nowhere`,
    ],
    [
      "the lock file names every platform",
      {
        "package-lock.json": JSON.stringify({
          packages: { "node_modules/tool": { optionalDependencies: { "tool-win32": "1.0.0" } } },
        }),
      },
      "package-lock.json: node_modules/tool asks for tool-win32: npm run lock",
    ],
    ...["utils", "util", "common", "helpers", "shared", "types"].map(
      (room) =>
        [
          "nothing is named for no thing",
          { [`${core}/${room}/text.ts`]: "" },
          `${core}/${room}/text.ts: is named for no thing`,
        ] as const,
    ),
    [
      "nothing is named for no thing",
      { [`${core}/helpers.test.ts`]: "" },
      `${core}/helpers.test.ts: is named for no thing`,
    ],
    [
      "nothing belongs to one machine",
      { "docs/a.md": `\nhttps://${["registry", "npmjs", "org"].join(".")}/effect` },
      "docs/a.md:2: names a package registry",
    ],
    [
      "nothing belongs to one machine",
      { ".npmrc": ['"resolved": "https', '//example.com/effect.tgz"'].join(":") },
      ".npmrc:1: names a place to download from",
    ],
    [
      "nothing belongs to one machine",
      { "docs/a.md": ["see ", "work", "shared", "design.md"].join("/") },
      "docs/a.md:1: names a path of one machine",
    ],
  ];

  for (const [rule, changed, breach] of planted) {
    it(`is seen: ${breach}`, () => {
      expect(breachesOf(rule, changed)).toContain(breach);
    });
  }

  it("is seen in a file that does not parse", () => {
    expect(breachesOf("every file parses", { [`${core}/words.ts`]: "export const = ;" })).toEqual([
      expect.stringMatching(/words\.ts: /),
    ]);
  });

  it("was planted for every rule", () => {
    const seen = new Set([...planted.map(([rule]) => rule), "every file parses"]);
    expect([...seen].toSorted()).toEqual(Object.keys(rules).toSorted());
  });
});
