// What opening a store on Postgres makes, promises and refuses, and what each role may do there.

import { assert, describe, it } from "@effect/vitest";
import type { StoreError } from "@muster/core/store/store";
import { sampleDraft, sampleStatus } from "@muster/testkit/store/samples";
import * as Effect from "effect/Effect";
import { Client } from "pg";
import { absentId } from "../src/absent.ts";
import { examinePostgresStore } from "../src/examine-postgres.ts";
import { migratePostgresStore, openPostgresStore } from "../src/open-postgres.ts";
import type { PostgresPlace } from "../src/postgres-place.ts";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "./postgres-ground.ts";
import { type PostgresServer, postgresPresent } from "@muster/testkit/postgres/server";

const batch = { owner: "o", puts: [sampleStatus("web")], audit: [sampleDraft("one")] };

const refused = (place: PostgresPlace): Effect.Effect<StoreError> =>
  Effect.orDie(Effect.flip(Effect.scoped(openPostgresStore({ place }))));

/** What the server says to a statement of a role: nothing when it was carried out. */
const saidTo = (server: PostgresServer, role: string, sql: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    const client = new Client({ connectionString: server.url(role), ssl: false });
    await client.connect();
    try {
      await client.query(sql);
      return "";
    } catch (cause) {
      return String(cause);
    } finally {
      await client.end();
    }
  });

