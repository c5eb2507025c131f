// A place for one test's stores on disk, with a look at its log from outside.

import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StoreGround } from "@muster/testkit/store/check";
import { countWalCommits } from "@muster/testkit/store/wal";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { openSqliteStore } from "../src/open.ts";

/** A folder of its own, gone with the scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "muster-store-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true })),
);

/** A fresh path for a store file; its folder is made by the store. */
export const temporaryFile: Effect.Effect<string, never, Scope.Scope> = Effect.map(
  temporaryFolder,
  (folder) => path.join(folder, "state", "store.db"),
);

/** SQLite itself on the file, past the store: what another process might do. */
export const openRaw = (file: string): Effect.Effect<DatabaseSync, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync(file, { timeout: 0 })),
    (database) => Effect.sync(() => database.close()),
  );

/** A ground of SQLite stores. */
export const sqliteGround: Effect.Effect<StoreGround, never, Scope.Scope> = Effect.map(
  temporaryFile,
  (file) => ({
    open: openSqliteStore({ path: file }),
    transactions: Effect.sync(() => countWalCommits(file)),
  }),
);
