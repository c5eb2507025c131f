// Holds every code block of every page: run, parsed, validated or compiled, as its first line says.

import { execFileSync } from "node:child_process";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { postgresPresent } from "@muster/testkit/postgres/server";
import { type Block, blocksOf, type Page, readPages } from "./blocks.ts";
import { commandFault } from "./command-line.ts";
import { deadLinks } from "./links.ts";
import { musterCommands } from "./shell-words.ts";
import { compile, faultsOf, sortOf } from "./sorts.ts";
import { openCheckout } from "./checkout.ts";
import { runBlocks } from "./terminal.ts";

/** For a page; the tutorial takes half a minute on two idle cores. */
const pageMillis = 240_000;

const root = path.resolve(import.meta.dirname, "../..");
const pages = readPages(root);
const blocks = pages.flatMap(blocksOf);
const ofSort = (all: ReadonlyArray<Block>, sort: ReturnType<typeof sortOf>) =>
  all.filter((block) => sortOf(block) === sort);

/** With what other pages show of the first block of this one (`by=PAGE`), right behind it. */
const withShown = (file: string, all: ReadonlyArray<Block>): ReadonlyArray<Block> => {
  const [first, ...own] = all.filter(({ words }) => !words.some((word) => word.startsWith("by=")));
  const shown = blocks.filter(({ words }) => words.includes(`by=${file}`));
  return first === undefined ? [] : [first, ...shown, ...own];
};

const isRun = (block: Block) => ["sh run", "printed"].includes(sortOf(block) ?? "");

const needsPostgres = (file: string): boolean =>
  blocks.some((one) => one.page === file && one.words.includes("needs=postgres"));

const page = (text: string): Page => ({ file: "page.md", text });
const block = (first: string, text: string): Block =>
  blocksOf(page(`\`\`\`${first}\n${text}\n\`\`\`\n`))[0]!;

describe("the blocks of the pages", () => {
  it("were found", () => {
    expect(pages.length).toBeGreaterThan(25);
    for (const sort of ["sh run", "sh ci", "sh sketch", "document", "ts", "text"] as const) {
      expect(ofSort(blocks, sort).length, sort).toBeGreaterThan(1);
    }
  });

  it("are of known sorts, and what is not run is right as far as it can be seen", async () => {
    const faults = await Promise.all(blocks.map((one) => faultsOf(one, root)));
    expect(faults.flat()).toEqual([]);
  });

  it("compile", () => {
    const planted = block("ts", 'const wrong: number = "text";');
    const faults = compile([...ofSort(blocks, "ts"), planted], root);
    expect(faults).toEqual([expect.stringMatching(/^page\.md:2: .*not assignable/u)]);
  });
});

it("every link between the pages leads somewhere", () => {
  expect(pages.flatMap((one) => deadLinks(one, root))).toEqual([]);
});

// They wait for machines more than they work: some at a time.
describe.concurrent("the commands of", () => {
  const run = pages
    .filter(({ file }) => blocks.some((one) => one.page === file && sortOf(one) === "sh run"))
    .filter(({ file }) => !needsPostgres(file) || postgresPresent())
    .map((one) => ({ file: one.file, run: withShown(one.file, blocksOf(one).filter(isRun)) }));

  it.each(run)(
    "$file work as they stand",
    async ({ run: steps }) => {
      const checkout = await openCheckout(root);
      try {
        await runBlocks(checkout, steps);
      } finally {
        await checkout.close();
      }
    },
    pageMillis,
  );
});

