// What opening a store makes, promises and refuses.

import * as fs from "node:fs";
import * as path from "node:path";
import { assert, describe, it } from "@effect/vitest";
import { Store } from "@muster/core/store/store";
import type { StoreError, StoreShape } from "@muster/core/store/store";
import { sampleDraft, sampleStatus } from "@muster/testkit/store/samples";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { absentId } from "../src/absent.ts";
import { layerSqlite, openSqliteStore } from "../src/open.ts";
import type { SqliteStoreOptions } from "../src/open.ts";
import { openRaw, temporaryFile, temporaryFolder } from "./ground.ts";

const batch = { owner: "o", puts: [sampleStatus("web")], audit: [sampleDraft("one")] };
const modeOf = (file: string): string => (fs.statSync(file).mode & 0o777).toString(8);

const refused = (options: SqliteStoreOptions): Effect.Effect<StoreError, StoreShape> =>
  Effect.flip(Effect.scoped(openSqliteStore(options)));

/** A file that holds a store with one batch, closed again. */
const writtenFile: Effect.Effect<string, StoreError, Scope.Scope> = Effect.gen(function* () {
  const file = yield* temporaryFile;
  yield* Effect.scoped(
    Effect.flatMap(openSqliteStore({ path: file }), (store) => store.commit(batch)),
  );
  return file;
});

describe("openSqliteStore", () => {
  it.live("makes file, log and index for the user alone, in a folder for the user alone", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const before = process.umask(0);
      const store = yield* openSqliteStore({ path: file }).pipe(
        Effect.ensuring(Effect.sync(() => process.umask(before))),
      );
      yield* store.commit(batch);
      assert.strictEqual(modeOf(path.dirname(file)), "700");
      for (const suffix of ["", "-wal", "-shm"]) {
        assert.strictEqual(modeOf(file + suffix), "600", suffix);
      }
      assert.strictEqual(store.place, `sqlite:${file}`);
      assert.match(store.id, /^[0-9a-f]{32}$/);
    }),
  );

  it.live("takes others' access away from a store that was restored with too much of it", () =>
    Effect.gen(function* () {
      const file = yield* writtenFile;
      fs.chmodSync(file, 0o644);
      const store = yield* openSqliteStore({ path: file });
      assert.strictEqual(modeOf(file), "600");
      assert.deepStrictEqual(yield* store.load("o"), batch.puts);
    }),
  );

  it.live("leaves the mode of a folder that was there", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      fs.chmodSync(folder, 0o755);
      yield* openSqliteStore({ path: path.join(folder, "store.db") });
      assert.strictEqual(modeOf(folder), "755");
    }),
  );

  it.live("gives each store its own id", () =>
    Effect.gen(function* () {
      const one = yield* openSqliteStore({ path: yield* temporaryFile });
      const two = yield* openSqliteStore({ path: yield* temporaryFile });
      assert.notStrictEqual(one.id, two.id);
    }),
  );

  it.live("refuses a folder, a device and a path through a file, each with a remedy", () =>
    Effect.gen(function* () {
      const file = yield* writtenFile;
      for (const path of [file.slice(0, file.lastIndexOf("/")), "/dev/null", `${file}/inside`]) {
        const error = yield* refused({ path });
        assert.strictEqual(error.reason, "Unavailable", path);
        assert.strictEqual(error.place, `sqlite:${path}`);
        assert.isDefined(error.remedy);
      }
    }),
  );

  it.live("refuses what is no store, and does not touch it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const text = path.join(folder, "notes.txt");
      fs.writeFileSync(text, "my notes ".repeat(50));
      const other = path.join(folder, "other.db");
      (yield* openRaw(other)).exec("CREATE TABLE theirs (x)");
      for (const file of [text, other]) {
        const before = fs.readFileSync(file);
        fs.chmodSync(file, 0o644);
        const error = yield* refused({ path: file });
        assert.strictEqual(error.reason, "Unavailable", error.message);
        assert.deepStrictEqual(fs.readFileSync(file), before);
        assert.strictEqual(modeOf(file), "644");
        assert.isFalse(fs.existsSync(`${file}-wal`));
      }
    }),
  );

  it.live("refuses a store of a newer version and says which", () =>
    Effect.gen(function* () {
      const file = yield* writtenFile;
      yield* Effect.scoped(
        Effect.map(openRaw(file), (database) => database.exec("PRAGMA user_version = 2")),
      );
      const error = yield* refused({ path: file });
      assert.strictEqual(error.reason, "Unavailable");
      assert.include(error.message, "its version is 2, this muster knows 1");
    }),
  );

  it.live("calls a damaged file corrupt, and a store without its id too", () =>
    Effect.gen(function* () {
      const damaged = yield* writtenFile;
      const bytes = fs.readFileSync(damaged);
      fs.writeFileSync(damaged, bytes.fill(0xa5, 100));
      assert.strictEqual((yield* refused({ path: damaged })).reason, "Corrupt");
      const anonymous = yield* writtenFile;
      yield* Effect.scoped(
        Effect.map(openRaw(anonymous), (database) => database.exec("DELETE FROM meta")),
      );
      const error = yield* refused({ path: anonymous });
      assert.strictEqual(error.reason, "Corrupt");
      assert.isDefined(error.remedy);
    }),
  );

  it.live("refuses network file systems and FUSE before it makes anything", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      for (const type of [0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0xff534d42 | 0, 0x65735546]) {
        const error = yield* refused({ path: file, fileSystemType: () => type });
        assert.strictEqual(error.reason, "Unavailable");
        assert.include(error.remedy ?? "", "local disk");
      }
      assert.isFalse(fs.existsSync(path.dirname(file)));
      yield* openSqliteStore({ path: file, fileSystemType: () => 0xef53 });
    }),
  );

  it.live("names the key of a record, and the place of an entry, that cannot be read back", () =>
    Effect.gen(function* () {
      const file = yield* writtenFile;
      const store = yield* openSqliteStore({ path: file });
      const raw = yield* openRaw(file);
      raw.exec("UPDATE records SET json = '{}'");
      const record = yield* Effect.flip(store.load("o"));
      assert.strictEqual(record.reason, "Corrupt");
      assert.include(record.message, "Status/Fleet/web");
      raw.exec('DROP TRIGGER audit_unchanged; UPDATE audit SET json = \'{"hash":"x"}\'');
      const entry = yield* Effect.flip(store.auditEntries(0, 10));
      assert.strictEqual(entry.reason, "Corrupt");
      assert.include(entry.message, "audit entry 1");
    }),
  );

  it.live("keeps the audit from being changed or cut by a statement", () =>
    Effect.gen(function* () {
      const raw = yield* openRaw(yield* writtenFile);
      assert.throws(() => raw.exec("UPDATE audit SET json = '{}'"), /only grows/);
      // The head that the next entry follows cannot say anything else than its entry does.
      assert.throws(() => raw.exec("UPDATE audit SET hash = 'x'"), /generated column/);
      assert.throws(() => raw.exec("DELETE FROM audit"), /only grows/);
    }),
  );

  it.live("writes nothing of a batch that fails half-way, and goes on afterwards", () =>
    Effect.gen(function* () {
      const file = yield* temporaryFile;
      const store = yield* openSqliteStore({ path: file });
      yield* store.commit(batch);
      const raw = yield* openRaw(file);
      // Another process's trigger fails in the middle of the transaction, after the records.
      raw.exec("CREATE TRIGGER t BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END");
      const late = { ...batch, puts: [sampleStatus("late")] };
      const error = yield* Effect.flip(store.commit(late));
      assert.strictEqual(error.reason, "Unavailable");
      assert.deepStrictEqual(yield* store.load("o"), batch.puts);
      raw.exec("DROP TRIGGER t");
      yield* store.commit(late);
      assert.lengthOf(yield* store.load("o"), 2);
    }),
  );

  it.live("comes as a layer", () =>
    Effect.gen(function* () {
      const path = yield* temporaryFile;
      const head = yield* Effect.flatMap(Effect.service(Store), (store) =>
        store.commit(batch),
      ).pipe(Effect.provide(layerSqlite({ path })));
      assert.strictEqual(head.seq, 1);
    }),
  );
});

