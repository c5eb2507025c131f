// The statements: how rows of the store lie in Postgres, and what one transaction of each kind does.

import { auditChain, hasGrown, neverHeld } from "@muster/core/store/memory";
import type { RecordRow } from "@muster/core/store/memory";
import { StoreError } from "@muster/core/store/store";
import type { StoreLease } from "@muster/core/store/store";
import { genesis } from "@muster/core/words/audit";
import type { AuditHead } from "@muster/core/words/audit";
import * as Effect from "effect/Effect";
import type { AuditRow, LeaseClaim, StoreDatabase, WriteAnswer, WriteRequest } from "./database.ts";
import { toPostgresError } from "./postgres-fault.ts";
import type { PostgresPool, PostgresSession, Row } from "./postgres.ts";
import { fromColumn, toPostgresColumn as toColumn } from "./text.ts";

/** Where the tables are, and what is said of it. */
export interface PostgresGround {
  readonly place: string;
  readonly schema: string;
  readonly id: string;
}

/** The database behind an open pool. */
export const makePostgresDatabase = (pool: PostgresPool, ground: PostgresGround): StoreDatabase => {
  const { place, schema, id } = ground;
  const read = <A>(doing: string, body: (session: PostgresSession) => Promise<A>) =>
    asking(place, doing, () => pool.use(body));
  // What was begun is ended before anything else is said: else a later look might miss it.
  const change = <A>(doing: string, body: (session: PostgresSession) => Promise<A>) =>
    Effect.uninterruptible(asking(place, doing, () => pool.transaction(body)));
  return {
    id,
    place,
    version: read("read the version", (session) => readVersion(session, schema)),
    records: (owner) => read("read the records", (session) => readRecords(session, schema, owner)),
    record: (owner, key) =>
      read("read a record", (session) => readRecord(session, schema, owner, key)),
    owners: read("read the owners", (session) => readOwners(session, schema)),
    head: read("read the audit", (session) => readHead(session, ground)),
    entries: (after, limit) =>
      read("read the audit", (session) => readEntries(session, schema, after, limit)),
    lease: (owner) => read("read the lease", (session) => readLease(session, schema, owner)),
    write: (request) => change("write", (session) => write(session, ground, request)),
    swapLease: (claim) => change("claim the lease", (session) => swapLease(session, ground, claim)),
  };
};

/** Runs one piece of work on the store. `doing` completes the sentence "cannot …". */
export const asking = <A>(
  place: string,
  doing: string,
  work: () => Promise<A>,
): Effect.Effect<A, StoreError> =>
  Effect.suspend(() =>
    Effect.promise(() =>
      work().then(
        (answer) => Effect.succeed(answer),
        (cause: unknown) => {
          const error = toPostgresError(place, doing, cause);
          return error === undefined ? Effect.die(cause) : Effect.fail(error);
        },
      ),
    ),
  ).pipe(Effect.flatten);

/** Counted up by each write, in its own transaction: it shows when the rows do, and never before. */
const readVersion = async (session: PostgresSession, schema: string): Promise<string> => {
  const [row] = await session.all(`SELECT writes FROM ${schema}.turn`);
  return String(row?.["writes"]);
};

const readRecords = async (
  session: PostgresSession,
  schema: string,
  owner: string,
): Promise<ReadonlyArray<RecordRow>> => {
  const rows = await session.all(
    `SELECT key, json FROM ${schema}.records WHERE owner = $1`,
    toColumn(owner),
  );
  return rows.map((row) => ({ key: fromColumn(textOf(row, "key")), json: textOf(row, "json") }));
};

const readRecord = async (
  session: PostgresSession,
  schema: string,
  owner: string,
  key: string,
): Promise<RecordRow | null> => {
  const [row] = await session.all(
    `SELECT json FROM ${schema}.records WHERE owner = $1 AND key = $2`,
    toColumn(owner),
    toColumn(key),
  );
  return row === undefined ? null : { key, json: textOf(row, "json") };
};

const readOwners = async (
  session: PostgresSession,
  schema: string,
): Promise<ReadonlyArray<string>> => {
  const rows = await session.all(`SELECT DISTINCT owner FROM ${schema}.records`);
  return rows.map((row) => fromColumn(textOf(row, "owner")));
};

const readHead = async (session: PostgresSession, ground: PostgresGround): Promise<AuditHead> => {
  const [row] = await session.all(
    `SELECT seq, hash FROM ${ground.schema}.audit ORDER BY seq DESC LIMIT 1`,
  );
  return headOf(row, ground);
};

const headOf = (row: Row | undefined, { id }: PostgresGround): AuditHead =>
  row === undefined || row["seq"] === null
    ? { chain: id, seq: 0, hash: genesis }
    : { chain: id, seq: numberOf(row, "seq"), hash: textOf(row, "hash") };

const readEntries = async (
  session: PostgresSession,
  schema: string,
  after: number,
  limit: number,
): Promise<ReadonlyArray<AuditRow>> => {
  const rows = await session.all(
    `SELECT seq, hash, json FROM ${schema}.audit WHERE seq > $1 ORDER BY seq LIMIT $2`,
    after,
    limit,
  );
  return rows.map((row) => ({
    seq: numberOf(row, "seq"),
    hash: textOf(row, "hash"),
    json: textOf(row, "json"),
  }));
};

const readLease = async (
  session: PostgresSession,
  schema: string,
  owner: string,
): Promise<StoreLease> => {
  const [row] = await session.all(
    `SELECT version, holder, expires_at FROM ${schema}.lease WHERE owner = $1`,
    toColumn(owner),
  );
  return leaseOf(row);
};

