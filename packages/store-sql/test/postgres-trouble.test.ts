// A server that refuses, stops, starts anew or hangs, and connections that are cut: what is told, and what is kept.

import { createServer, type AddressInfo } from "node:net";
import { assert, describe, it } from "@effect/vitest";
import { verifyChain } from "@muster/core/words/audit";
import { sampleDraft, sampleStatus } from "@muster/testkit/store/samples";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Redacted from "effect/Redacted";
import type * as Scope from "effect/Scope";
import { Client } from "pg";
import { openPostgresStore } from "../src/open-postgres.ts";
import { proxyTo } from "@muster/testkit/postgres/cut-proxy";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "./postgres-ground.ts";
import { type PostgresServer, postgresPresent } from "@muster/testkit/postgres/server";

const batch = (name: string) => ({
  owner: "o",
  puts: [sampleStatus(name)],
  audit: [sampleDraft(name)],
});

/** Another program in the middle of a transaction. */
const openRaw = (server: PostgresServer): Effect.Effect<Client, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const client = new Client({ connectionString: server.url("muster_owner"), ssl: false });
      await client.connect();
      return client;
    }),
    (client) => Effect.promise(() => client.end()),
  );

/** Until somebody waits for the advisory lock of a test. */
const untilWaiting = (server: PostgresServer): Effect.Effect<void> =>
  Effect.flatMap(
    server.administer("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"),
    (rows) => (rows.length > 0 ? Effect.void : untilWaiting(server)),
  );

