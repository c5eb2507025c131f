#!/usr/bin/env node
// Copies a muster store while muster runs: node back-up.mjs STORE COPY. Needs Node 24 and nothing else.

import { chmodSync, existsSync, renameSync, rmSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";

const [store, copy] = process.argv.slice(2);
if (store === undefined || copy === undefined) {
  process.stderr.write("usage: node back-up.mjs STORE COPY\n");
  process.exit(1);
}
if (!existsSync(store)) {
  process.stderr.write(`back-up: there is no store at ${store}\n`);
  process.exit(1);
}

// Under another name first: a copy that broke off must not look like a whole one.
const part = `${copy}.part`;
rmSync(part, { force: true });
process.umask(0o077);
const source = new DatabaseSync(store, { readOnly: true });
await backup(source, part);
source.close();

const made = new DatabaseSync(part);
// One file: without this the copy would need a journal beside it.
made.exec("PRAGMA journal_mode = DELETE");
const [{ integrity_check: found }] = made.prepare("PRAGMA integrity_check").all();
made.close();
if (found !== "ok") {
  process.stderr.write(`back-up: the copy is damaged: ${found}\n`);
  process.exit(2);
}
chmodSync(part, 0o600);
renameSync(part, copy);
process.stdout.write(`${copy}\n`);
