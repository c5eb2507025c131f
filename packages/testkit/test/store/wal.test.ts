// The count of committed transactions, against real logs that SQLite wrote.

import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { assert, beforeEach, describe, it } from "@effect/vitest";
import { afterEach } from "vitest";
import { countCommits, countWalCommits } from "../../src/store/wal.ts";

let folder = "";
let file = "";
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "muster-wal-"));
  file = path.join(folder, "a.db");
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const open = (): DatabaseSync => {
  const database = new DatabaseSync(file);
  database.exec("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t (text TEXT)");
  return database;
};

describe("countWalCommits", () => {
  it("counts transactions, not statements and not pages", () => {
    using database = open();
    const before = countWalCommits(file);
    database.exec("INSERT INTO t VALUES ('one')");
    assert.strictEqual(countWalCommits(file), before + 1);
    const many = "INSERT INTO t VALUES (hex(randomblob(9000)));".repeat(5);
    database.exec(`BEGIN; ${many} COMMIT`);
    assert.strictEqual(countWalCommits(file), before + 2);
  });

  it("does not count what was rolled back or changed nothing", () => {
    using database = open();
    const before = countWalCommits(file);
    database.exec("BEGIN; INSERT INTO t VALUES ('gone'); ROLLBACK");
    database.exec("BEGIN IMMEDIATE; COMMIT");
    database.exec("DELETE FROM t WHERE text = 'unknown'");
    assert.strictEqual(countWalCommits(file), before);
  });

  it("starts over after a checkpoint, without what is left of the old log", () => {
    using database = open();
    database.exec("INSERT INTO t VALUES ('1'); INSERT INTO t VALUES ('2')");
    assert.isAbove(countWalCommits(file), 2);
    database.exec("PRAGMA wal_checkpoint(RESTART)");
    database.exec("INSERT INTO t VALUES ('3')");
    assert.strictEqual(countWalCommits(file), 1);
  });

  it("keeps its count while another connection reads", () => {
    using database = open();
    using reader = open();
    reader.exec("BEGIN; SELECT * FROM t");
    const before = countWalCommits(file);
    for (let row = 0; row < 1_200; row += 1) database.exec("INSERT INTO t VALUES ('row')");
    assert.strictEqual(countWalCommits(file), before + 1_200);
  });

  it("is nought without a log", () => {
    assert.strictEqual(countWalCommits(file), 0);
    assert.strictEqual(countCommits(new Uint8Array(31)), 0);
  });
});
