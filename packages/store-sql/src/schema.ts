// The tables of the store, the marks by which a file is known as ours, and what an open file must promise.

import { StoreError } from "@muster/core/store/store";
import type { SqliteSession } from "./sqlite.ts";

/** `mstr`: SQLite's application id in the header of every file of ours. */
export const applicationId = 0x6d737472;

/** Rises with every change of the tables; a file of a higher one is refused. */
export const schemaVersion = 1;

const tables = `
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE records (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  json TEXT NOT NULL,
  hash TEXT NOT NULL GENERATED ALWAYS AS (json ->> '$.hash') STORED
) STRICT;
CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;
CREATE TRIGGER audit_uncut BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;
CREATE TABLE lease (
  owner TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  holder TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/**
 * Makes the tables in an empty file, unless another process was faster. Done before the file turns
 * to WAL, so that its marks stand in the header of the main file from the first moment on.
 */
export const createTables = (session: SqliteSession, id: string): void => {
  if (isOurs(session)) return;
  session.transaction(() => {
    if (isOurs(session)) return;
    session.exec(tables);
    session.run("INSERT INTO meta (name, value) VALUES ('id', ?)", id);
    session.exec(
      `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion};`,
    );
  });
};

const isOurs = (session: SqliteSession): boolean =>
  pragma(session, "application_id") === applicationId;

/** Asks for WAL and a sync at every commit. `fullfsync` matters on macOS only. */
export const setPromises = (session: SqliteSession): void => {
  session.exec("PRAGMA journal_mode = WAL");
  session.exec("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA foreign_keys = ON;");
};

/**
 * Reads the promises back. A file system that cannot do WAL, or a build without a sync at commit,
 * would keep a store that forgets what it answered: throws `Unavailable`.
 */
export const assertPromises = (session: SqliteSession, place: string): void => {
  const promises = { journal_mode: "wal", synchronous: 2, foreign_keys: 1 };
  for (const [name, promised] of Object.entries(promises)) {
    const found = pragma(session, name);
    if (found === promised) continue;
    throw new StoreError({
      reason: "Unavailable",
      place,
      message: `the store cannot keep its promise: ${name} is ${String(found)} and must be ${String(promised)}`,
      remedy: "keep the store on a local disk",
    });
  }
};

/** The id of a store that is ours; throws `Corrupt` when it has none. */
export const readId = (session: SqliteSession, place: string): string => {
  const id = session.all("SELECT value FROM meta WHERE name = 'id'")[0]?.["value"];
  if (typeof id === "string") return id;
  throw new StoreError({
    reason: "Corrupt",
    place,
    message: "the store has lost its id",
    remedy: "restore the last backup",
  });
};

const pragma = (session: SqliteSession, name: string): unknown =>
  Object.values(session.all(`PRAGMA ${name}`)[0] ?? {})[0];
