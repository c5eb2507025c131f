// Holds the generated reference against the sources: a stale page fails, and prose around it stays.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import { describe, expect, it } from "vitest";
import { commandsText } from "../../scripts/reference/commands-text.ts";
import { commandTree, globalFlags } from "../../scripts/reference/command-tree.ts";
import { referencePages, withPart } from "../../scripts/reference/pages.ts";
import { muster } from "../../packages/cli/src/program.ts";

const root = path.resolve(import.meta.dirname, "../..");
const read = (page: string): string => readFileSync(path.join(root, page), "utf8");

describe("the generated reference", () => {
  it("is what the sources say (if not: npm run docs)", async () => {
    const pages = await referencePages(read);
    expect(pages.size).toBeGreaterThanOrEqual(3);
    for (const [page, text] of pages) expect(read(page), page).toBe(text);
  });

  it("finds every command in the README, too", async () => {
    const readme = read("README.md");
    const { subcommands } = await commandTree(muster);
    const missing = subcommands
      .map(({ path: name }) => name)
      .filter((one) => !readme.includes(one));
    expect(missing).toEqual([]);
    expect(subcommands.length).toBeGreaterThan(10);
  });

  it("knows defaults, and which flags must be given", async () => {
    const text = commandsText(await commandTree(muster), await globalFlags(muster));
    expect(text).toMatch(/`--repo URL` \| required/u);
    expect(text).toMatch(/`--branch TEXT` \| `main`/u);
    expect(text).toMatch(/`--allow-profile NAME\[=FILE\]` \| {2}\|/u);
    expect(text).toMatch(/`--help`, `-h` \| Show/u);
    expect(text).toMatch(/`--port N` \| `0`/u);
  });

  it("replaces its own part, and leaves alone what people wrote", () => {
    const part = { page: "x.md", title: "X", text: "new" };
    const made = withPart(null, part);
    expect(made).toContain("# X\n");
    const written = `before\n${made.replace("new", "old")}after\n`;
    expect(withPart(written, part)).toBe(`before\n${made}after\n`);
    expect(() => withPart("no marks", part)).toThrow("x.md");
    expect(() => withPart(made + made, part)).toThrow("x.md");
  });
});
