// Opens the store on Postgres: looks before it touches, makes or changes tables where the role owns them.

import type { StoreError, StoreShape } from "@muster/core/store/store";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { absentStore } from "./absent.ts";
import { patienceMillis } from "./attempt.ts";
import { asking, makePostgresDatabase } from "./postgres-database.ts";
import { formatPostgresPlace, type PostgresPlace } from "./postgres-place.ts";
import {
  assertServer,
  grantsFor,
  lackingGrants,
  lookAtGround,
  migrate,
  olderError,
  postgresVersion,
  readPostgresId,
  readVersion,
  refuseLacking,
  refuseNewer,
} from "./postgres-schema.ts";
import type { PostgresPool, PostgresSession } from "./postgres.ts";
import { makeStore } from "./store.ts";

export interface PostgresStoreOptions {
  /** As `parseStorePlace` reads it. */
  readonly place: PostgresPlace;
  /** Default false. A store opened so refuses every write, and never makes or changes tables. */
  readonly readOnly?: boolean;
  /** The most connections at a time; default 4. They are opened when they are needed. */
  readonly connections?: number;
  /** How long another process, or a connection, is waited for, in milliseconds; default 15,000. */
  readonly patienceMillis?: number;
}

/**
 * The store in a schema of a Postgres database, shared by processes of any machine. A role that owns
 * the tables brings them to this version, any other one must find them so. Fails with `Unavailable`
 * when the server, the role or the tables will not do, `Busy` after 15 s behind another process,
 * `Corrupt` when the tables are damaged. The driver is loaded here, and not before.
 */
export const openPostgresStore = (
  options: PostgresStoreOptions,
): Effect.Effect<StoreShape, StoreError, Scope.Scope> =>
  Effect.gen(function* () {
    const { schema } = options.place;
    const place = formatPostgresPlace(options.place);
    const readOnly = options.readOnly ?? false;
    const pool = yield* connect(options);
    const { user } = options.place;
    const id = yield* asking(place, "open the store", () =>
      prepare(pool, { place, schema, user, readOnly }),
    );
    if (id === null) return absentStore(place);
    return makeStore(makePostgresDatabase(pool, { place, schema, id }));
  });

export interface Migration {
  /** The version that was found; 0 when there was no store. */
  readonly from: number;
  readonly to: number;
}

/**
 * Brings the tables to this version, as the role that owns them, and grants another role, which must
 * exist, what the application needs. Changes nothing where all is so. Fails as opening does.
 */
export const migratePostgresStore = (
  options: PostgresStoreOptions & { readonly applicationRole?: string },
): Effect.Effect<Migration, StoreError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { schema } = options.place;
      const place = formatPostgresPlace(options.place);
      const pool = yield* connect(options);
      return yield* Effect.uninterruptible(
        asking(place, "migrate the store", async () => {
          assertServer(place, await pool.use((session) => lookAtGround(session, schema)));
          const from = await migrate(pool, place, schema);
          const role = options.applicationRole;
          if (role !== undefined) {
            await pool.transaction((session) => session.exec(grantsFor(schema, role)));
          }
          return { from, to: postgresVersion };
        }),
      );
    }),
  );

/** How long open connections may take to end, in milliseconds. */
const closingMillis = 5_000;

/** A pool of connections that are opened when they are needed, closed with the scope. */
export const connect = (
  options: PostgresStoreOptions,
): Effect.Effect<PostgresPool, StoreError, Scope.Scope> =>
  Effect.acquireRelease(
    asking(formatPostgresPlace(options.place), "open the store", async () => {
      const { openPool } = await import("./postgres.ts");
      return openPool(options.place, {
        readOnly: options.readOnly ?? false,
        connections: options.connections ?? 4,
        patienceMillis: options.patienceMillis ?? patienceMillis,
      });
    }),
    // An end that fails has nothing left to lose: every answered commit is on disk.
    (pool) =>
      Effect.promise(() => pool.end().catch(() => undefined)).pipe(
        Effect.interruptible,
        Effect.timeoutOption(closingMillis),
        Effect.asVoid,
      ),
  );

interface Wanted {
  readonly place: string;
  readonly schema: string;
  readonly user: string;
  readonly readOnly: boolean;
}

/** The id of the store, or nothing where there is none and none is to be made. */
const prepare = async (pool: PostgresPool, wanted: Wanted): Promise<string | null> => {
  const { place, schema, readOnly } = wanted;
  const ground = await pool.use((session) => lookAtGround(session, schema));
  assertServer(place, ground);
  if (!ground.hasTables && readOnly) return null;
  const found = ground.hasTables ? await pool.use(usableVersion(wanted)) : null;
  if (found !== null) refuseNewer(place, found);
  if (found === null || found < postgresVersion) {
    if (readOnly || !ground.owns) throw olderError(place, found);
    await migrate(pool, place, schema);
  }
  return pool.use((session) => readPostgresId(session, place, schema));
};

const usableVersion =
  ({ place, schema, user, readOnly }: Wanted) =>
  async (session: PostgresSession): Promise<number> => {
    refuseLacking(place, await lackingGrants(session, schema, readOnly), user);
    return readVersion(session, place, schema);
  };