describe("each check can fail:", () => {
  it.each([
    ["an unknown sort", block("shell", "true"), "no sort of block: shell"],
    ["no sort", block("", "true"), "no sort of block: (none)"],
    ["a shell block that says nothing", block("sh", "true"), "no sort of block: sh"],
    ["a wrong flag", block("sh sketch", "npx muster plan --ownr x"), "--ownr"],
    ["a wrong command", block("sh sketch", "git pull && npx muster aply ."), "aply"],
    ["a flag without its value", block("sh sketch", "muster run --once --repo"), "repo"],
    ["a wrong flag of fleetroll", block("sh sketch", "fleetroll host list --filtr x"), "--filtr"],
    ["a missing flag", block("sh sketch", "muster approve sha256:1"), "reason"],
    ["a wrong choice", block("sh sketch", "muster plan -o yaml | jq ."), "yaml"],
    ["shell that cannot be read", block("sh sketch", "if true; echo"), "syntax error"],
    ["a command that is no part of CI", block("sh ci", "npm run quick"), "no part of .ci/run"],
    ["an invalid document", block("yaml", "kind: FleetConfig\nmetadata: {}\nspec: {}"), "missing"],
    ["a document of an unknown kind", block("yaml", "kind: Fleet\nmetadata: {name: a}"), "Fleet"],
    ["no document", block("json", "{}"), "kind"],
    ["a key without a value", block("ini", "[DEFAULT]\nuser"), "user"],
  ])("%s", async (_, wrong, said) => {
    expect((await faultsOf(wrong, root)).join("\n")).toContain(said);
  });

  it.each([
    ["a wrong exit", block("sh run exit=5", "exit 4"), "ended with 4, not 5"],
    ["a failure on the way", block("sh run", "false\ntrue"), "ended with 1, not 0"],
    ["a failure in a pipe", block("sh run", "false | cat"), "ended with 1, not 0"],
    ["what never says it", block('sh run until="ready"', "echo not yet"), "the shell ended"],
  ])("%s", async (_, wrong, said) => {
    const checkout = await openCheckout(root);
    await expect(runBlocks(checkout, [wrong])).rejects.toThrow(said);
    await checkout.close();
  });

  it("what is not printed, or not in this order", async () => {
    const checkout = await openCheckout(root);
    const says = block("sh run", "printf 'one  %s\\ntwo\\n' $$");
    await runBlocks(checkout, [says, block("text printed", "one …\n\ntwo")]);
    for (const wrong of ["one 2…x", "two\none", "three"]) {
      const run = runBlocks(checkout, [says, block("text printed", wrong)]);
      await expect(run).rejects.toThrow("not printed, or not here");
    }
    await checkout.close();
  });

  it("a block that does not end, and one by indentation", () => {
    expect(() => blocksOf(page("```sh run\ntrue\n"))).toThrow("page.md:2: the block does not end");
    expect(() => blocksOf(page("So:\n\n    npm ci\n"))).toThrow(
      "page.md:3: a block by indentation",
    );
    expect(blocksOf(page("- So:\n\n      npm ci\n"))).toEqual([]);
  });

  it("a dead link", () => {
    const wrong = page("[a](docs/no.md) [b](README.md#no) [c](README.md) [d](https://example.com)");
    expect(deadLinks(wrong, root)).toEqual(["page.md: docs/no.md", "page.md: README.md#no"]);
    const withCode = page("`a` and [the `b`](docs/no.md), then `c`, and no link: `[d](docs/d.md)`");
    expect(deadLinks(withCode, root)).toEqual(["page.md: docs/no.md"]);
  });
});

describe("a page in its shell", () => {
  it("keeps folder and variables from block to block, and ends what it started", async () => {
    const checkout = await openCheckout(root);
    await runBlocks(checkout, [
      block(
        'sh run until="ready"',
        "trap 'echo over > end' INT\necho $$ > pid; echo ready; read -r _",
      ),
      block("sh run", "mkdir -p one && cd one && WORD=kept"),
      block(
        "sh run",
        '[ "$WORD" = kept ] && [ "$(basename "$PWD")" = one ] && kill -0 "$(cat ../pid)"',
      ),
      block("sh run exit=3", "false\n(exit 3)"),
    ]);
    const end = execFileSync("cat", [path.join(checkout.folder, "end")], { encoding: "utf8" });
    expect(end).toBe("over\n");
    await checkout.close();
  });
});

describe("muster commands in shell", () => {
  it("are found behind what starts them, in pipes, in lists and over lines", () => {
    const found = musterCommands(
      [
        "# muster no",
        "npx muster plan fleets \\\n  --out 'a b.plan' 2>/dev/null | tee x",
        "echo muster; A=1 sudo -u muster /usr/bin/muster run --once >log && git muster",
        "podman run --name muster \\\n  --rm muster schema",
        'if muster approve sha256:… --reason "it\'s ok"; then echo; fi',
        "npx fleetroll host list",
      ].join("\n"),
    );
    expect(found).toEqual([
      ["plan", "fleets", "--out", "a b.plan"],
      ["run", "--once"],
      ["schema"],
      ["approve", "sha256:…", "--reason", "it's ok"],
      ["host", "list"],
    ]);
  });

  it("that are right have no fault, and are not carried out", async () => {
    expect(await commandFault(["plan", "no/such/folder", "--owner", "x"])).toBeNull();
    expect(await commandFault(["dev", "oci", "--port", "0"])).toBeNull();
  });
});
