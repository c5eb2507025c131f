// Holds that many blocks are not asked one by one, and that none is left out that applies.

import { describe, expect, it } from "@effect/vitest";
import { matchesList } from "../src/pattern.ts";
import { blocksFor } from "../src/ssh-config-blocks.ts";
import { readConfigText } from "../src/ssh-config-text.ts";

const headsFor = (text: string, name: string): ReadonlyArray<string> =>
  blocksFor(readConfigText("c", text), name).map(({ head }) => head?.rest ?? "");

describe("the blocks of a configuration", () => {
  it("that spell other names are not asked", () => {
    const blocks = Array.from({ length: 1_000 }, (_, place) => `Host h${place}\n  Port ${place}\n`);
    const lines = readConfigText("c", `User ada\n${blocks.join("")}Host *\n  Port 1\n`);
    const found = blocksFor(lines, "h7");
    expect(found.map(({ head }) => head?.rest ?? null)).toEqual([null, "h7", "*"]);
    expect(found.map(({ lines: own }) => own.map(({ rest }) => rest))).toEqual([
      ["ada"],
      ["7"],
      ["1"],
    ]);
    expect(blocksFor(lines, "other")).toHaveLength(2);
  });

  it("come in their order, each once", () => {
    const text = "Host *\nHost b a a\nMatch all\nHost a\nHost !a\nHost a*\nHost b\nHost a b\n";
    expect(headsFor(text, "a")).toEqual([...["", "*", "b a a", "all", "a", "!a", "a*", "a b"]]);
  });

  it("that apply are never left out", () => {
    const words = ["a", "b", "A", "a*", "?", "!a", "!b", "!a*", '""', "a.b"];
    const hosts = words.flatMap((one) => words.map((two) => [one, two] as const));
    const text = hosts.map(([one, two]) => `Host ${one} ${two}\n`).join("");
    for (const name of ["a", "b", "A", "a.b", "", "zz", "constructor"]) {
      const found = new Set(headsFor(text, name));
      const applies = hosts
        .filter((patterns) =>
          matchesList(
            patterns.map((word) => (word === '""' ? "" : word)),
            name,
          ),
        )
        .map((patterns) => patterns.join(" "));
      expect(applies.filter((patterns) => !found.has(patterns))).toEqual([]);
    }
  });
});