describe.skipIf(!postgresPresent())("a store on Postgres", () => {
  const shared = sharedPostgres();
  const setUp = Effect.map(shared, (server) => {
    const schema = freshSchema();
    return { server, schema, place: placeFor(server, "muster_owner", schema) };
  });

  it.live("does not open with a wrong password, and tells no password", () =>
    Effect.gen(function* () {
      const { place } = yield* setUp;
      const wrong = { ...place, password: Redacted.make("hunter2") };
      const error = yield* Effect.flip(Effect.scoped(openPostgresStore({ place: wrong })));
      assert.strictEqual(error.reason, "Unavailable");
      assert.include(error.message, "this role is not let in");
      assert.include(error.remedy ?? "", "PGPASSWORD");
      assert.notInclude(JSON.stringify(error), "hunter2");
      const none = yield* Effect.flip(
        Effect.scoped(openPostgresStore({ place: { ...place, password: null } })),
      );
      assert.include(none.message, "this role is not let in");
      const database = yield* Effect.flip(
        Effect.scoped(openPostgresStore({ place: { ...place, database: "elsewhere" } })),
      );
      assert.include(database.message, "there is no such database");
    }),
  );

  it.live("does not open without TLS where TLS is asked for", () =>
    Effect.gen(function* () {
      const { place } = yield* setUp;
      for (const tls of ["require", "verify-ca", "verify-full"] as const) {
        const error = yield* Effect.flip(
          Effect.scoped(openPostgresStore({ place: { ...place, tls } })),
        );
        assert.strictEqual(error.reason, "Unavailable");
        assert.include(error.message, "TLS failed");
      }
    }),
  );

  it.live(
    "tells that the server is gone, and goes on when it is back, with all that it answered",
    () =>
      Effect.gen(function* () {
        const { server, place } = yield* setUp;
        const store = yield* openPostgresStore({ place });
        yield* store.commit(batch("one"));
        yield* server.stop;
        for (const act of [
          Effect.asVoid(store.commit(batch("late"))),
          Effect.asVoid(store.load("o")),
        ]) {
          const error = yield* Effect.flip(act);
          assert.strictEqual(error.reason, "Unavailable");
          assert.include(error.message, "the server refuses connections");
          assert.isDefined(error.remedy);
        }
        const unopened = yield* Effect.flip(Effect.scoped(openPostgresStore({ place })));
        assert.strictEqual(unopened.reason, "Unavailable");
        yield* server.start;
        assert.deepStrictEqual(yield* store.load("o"), batch("one").puts);
        assert.strictEqual((yield* store.commit(batch("two"))).seq, 2);
        yield* server.stop;
        yield* server.start;
        assert.strictEqual((yield* store.commit(batch("three"))).seq, 3);
        assert.isUndefined(verifyChain(yield* store.auditEntries(0, 9), yield* store.auditHead));
      }),
  );

  for (const { when, written } of [
    { when: "before", written: 1 },
    { when: "after", written: 2 },
  ] as const) {
    it.live(`says that an outcome is unknown when it is cut ${when} the commit is heard`, () =>
      Effect.gen(function* () {
        const { server, place } = yield* setUp;
        const proxy = yield* proxyTo(server.port);
        const store = yield* openPostgresStore({ place: { ...place, port: proxy.port } });
        yield* store.commit(batch("one"));
        proxy.cutNext({ at: "COMMIT\0", when });
        const error = yield* Effect.flip(store.commit(batch("two")));
        assert.strictEqual(error.reason, "Unanswered");
        assert.include(error.message, "whether it is written is unknown");
        // Never tried again by itself: it might be written twice.
        assert.strictEqual(proxy.cuts(), 1);
        assert.lengthOf(yield* store.load("o"), written);
        assert.strictEqual((yield* store.commit(batch("three"))).seq, written + 1);
        assert.isUndefined(verifyChain(yield* store.auditEntries(0, 9), yield* store.auditHead));
      }),
    );

    it.live(`claims again what it may have claimed, when it is cut ${when} that is heard`, () =>
      Effect.gen(function* () {
        const { server, place } = yield* setUp;
        const proxy = yield* proxyTo(server.port);
        const store = yield* openPostgresStore({ place: { ...place, port: proxy.port } });
        proxy.cutNext({ at: "COMMIT\0", when });
        const claim = { owner: "o", holder: "one", expected: 0, expiresAt: 1_000 };
        const error = yield* Effect.flip(store.claimLease(claim));
        assert.strictEqual(error.reason, "Unanswered");
        assert.include(error.message, "whether it is written is unknown");
        assert.strictEqual((yield* store.lease("o")).version, written - 1);
      }),
    );
  }

  it.live("writes once, on another connection, when one breaks before the commit", () =>
    Effect.gen(function* () {
      const { server, place } = yield* setUp;
      const proxy = yield* proxyTo(server.port);
      const store = yield* openPostgresStore({ place: { ...place, port: proxy.port } });
      for (const [index, at] of ["BEGIN", "FOR UPDATE", "WITH gone"].entries()) {
        proxy.cutNext({ at, when: index === 1 ? "after" : "before" });
        assert.strictEqual((yield* store.commit(batch(at))).seq, index + 1);
        assert.strictEqual(proxy.cuts(), index + 1);
      }
      proxy.cutNext({ at: "SELECT writes", when: "before" });
      assert.lengthOf(yield* store.load("o"), 3);
    }),
  );

  it.live("is busy when another program holds it too long, and writes nothing", () =>
    Effect.gen(function* () {
      const { server, place, schema } = yield* setUp;
      // Connecting takes its time, too, on a machine with much else to do.
      const store = yield* openPostgresStore({ place, patienceMillis: 2_000 });
      const raw = yield* openRaw(server);
      yield* Effect.promise(() => raw.query(`BEGIN; SELECT 1 FROM ${schema}.turn FOR UPDATE`));
      const claim = { owner: "o", holder: "one", expected: 0, expiresAt: 1 };
      for (const act of [
        Effect.asVoid(store.commit(batch("one"))),
        Effect.asVoid(store.claimLease(claim)),
      ]) {
        const error = yield* Effect.flip(act);
        assert.strictEqual(error.reason, "Busy");
        assert.isDefined(error.remedy);
      }
      assert.deepStrictEqual(yield* store.load("o"), []);
      yield* Effect.promise(() => raw.query("ROLLBACK"));
      assert.strictEqual((yield* store.commit(batch("one"))).seq, 1);
    }),
  );

  it.live("does not wait for ever for a server that takes connections and says nothing", () =>
    Effect.gen(function* () {
      const { place } = yield* setUp;
      const silent = createServer();
      yield* Effect.acquireRelease(
        Effect.promise(
          () => new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", () => resolve())),
        ),
        () => Effect.sync(() => silent.close()),
      );
      const { port } = silent.address() as AddressInfo;
      const error = yield* Effect.flip(
        Effect.scoped(openPostgresStore({ place: { ...place, port }, patienceMillis: 200 })),
      );
      assert.strictEqual(error.reason, "Unavailable");
      assert.include(error.message, "the server does not answer");
    }),
  );

  it.live("shows what another program wrote as soon as it is committed, and not before", () =>
    Effect.gen(function* () {
      const { server, place, schema } = yield* setUp;
      const store = yield* openPostgresStore({ place });
      const other = yield* openPostgresStore({ place });
      yield* store.commit(batch("one"));
      assert.lengthOf(yield* store.load("o"), 1);
      const raw = yield* openRaw(server);
      // Holds up the other store's write at its very end: all of it is done, and none can be seen.
      yield* Effect.promise(() =>
        raw.query(
          `CREATE FUNCTION ${schema}.wait() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$;
           CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON ${schema}.audit
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ${schema}.wait();
           SELECT pg_advisory_lock(4711)`,
        ),
      );
      const writing = yield* Effect.forkChild(other.commit(batch("two")));
      yield* untilWaiting(server);
      assert.lengthOf(yield* store.load("o"), 1);
      yield* Effect.promise(() => raw.query("SELECT pg_advisory_unlock(4711)"));
      yield* Fiber.join(writing);
      assert.lengthOf(yield* store.load("o"), 2);
    }),
  );
});
