// Looks whether a store on Postgres can be used, keeps what it answers and is guarded, without changing anything.

import { failedFinding, type Finding, okFinding, warningFinding } from "@muster/core/words/finding";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { connect, type PostgresStoreOptions } from "./open-postgres.ts";
import { asking } from "./postgres-database.ts";
import { formatPostgresPlace } from "./postgres-place.ts";
import {
  assertServer,
  lackingGrants,
  lookAtGround,
  postgresVersion,
  readVersion,
  refuseLacking,
  refuseNewer,
} from "./postgres-schema.ts";
import type { PostgresSession, Row } from "./postgres.ts";

/** How long the server may hold up a look, in milliseconds. */
const patienceMillis = 5_000;

/** Never fails: what cannot be looked at is a finding. A store that is not there yet is no fault. */
export const examinePostgresStore = (
  options: Pick<PostgresStoreOptions, "place">,
): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const place = formatPostgresPlace(options.place);
    const looked = yield* Effect.result(
      Effect.scoped(
        Effect.flatMap(connect({ ...options, readOnly: true, patienceMillis }), (pool) =>
          asking(place, "open the store", () =>
            pool.use((session) => examine(session, place, options)),
          ),
        ),
      ),
    );
    if (Result.isSuccess(looked)) return looked.success;
    const { reason, message, remedy } = looked.failure;
    return [
      reason === "Busy"
        ? warningFinding("store", `${place}: ${message}`, remedy ?? "try again later")
        : failedFinding("store", "infrastructure", `${place}: ${message}`, remedy ?? null),
    ];
  });

const examine = async (
  session: PostgresSession,
  place: string,
  { place: { schema, user } }: Pick<PostgresStoreOptions, "place">,
): Promise<ReadonlyArray<Finding>> => {
  const ground = await lookAtGround(session, schema);
  assertServer(place, ground);
  const [settings] = await session.all(serverSettings);
  const server = [examineDurability(settings!), examineTls(settings!)];
  if (!ground.hasTables) {
    return [
      ground.owns
        ? okFinding("store", `there is none yet at ${place}; the first apply or run makes it`)
        : warningFinding(
            "store",
            `there is none yet at ${place}, and this role may not make it`,
            "run muster store migrate as the role that shall own the tables",
          ),
      ...server,
    ];
  }
  refuseLacking(place, await lackingGrants(session, schema, false), user);
  const version = await readVersion(session, place, schema);
  refuseNewer(place, version);
  return [
    okFinding("store", `${place} opens; its version is ${version} of ${postgresVersion}`),
    ...server,
    ground.isStandby
      ? warningFinding("store writable", "this is a standby", "name the primary server")
      : okFinding("store writable", "this role can write to it"),
    examineGuard((await session.all(auditRights, `${schema}.audit`))[0]!),
  ];
};

const serverSettings = `SELECT current_setting('full_page_writes') AS pages,
  current_setting('synchronous_commit') AS commit,
  (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls,
  inet_server_addr() IS NULL OR inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() = '::1'
    AS local`;

/** Without `fsync` a store is not opened; a commit of ours waits for the disk whatever is set. */
const examineDurability = (row: Row): Finding =>
  row["pages"] === "on"
    ? okFinding("store durability", "fsync and full_page_writes are on")
    : warningFinding(
        "store durability",
        "full_page_writes is off: a power cut may damage the database",
        "set full_page_writes = on, unless the disk writes whole pages by itself",
      );

const examineTls = (row: Row): Finding => {
  if (row["tls"] === true) return okFinding("store connection", "it is under TLS");
  return row["local"] === true
    ? okFinding("store connection", "it does not leave the machine")
    : warningFinding(
        "store connection",
        "it crosses the network in the clear",
        "write sslmode=verify-full in the store's URL",
      );
};

const auditRights = `SELECT has_table_privilege($1, 'UPDATE') OR has_table_privilege($1, 'DELETE')
  OR has_table_privilege($1, 'TRUNCATE') AS more`;

/** A trigger stands in the way of an owner, too, but an owner can take it away. */
const examineGuard = (row: Row): Finding =>
  row["more"] === true
    ? warningFinding(
        "store audit guard",
        "this role owns the audit or may change it; only a trigger keeps it from that",
        "let a role of its own migrate, and run muster as one with SELECT and INSERT on the audit",
      )
    : okFinding("store audit guard", "this role can read the audit and add to it, and no more");