const leaseOf = (row: Row | undefined): StoreLease =>
  row === undefined || row["version"] === null
    ? neverHeld
    : {
        version: numberOf(row, "version"),
        holder: fromColumn(textOf(row, "holder")),
        expiresAt: numberOf(row, "expires_at"),
      };

/**
 * Waits until nobody else writes, and keeps others from it to the end of the transaction. A
 * statement of its own: what is read after it shows all that was written before.
 */
const takeTurn = async (session: PostgresSession, ground: PostgresGround): Promise<void> => {
  const rows = await session.all(`SELECT writes FROM ${ground.schema}.turn FOR UPDATE`);
  if (rows.length === 1) return;
  throw new StoreError({
    reason: "Corrupt",
    place: ground.place,
    message: "the store has lost the row that keeps its writes apart",
    remedy: "restore the last backup",
  });
};

const write = async (
  session: PostgresSession,
  ground: PostgresGround,
  request: WriteRequest,
): Promise<WriteAnswer> => {
  await takeTurn(session, ground);
  const { lease, moved, head } = await lookBefore(session, ground, request);
  if (request.fence !== undefined && request.fence !== lease.version) {
    return { written: false, lease };
  }
  if (moved !== null) return { written: false, moved };
  if (hasGrown(request.auditedTo, head)) return { written: false, moved: auditChain };
  const rows = request.seal(head);
  await writeRows(session, ground.schema, request, rows);
  const last = rows.at(-1);
  return {
    written: true,
    head: last === undefined ? head : { chain: ground.id, seq: last.seq, hash: last.hash },
  };
};

/** All that a write depends on, in one question. */
const lookBefore = async (
  session: PostgresSession,
  ground: PostgresGround,
  request: WriteRequest,
) => {
  const { schema } = ground;
  const [row] = await session.all(
    `SELECT l.version, l.holder, l.expires_at, h.seq, h.hash,
            (SELECT e.at
               FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS e (key, json, at)
               LEFT JOIN ${schema}.records r ON r.owner = $1 AND r.key = e.key
              WHERE r.json IS DISTINCT FROM e.json
              ORDER BY e.at LIMIT 1) AS moved
       FROM (SELECT 1) AS one
       LEFT JOIN ${schema}.lease l ON l.owner = $1
       LEFT JOIN (SELECT seq, hash FROM ${schema}.audit ORDER BY seq DESC LIMIT 1) h ON true`,
    toColumn(request.owner),
    request.expected.map(({ key }) => toColumn(key)),
    request.expected.map(({ json }) => json),
  );
  const at = row!["moved"] === null ? null : numberOf(row!, "moved");
  return {
    lease: leaseOf(row),
    moved: at === null ? null : request.expected[at - 1]!.key,
    head: headOf(row, ground),
  };
};

/** One statement, whose parts all see the rows of before: so each row is touched by one part only. */
const writeRows = async (
  session: PostgresSession,
  schema: string,
  request: WriteRequest,
  entries: ReadonlyArray<AuditRow>,
): Promise<void> => {
  const puts = new Map(request.puts.map(({ key, json }) => [key, json]));
  const gone = [
    ...request.deletes.map((key) => ({ key, json: null })),
    ...request.spent.map(({ key, json }) => ({ key, json })),
  ].filter(({ key }) => !puts.has(key));
  if (puts.size === 0 && gone.length === 0 && entries.length === 0) return;
  await session.all(
    `WITH gone AS (
       DELETE FROM ${schema}.records r
        USING unnest($2::text[], $3::text[]) AS g (key, json)
        WHERE r.owner = $1 AND r.key = g.key AND (g.json IS NULL OR r.json = g.json)
     ), put AS (
       INSERT INTO ${schema}.records (owner, key, json)
       SELECT $1, p.key, p.json FROM unnest($4::text[], $5::text[]) AS p (key, json)
       ON CONFLICT (owner, key) DO UPDATE SET json = excluded.json
     ), sealed AS (
       INSERT INTO ${schema}.audit (seq, hash, json)
       SELECT * FROM unnest($6::bigint[], $7::text[], $8::text[])
     )
     UPDATE ${schema}.turn SET writes = writes + 1`,
    toColumn(request.owner),
    gone.map(({ key }) => toColumn(key)),
    gone.map(({ json }) => json),
    [...puts.keys()].map(toColumn),
    [...puts.values()],
    entries.map(({ seq }) => seq),
    entries.map(({ hash }) => hash),
    entries.map(({ json }) => json),
  );
};

const swapLease = async (
  session: PostgresSession,
  ground: PostgresGround,
  claim: LeaseClaim,
): Promise<StoreLease | null> => {
  const { schema } = ground;
  await takeTurn(session, ground);
  if ((await readLease(session, schema, claim.owner)).version !== claim.expected) return null;
  const lease: StoreLease = {
    version: claim.expected + 1,
    holder: claim.holder,
    expiresAt: claim.expiresAt,
  };
  await session.all(
    `WITH swapped AS (
       INSERT INTO ${schema}.lease (owner, version, holder, expires_at) VALUES ($1, $2, $3, $4)
       ON CONFLICT (owner) DO UPDATE SET version = excluded.version,
         holder = excluded.holder, expires_at = excluded.expires_at
     )
     UPDATE ${schema}.turn SET writes = writes + 1`,
    toColumn(claim.owner),
    lease.version,
    toColumn(claim.holder),
    lease.expiresAt,
  );
  return lease;
};

const textOf = (row: Row, column: string): string => row[column] as string;
// Whole numbers of eight bytes come as text; all of ours are safe ones.
const numberOf = (row: Row, column: string): number => Number(row[column]);
