// Writes what is generated of docs/reference; with --check it writes nothing and fails when that is stale.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import * as path from "node:path";
import { referencePages } from "./reference/pages.ts";
import { root } from "./setup.mjs";

const read = (page: string): string | null => {
  try {
    return readFileSync(path.join(root, page), "utf8");
  } catch {
    return null;
  }
};

const stale = [...(await referencePages(read))].filter(([page, text]) => read(page) !== text);
const check = process.argv.includes("--check");

for (const [page, text] of stale) {
  process.stdout.write(`${check ? "stale" : "wrote"}  ${page}\n`);
  if (check) continue;
  mkdirSync(path.dirname(path.join(root, page)), { recursive: true });
  writeFileSync(path.join(root, page), text);
}
if (check && stale.length > 0) {
  process.stdout.write("run: npm run docs\n");
  process.exitCode = 1;
}
