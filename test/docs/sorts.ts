// Decides what is done with each sort of block, so that nothing on a page goes unlooked at.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { parseAllDocuments } from "yaml";
import { readDocuments } from "@muster/core";
import { defaultWiring } from "../../packages/cli/src/wiring.ts";
import { type Block, place } from "./blocks.ts";
import { commandFault } from "./command-line.ts";
import { musterCommands } from "./shell-words.ts";

/**
 * The sorts, each with what a page says by it:
 * - `sh run`: works as it stands, and is run; `exit=N` and `until=TEXT` may follow.
 * - `sh ci`: works as it stands, and is a part of `.ci/run` of its own.
 * - `sh sketch`: has names that are the reader's; its muster commands are parsed.
 * - `yaml`, `json`: a document of muster; with `sketch`, something else that can be parsed.
 * - `ts`: a module that compiles.
 * - `ini`: sections, keys and values. `text printed`: what the block before it prints, with `…` for
 *   what differs from run to run. `text`: what is printed elsewhere, or typed into a form.
 */
export type Sort =
  | "sh run"
  | "sh ci"
  | "sh sketch"
  | "document"
  | "data"
  | "ts"
  | "ini"
  | "printed"
  | "text";

const sorts: Readonly<Record<string, Sort>> = {
  "sh run": "sh run",
  "sh ci": "sh ci",
  "sh sketch": "sh sketch",
  yaml: "document",
  json: "document",
  "yaml sketch": "data",
  "json sketch": "data",
  ts: "ts",
  ini: "ini",
  "text printed": "printed",
  text: "text",
};

export const sortOf = ({ words }: Block): Sort | null =>
  sorts[words.filter((word) => !word.includes("=")).join(" ")] ?? null;

/** What is wrong with a block that is not run or compiled; nothing when all is well. */
export const faultsOf = async (block: Block, root: string): Promise<ReadonlyArray<string>> => {
  const faults = await faultsBySort(block, root);
  return faults.map((fault) => `${place(block)}: ${fault}`);
};

const faultsBySort = async (block: Block, root: string): Promise<ReadonlyArray<string>> => {
  switch (sortOf(block)) {
    case null:
      return [`no sort of block: ${block.words.join(" ") || "(none)"}; see test/docs/sorts.ts`];
    case "sh sketch":
      return sketchFaults(block);
    case "sh ci":
      return partFaults(block, root);
    case "document":
      return documentFaults(block);
    case "data":
      return parseAllDocuments(block.text).flatMap(({ errors }) =>
        errors.map(({ message }) => message),
      );
    case "ini":
      return iniFaults(block);
    case "sh run":
    case "printed":
    case "ts":
    case "text":
      return [];
  }
};

/** Shell that can be read, and commands that exist. */
const sketchFaults = async (block: Block): Promise<ReadonlyArray<string>> => {
  try {
    execFileSync("bash", ["-n"], { input: block.text, stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    return [String((error as { readonly stderr?: Buffer }).stderr ?? error)];
  }
  const faults: Array<string> = [];
  for (const args of musterCommands(block.text)) {
    const fault = await commandFault(args);
    if (fault !== null) faults.push(`muster ${args.join(" ")}: ${fault}`);
  }
  return faults;
};

const partFaults = ({ text }: Block, root: string): ReadonlyArray<string> => {
  const script = readFileSync(path.join(root, ".ci/run"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "" && !script.includes(`" ${line}\n`))
    .map((line) => `no part of .ci/run: ${line}`);
};

const documentFaults = ({ words, text }: Block): ReadonlyArray<string> => {
  const kinds = defaultWiring.plugins({ by: "command line" }, {}).flatMap((plugin) => plugin.kinds);
  const read = readDocuments(kinds, [{ file: `block.${words[0]}`, text }]);
  if (read.diagnostics.length > 0) return read.diagnostics.map(({ summary }) => summary);
  return read.documents.length === 0 ? ["holds no document of muster"] : [];
};

const iniFaults = ({ text }: Block): ReadonlyArray<string> =>
  text
    .split("\n")
    .filter((line) => !/^(?:|[#;].*|\[[^\]]+\]|[A-Za-z_]\w*\s*=.*)$/u.test(line))
    .map((line) => `neither a section nor a key: ${line}`);

/** Compiles all blocks at once; the answer names those that do not, with what the compiler said. */
export const compile = (blocks: ReadonlyArray<Block>, root: string): ReadonlyArray<string> => {
  mkdirSync(path.join(root, ".build"), { recursive: true });
  const folder = mkdtempSync(path.join(root, ".build", "docs-"));
  try {
    blocks.forEach((block, index) =>
      writeFileSync(path.join(folder, `block-${index}.ts`), `${block.text}export {};\n`),
    );
    writeFileSync(
      path.join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: "../../tsconfig.check.json",
        // An example ends where its point is made, and uses not all that it names.
        compilerOptions: { noUnusedLocals: false },
        include: ["*.ts"],
      }),
    );
    const said = tsc(path.join(folder, "tsconfig.json"), root);
    return blocks.flatMap((block, index) =>
      said
        .split("\n")
        .filter((line) => line.includes(`block-${index}.ts(`))
        .map((line) => `${place(block)}: ${line.replace(/^.*?block-/u, "block-")}`),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const tsc = (project: string, root: string): string => {
  try {
    const compiler = path.join(root, "node_modules/typescript/bin/tsc");
    return execFileSync(process.execPath, [compiler, "-p", project], { encoding: "utf8" });
  } catch (error) {
    return String((error as { readonly stdout?: string }).stdout ?? error);
  }
};
