// What the rules look at: every file that git tracks or would track, as a map from path to text.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import * as path from "node:path";

/** Paths from the root of the repository, with their texts. */
export type Repo = ReadonlyMap<string, string>;

/** The repository at `root`, without what git ignores and without files that are not text. */
export const readRepo = (root: string): Repo => {
  const args = ["-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listed = execFileSync("git", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const repo = new Map<string, string>();
  for (const file of new Set(listed.split("\0"))) {
    const at = path.join(root, file);
    if (file === "" || !existsSync(at) || !statSync(at).isFile()) continue;
    const text = readFileSync(at, "utf8");
    if (!text.includes("\0")) repo.set(file, text);
  }
  return repo;
};
