// Opens the store on a SQLite file: looks before it touches, makes what is missing, reads promises back.

import { randomBytes } from "node:crypto";
import * as path from "node:path";
import { Store } from "@muster/core/store/store";
import type { StoreError, StoreShape } from "@muster/core/store/store";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import { absentStore } from "./absent.ts";
import { attempt, lockWaitMillis } from "./attempt.ts";
import { closeToOthers, createFile, fileSystemType, inspectFile } from "./file.ts";
import type { FileSystemType } from "./file.ts";
import { assertPromises, createTables, readId, setPromises } from "./schema.ts";
import { makeSqliteDatabase } from "./sqlite-database.ts";
import { openSession } from "./sqlite.ts";
import type { SqliteSession } from "./sqlite.ts";
import { makeStore } from "./store.ts";

export interface SqliteStoreOptions {
  /** Relative to the working folder; never interpreted as a URL or as `:memory:`. */
  readonly path: string;
  /** Default false. A store opened so refuses every write, and never makes the file. */
  readonly readOnly?: boolean;
  /**
   * What to do when the file is not there: make it, or answer an empty store that refuses writes
   * and leaves the disk as it is. Default `create`; when read-only always `empty`.
   */
  readonly missing?: "create" | "empty";
  /** Tells the type of a file system; default Linux `statfs`. */
  readonly fileSystemType?: FileSystemType;
}

/**
 * The store on a SQLite file: WAL, synced at every commit, mode 0600, shared by several processes of
 * one machine. Fails with `Unavailable` when the path cannot hold a store or the file is not ours or
 * newer, `Busy` after 15 s behind another process, `Corrupt` when the file is damaged.
 */
export const openSqliteStore = (
  options: SqliteStoreOptions,
): Effect.Effect<StoreShape, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const file = path.resolve(options.path);
    const place = `sqlite:${file}`;
    const found = yield* attempt(place, "open the store", () =>
      inspectFile(place, file, options.fileSystemType ?? fileSystemType),
    );
    const readOnly = options.readOnly ?? false;
    if (found !== "ours" && (readOnly || options.missing === "empty")) return absentStore(place);
    const session = yield* openFile(place, file, readOnly);
    const id = yield* attempt(place, "open the store", () =>
      readOnly ? readId(session, place) : prepare(session, place, file),
    );
    return makeStore(makeSqliteDatabase(session, place, id));
  });

/** The store on a SQLite file as a layer; see `openSqliteStore`. */
export const layerSqlite = (options: SqliteStoreOptions): Layer.Layer<Store, StoreError> =>
  Layer.effect(Store, openSqliteStore(options));

const openFile = (
  place: string,
  file: string,
  readOnly: boolean,
): Effect.Effect<SqliteSession, StoreError, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(place, "open the store", () => {
      if (!readOnly) createFile(file);
      return openSession(file, { readOnly, waitMillis: lockWaitMillis });
    }),
    // A close that fails has nothing left to lose: every answered commit is synced.
    (session) => Effect.ignore(attempt(place, "close the store", () => session.close())),
  );

const prepare = (session: SqliteSession, place: string, file: string): string => {
  createTables(session, randomBytes(16).toString("hex"));
  closeToOthers(file);
  setPromises(session);
  assertPromises(session, place);
  return readId(session, place);
};
