// Keeps the config repository of a world, written as git keeps it on disk: sweeps start no process for it.

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import * as path from "node:path";
import { promisify } from "node:util";
import { deflate } from "node:zlib";

const deflated = promisify(deflate);

/** Few pushes come to it: a look after each whether it is time to collect would only take time. */
const config =
  "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n" +
  "[receive]\n\tautogc = false\n";

/** A line for each push that moved a branch of muster's. */
const postReceive = `#!/bin/sh
while read -r old new ref; do case "$ref" in refs/heads/muster/*) muster=1;; esac; done
[ -z "$muster" ] || echo push >> pushes
`;

/** An empty bare repository; its hook counts muster's pushes. */
export const makeRepository = async (bare: string): Promise<void> => {
  for (const folder of ["objects", "refs/heads", "hooks"]) {
    await mkdir(path.join(bare, folder), { recursive: true });
  }
  await writeFile(path.join(bare, "HEAD"), "ref: refs/heads/main\n");
  await writeFile(path.join(bare, "config"), config);
  await writeFile(path.join(bare, "hooks", "post-receive"), postReceive, { mode: 0o755 });
};

export const pushesTo = async (bare: string): Promise<number> =>
  (await readFile(path.join(bare, "pushes"), "utf8").catch(() => "")).split("\n").length - 1;

/** Merges a commit into main whose only file is this one. */
export const mergeFile = async (
  bare: string,
  file: { readonly name: string; readonly text: string },
  message: string,
): Promise<void> => {
  const main = path.join(bare, "refs", "heads", "main");
  const parent = (await readFile(main, "utf8").catch(() => "")).trim();
  const blob = await writeObject(bare, "blob", Buffer.from(file.text));
  const entry = [Buffer.from(`100644 ${file.name}\0`), Buffer.from(blob, "hex")];
  const tree = await writeObject(bare, "tree", Buffer.concat(entry));
  const person = `t <t@localhost> ${Math.floor(Date.now() / 1_000)} +0000`;
  const lines = [
    `tree ${tree}`,
    ...(parent === "" ? [] : [`parent ${parent}`]),
    `author ${person}`,
    `committer ${person}`,
    `\n${message}\n`,
  ];
  const commit = await writeObject(bare, "commit", Buffer.from(lines.join("\n")));
  await writeFile(`${main}.lock`, `${commit}\n`);
  await rename(`${main}.lock`, main);
};

const writeObject = async (bare: string, type: string, content: Buffer): Promise<string> => {
  const object = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
  const id = createHash("sha1").update(object).digest("hex");
  const folder = path.join(bare, "objects", id.slice(0, 2));
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, id.slice(2)), await deflated(object));
  return id;
};
