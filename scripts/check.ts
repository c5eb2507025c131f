// Everything that a change must pass; each tool also has to show that it looked at every source.

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { root } from "./setup.mjs";

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...ReadonlyArray<string>];
  /** How many sources the tool says it looked at; the step fails when it missed one. */
  readonly looked?: (output: string) => number;
}

const sources = globSync(["packages/*/{src,test}/**/*.ts", "{test,scripts,bench}/**/*.ts"], {
  cwd: root,
  exclude: (file) => file.includes("node_modules"),
}).length;

const countIn = (output: string, pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0);

const steps: ReadonlyArray<Step> = [
  {
    name: "types",
    command: ["tsc", "-p", "tsconfig.check.json", "--listFiles"],
    looked: (output) =>
      output.split("\n").filter((line) => line.startsWith(root) && !line.includes("/node_modules/"))
        .length,
  },
  {
    name: "effect",
    // Without `--lspconfig` the tool may check no file and succeed.
    command: [
      "effect-tsgo",
      "diagnostics",
      ...[
        "--project",
        "tsconfig.check.json",
        "--strict",
        "--severity",
        "error,warning",
        "--format",
        "text",
      ],
      ...["--lspconfig", '{"name":"@effect/language-service"}'],
    ],
    looked: (output) => countIn(output, /Checked (\d+) files out of/),
  },
  {
    name: "lint",
    command: ["oxlint", "--type-aware"],
    looked: (output) => countIn(output, /on (\d+) files/),
  },
  {
    name: "format",
    command: ["oxfmt", "--check"],
    looked: (output) => countIn(output, /on (\d+) files/),
  },
  { name: "unused", command: ["knip"] },
  { name: "tests", command: ["vitest", "run"] },
];

/** What went wrong in a step, or null. */
const fault = ({ command: [tool, ...args], looked }: Step): string | null => {
  const { status, stdout, stderr, error } = spawnSync(tool, args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
  });
  if (error !== undefined) return error.message;
  const output = `${stdout}${stderr}`;
  if (status !== 0) return withoutListing(output);
  const seen = looked?.(output) ?? sources;
  return seen < sources ? `looked at ${seen} files of ${sources}` : null;
};

/** `--listFiles` names every file between the errors. */
const withoutListing = (output: string): string =>
  output
    .split("\n")
    .filter((line) => !/^\/\S+\.(ts|mts|cts|json)$/.test(line))
    .join("\n");

const wanted = steps.filter(({ name }) => name !== "tests" || !process.argv.includes("--static"));

const failed = wanted.filter((step) => {
  const start = Date.now();
  const found = fault(step);
  const seconds = ((Date.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${found === null ? "ok    " : "failed"}  ${step.name} (${seconds} s)\n`);
  if (found !== null) process.stdout.write(`${found}\n`);
  return found !== null;
});

if (failed.length > 0) {
  process.stdout.write(`failed: ${failed.map(({ name }) => name).join(", ")}\n`);
  process.exitCode = 1;
}