describe.skipIf(!postgresPresent())("openPostgresStore", () => {
  const shared = sharedPostgres();

  const setUp = Effect.map(shared, (server) => {
    const schema = freshSchema();
    return {
      server,
      schema,
      owner: placeFor(server, "muster_owner", schema),
      application: placeFor(server, "muster_app", schema),
    };
  });

  it.live("makes the tables once, however many open it at the same time", () =>
    Effect.gen(function* () {
      const { owner, server, schema } = yield* setUp;
      const open = openPostgresStore({ place: owner });
      const stores = yield* Effect.all([open, open, open, open], { concurrency: "unbounded" });
      assert.strictEqual(new Set(stores.map(({ id }) => id)).size, 1);
      assert.match(stores[0].id, /^[0-9a-f]{32}$/);
      assert.strictEqual(
        stores[0].place,
        `postgres://muster_owner@127.0.0.1:${server.port}/fleet?schema=${schema}`,
      );
      assert.deepStrictEqual(yield* migratePostgresStore({ place: owner }), { from: 1, to: 1 });
    }),
  );

  it.live("lets another role work only where it was granted, and says what to grant", () =>
    Effect.gen(function* () {
      const { owner, application, schema } = yield* setUp;
      const none = yield* refused(application);
      assert.strictEqual(none.reason, "Unavailable");
      assert.include(none.message, "there is no store here yet, and this role may not make it");
      assert.include(none.remedy ?? "", "muster store migrate");
      assert.deepStrictEqual(yield* migratePostgresStore({ place: owner }), { from: 0, to: 1 });
      const strange = yield* refused(application);
      assert.strictEqual(strange.reason, "Unavailable");
      assert.include(strange.remedy ?? "", `GRANT USAGE ON SCHEMA ${schema} TO "muster_app"`);
      assert.include(strange.remedy ?? "", `GRANT INSERT ON ${schema}.audit TO "muster_app"`);
      yield* migratePostgresStore({ place: owner, applicationRole: "muster_app" });
      const store = yield* openPostgresStore({ place: application });
      assert.strictEqual((yield* store.commit(batch)).seq, 1);
      const claim = { owner: "o", holder: "one", expected: 0, expiresAt: 1 };
      assert.strictEqual((yield* store.claimLease(claim))?.version, 1);
      const { key } = { key: "Status/Fleet/web" };
      yield* store.commit({ owner: "o", fence: 1, deletes: [key] });
      assert.deepStrictEqual(yield* store.load("o"), []);
    }),
  );

  it.live(
    "keeps the application from changing the audit, and its owner and administrator too",
    () =>
      Effect.gen(function* () {
        const { server, schema, owner, application } = yield* setUp;
        yield* migratePostgresStore({ place: owner, applicationRole: "muster_app" });
        yield* (yield* openPostgresStore({ place: application })).commit(batch);
        const audit = `${schema}.audit`;
        const changes = [
          `UPDATE ${audit} SET json = '{}'`,
          `DELETE FROM ${audit}`,
          `TRUNCATE ${audit}`,
        ];
        const structural = [
          `ALTER TABLE ${audit} DISABLE TRIGGER audit_unchanged`,
          `DROP TRIGGER audit_unchanged ON ${audit}`,
          `DROP TABLE ${audit}`,
          `CREATE TABLE ${schema}.mine (x INT)`,
          `UPDATE ${schema}.meta SET value = '9'`,
          `INSERT INTO ${audit} (seq, hash, json) VALUES (1, '', '"hash":""')`,
        ];
        for (const sql of [...changes, ...structural]) {
          assert.match(
            yield* saidTo(server, "muster_app", sql),
            /permission denied|must be owner|duplicate key/,
            sql,
          );
        }
        for (const sql of changes) {
          assert.include(yield* saidTo(server, "muster_owner", sql), "only grows", sql);
          const replica = `SET session_replication_role = replica; ${sql}`;
          assert.include(yield* saidTo(server, "admin", replica), "only grows", sql);
        }
        // The head that the next entry follows cannot say anything else than its entry does.
        const other = `INSERT INTO ${audit} (seq, hash, json) VALUES (2, 'x', '{"hash":"y"}')`;
        assert.include(yield* saidTo(server, "muster_owner", other), "check constraint");
        const store = yield* openPostgresStore({ place: application, readOnly: true });
        assert.lengthOf(yield* store.auditEntries(0, 10), 1);
      }),
  );

  it.live(
    "refuses newer tables, older ones of another role, and tables that lost their marks",
    () =>
      Effect.gen(function* () {
        const { server, schema, owner, application } = yield* setUp;
        yield* migratePostgresStore({ place: owner, applicationRole: "muster_app" });
        const say = (value: string) =>
          server.administer(`UPDATE ${schema}.meta SET value = '${value}' WHERE name = 'version'`);
        yield* say("2");
        for (const place of [owner, application]) {
          const newer = yield* refused(place);
          assert.strictEqual(newer.reason, "Unavailable");
          assert.include(newer.message, "its version is 2, this muster knows 1");
        }
        const migrated = yield* Effect.flip(migratePostgresStore({ place: owner }));
        assert.include(migrated.message, "its version is 2");
        yield* say("0");
        const older = yield* refused(application);
        assert.include(older.message, "tables are of version 0, this muster needs 1");
        assert.include(older.remedy ?? "", "muster store migrate");
        yield* say("one");
        assert.strictEqual((yield* refused(application)).reason, "Corrupt");
        yield* say("1");
        yield* server.administer(`DELETE FROM ${schema}.meta WHERE name = 'id'`);
        assert.strictEqual((yield* refused(application)).reason, "Corrupt");
      }),
  );

  it.live("makes nothing when it only reads, reads what is there, and refuses to write", () =>
    Effect.gen(function* () {
      const { server, schema, owner } = yield* setUp;
      const absent = yield* openPostgresStore({ place: owner, readOnly: true });
      assert.strictEqual(absent.id, absentId);
      const schemas = `SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`;
      assert.lengthOf(yield* server.administer(schemas), 0);
      yield* (yield* openPostgresStore({ place: owner })).commit(batch);
      const reader = yield* openPostgresStore({ place: owner, readOnly: true });
      assert.deepStrictEqual(yield* reader.load("o"), batch.puts);
      const error = yield* Effect.flip(reader.commit(batch));
      assert.strictEqual(error.reason, "Unavailable");
      assert.include(error.message, "it can only be read here");
    }),
  );

  it.live("refuses a database that cannot keep every text, and a server that does not sync", () =>
    Effect.gen(function* () {
      const { server, owner } = yield* setUp;
      yield* server.administer(
        "CREATE DATABASE narrow TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
      );
      const narrow = yield* refused({ ...owner, database: "narrow" });
      assert.include(narrow.message, "keeps text as SQL_ASCII");
      yield* server.administer("ALTER SYSTEM SET fsync = off");
      yield* server.stop;
      yield* server.start;
      const careless = yield* refused(owner);
      assert.include(careless.message, "fsync is off");
      const [finding] = yield* examinePostgresStore({ place: owner });
      assert.strictEqual(finding?.verdict, "failed");
      yield* server.administer("ALTER SYSTEM SET fsync = on");
      yield* server.stop;
      yield* server.start;
      yield* openPostgresStore({ place: owner });
    }),
  );

  it.live("commits on disk, also for a role whose commits do not wait for it", () =>
    Effect.gen(function* () {
      const { server, owner, schema } = yield* setUp;
      yield* server.administer("ALTER ROLE muster_owner SET synchronous_commit = off");
      const store = yield* openPostgresStore({ place: owner });
      yield* server.administer(
        `CREATE TABLE ${schema}.seen (x TEXT); GRANT ALL ON ${schema}.seen TO PUBLIC;
         CREATE FUNCTION ${schema}.see() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN INSERT INTO ${schema}.seen VALUES (current_setting('synchronous_commit'));
           RETURN NULL; END $$;
         CREATE TRIGGER see AFTER UPDATE ON ${schema}.turn
           FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.see()`,
      );
      yield* store.commit(batch);
      assert.deepStrictEqual(yield* server.administer(`SELECT x FROM ${schema}.seen`), [
        { x: "on" },
      ]);
      yield* server.administer("ALTER ROLE muster_owner RESET synchronous_commit");
    }),
  );

  it.live("is examined without being made: what it is, keeps, and lets its role do", () =>
    Effect.gen(function* () {
      const { owner, application } = yield* setUp;
      const look = (place: PostgresPlace) =>
        Effect.map(examinePostgresStore({ place }), (findings) =>
          findings.map(({ check, verdict }) => `${check}: ${verdict}`),
        );
      const server = ["store durability: ok", "store connection: ok"];
      assert.deepStrictEqual(yield* look(owner), ["store: ok", ...server]);
      assert.deepStrictEqual(yield* look(application), ["store: warning", ...server]);
      yield* migratePostgresStore({ place: owner });
      assert.deepStrictEqual(yield* look(application), ["store: failed"]);
      yield* migratePostgresStore({ place: owner, applicationRole: "muster_app" });
      const writable = "store writable: ok";
      assert.deepStrictEqual(yield* look(owner), [
        "store: ok",
        ...server,
        writable,
        "store audit guard: warning",
      ]);
      assert.deepStrictEqual(yield* look(application), [
        "store: ok",
        ...server,
        writable,
        "store audit guard: ok",
      ]);
    }),
  );
});