describe("openSqliteStore, read-only or on nothing", () => {
  for (const options of [{ readOnly: true }, { missing: "empty" }] as const) {
    it.live(`answers an empty store and makes nothing with ${JSON.stringify(options)}`, () =>
      Effect.gen(function* () {
        const file = yield* temporaryFile;
        const store = yield* openSqliteStore({ path: file, ...options });
        assert.deepStrictEqual(yield* store.load("o"), []);
        assert.deepStrictEqual(yield* store.owners, []);
        assert.deepStrictEqual(yield* store.auditEntries(0, 9), []);
        assert.strictEqual((yield* store.auditHead).chain, absentId);
        assert.strictEqual((yield* store.lease("o")).version, 0);
        assert.strictEqual((yield* Effect.flip(store.commit(batch))).reason, "Unavailable");
        assert.isFalse(fs.existsSync(path.dirname(file)));
      }),
    );
  }

  it.live("reads what is there, sees what others add, and refuses to write", () =>
    Effect.gen(function* () {
      const file = yield* writtenFile;
      const before = fs.readFileSync(file);
      const reader = yield* openSqliteStore({ path: file, readOnly: true });
      assert.deepStrictEqual(yield* reader.load("o"), batch.puts);
      const claim = { owner: "o", holder: "one", expected: 0, expiresAt: 1 };
      for (const write of [
        Effect.asVoid(reader.commit(batch)),
        Effect.asVoid(reader.claimLease(claim)),
      ]) {
        const error = yield* Effect.flip(write);
        assert.strictEqual(error.reason, "Unavailable");
      }
      assert.deepStrictEqual(fs.readFileSync(file), before);
      const writer = yield* openSqliteStore({ path: file });
      const head = yield* writer.commit(batch);
      assert.deepStrictEqual(yield* reader.auditHead, head);
    }),
  );

  it.live("writes with missing: empty when the store is there", () =>
    Effect.gen(function* () {
      const store = yield* openSqliteStore({ path: yield* writtenFile, missing: "empty" });
      assert.strictEqual((yield* store.commit(batch)).seq, 2);
    }),
  );
});
