// Holds the table of rules: each is proved by a test that names it in its title.

import { readdir, readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { rules } from "../../src/oci/index.ts";

const titlesIn = (text: string): readonly string[] =>
  [...text.matchAll(/\bit(?:\.\w+)*\(\s*"([^"]*)"/g)].map((match) => match[1] ?? "");

const namedIn = (titles: readonly string[]): ReadonlySet<string> =>
  new Set(
    titles.flatMap((title) => [...title.matchAll(/\[([^\]]+)\]/g)].map(([, id]) => id ?? "")),
  );

it("names every rule in a title, and no rule that is not there", async () => {
  const folder = import.meta.dirname;
  const files = (await readdir(folder)).filter(
    (name) => name.endsWith(".test.ts") && name !== "rules.test.ts",
  );
  const texts = await Promise.all(files.map((name) => readFile(`${folder}/${name}`, "utf8")));
  const named = namedIn(texts.flatMap(titlesIn));
  expect([...named].toSorted()).toEqual(rules.map((rule) => rule.id).toSorted());
});

it("finds a rule that no title names", () => {
  expect(namedIn(titlesIn('it.effect("keeps it [a.b]", () => {})'))).toEqual(new Set(["a.b"]));
  expect(namedIn(titlesIn('// it keeps [c.d]\nconst x = "[e.f]";'))).toEqual(new Set());
});

it("says of every rule how well it is known", () => {
  for (const { source, rule } of rules) {
    expect(["[D]", "[S]", "[P]", "[?]"]).toContain(source);
    expect(rule).toMatch(/\.$/);
  }
});
