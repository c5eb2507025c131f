// The statements: how rows of the store lie in SQLite, and what one transaction of each kind does.

import { auditChain, hasGrown, neverHeld } from "@muster/core/store/memory";
import type { RecordRow } from "@muster/core/store/memory";
import type { StoreLease } from "@muster/core/store/store";
import { genesis } from "@muster/core/words/audit";
import type { AuditHead } from "@muster/core/words/audit";
import { attempt } from "./attempt.ts";
import type { AuditRow, LeaseClaim, StoreDatabase, WriteAnswer, WriteRequest } from "./database.ts";
import type { Row, SqliteSession } from "./sqlite.ts";
import { fromColumn, toColumn } from "./text.ts";

/** The database behind an open session. */
export const makeSqliteDatabase = (
  session: SqliteSession,
  place: string,
  id: string,
): StoreDatabase => ({
  id,
  place,
  version: attempt(place, "read the version", () => readVersion(session)),
  records: (owner) => attempt(place, "read the records", () => readRecords(session, owner)),
  record: (owner, key) => attempt(place, "read a record", () => readRecord(session, owner, key)),
  owners: attempt(place, "read the owners", () => readOwners(session)),
  head: attempt(place, "read the audit", () => readHead(session, id)),
  entries: (after, limit) =>
    attempt(place, "read the audit", () => readEntries(session, after, limit)),
  lease: (owner) => attempt(place, "read the lease", () => readLease(session, owner)),
  write: (request) =>
    attempt(place, "write", () => session.transaction(() => write(session, id, request))),
  swapLease: (claim) =>
    attempt(place, "claim the lease", () => session.transaction(() => swapLease(session, claim))),
});

/** The first number tells what others have committed, the second what this connection has written. */
const readVersion = (session: SqliteSession): string =>
  Object.values(
    session.all("SELECT data_version, total_changes() FROM pragma_data_version")[0]!,
  ).join(" ");

const readRecords = (session: SqliteSession, owner: string): ReadonlyArray<RecordRow> =>
  session
    .all("SELECT key, json FROM records WHERE owner = ?", toColumn(owner))
    .map((row) => ({ key: fromColumn(textOf(row, "key")), json: textOf(row, "json") }));

const readRecord = (session: SqliteSession, owner: string, key: string): RecordRow | null => {
  const row = session.all(
    "SELECT json FROM records WHERE owner = ? AND key = ?",
    toColumn(owner),
    toColumn(key),
  )[0];
  return row === undefined ? null : { key, json: textOf(row, "json") };
};

const readOwners = (session: SqliteSession): ReadonlyArray<string> =>
  session.all("SELECT DISTINCT owner FROM records").map((row) => fromColumn(textOf(row, "owner")));

const readHead = (session: SqliteSession, chain: string): AuditHead => {
  const row = session.all("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")[0];
  if (row === undefined) return { chain, seq: 0, hash: genesis };
  return { chain, seq: numberOf(row, "seq"), hash: textOf(row, "hash") };
};

const readEntries = (
  session: SqliteSession,
  after: number,
  limit: number,
): ReadonlyArray<AuditRow> =>
  session
    .all("SELECT seq, hash, json FROM audit WHERE seq > ? ORDER BY seq LIMIT ?", after, limit)
    .map((row) => ({
      seq: numberOf(row, "seq"),
      hash: textOf(row, "hash"),
      json: textOf(row, "json"),
    }));

const readLease = (session: SqliteSession, owner: string): StoreLease => {
  const row = session.all(
    "SELECT version, holder, expires_at FROM lease WHERE owner = ?",
    toColumn(owner),
  )[0];
  if (row === undefined) return neverHeld;
  return {
    version: numberOf(row, "version"),
    holder: fromColumn(textOf(row, "holder")),
    expiresAt: numberOf(row, "expires_at"),
  };
};

const write = (session: SqliteSession, chain: string, request: WriteRequest): WriteAnswer => {
  const lease = readLease(session, request.owner);
  if (request.fence !== undefined && request.fence !== lease.version) {
    return { written: false, lease };
  }
  const moved = request.expected.find(
    ({ key, json }) => (readRecord(session, request.owner, key)?.json ?? null) !== json,
  );
  if (moved !== undefined) return { written: false, moved: moved.key };
  const head = readHead(session, chain);
  if (hasGrown(request.auditedTo, head)) return { written: false, moved: auditChain };
  writeRecords(session, request);
  const rows = request.seal(head);
  for (const row of rows) {
    session.run("INSERT INTO audit (seq, json) VALUES (?, ?)", row.seq, row.json);
  }
  const last = rows.at(-1);
  return {
    written: true,
    head: last === undefined ? head : { chain, seq: last.seq, hash: last.hash },
  };
};

const writeRecords = (session: SqliteSession, request: WriteRequest): void => {
  const owner = toColumn(request.owner);
  for (const key of request.deletes) {
    session.run("DELETE FROM records WHERE owner = ? AND key = ?", owner, toColumn(key));
  }
  for (const { key, json } of request.spent) {
    session.run(
      "DELETE FROM records WHERE owner = ? AND key = ? AND json = ?",
      owner,
      toColumn(key),
      json,
    );
  }
  for (const row of request.puts) {
    session.run(
      "INSERT INTO records (owner, key, json) VALUES (?, ?, ?) " +
        "ON CONFLICT (owner, key) DO UPDATE SET json = excluded.json",
      owner,
      toColumn(row.key),
      row.json,
    );
  }
};

const swapLease = (session: SqliteSession, claim: LeaseClaim): StoreLease | null => {
  if (readLease(session, claim.owner).version !== claim.expected) return null;
  const lease: StoreLease = {
    version: claim.expected + 1,
    holder: claim.holder,
    expiresAt: claim.expiresAt,
  };
  session.run(
    "INSERT INTO lease (owner, version, holder, expires_at) VALUES (?, ?, ?, ?) " +
      "ON CONFLICT (owner) DO UPDATE SET version = excluded.version, " +
      "holder = excluded.holder, expires_at = excluded.expires_at",
    toColumn(claim.owner),
    lease.version,
    toColumn(claim.holder),
    lease.expiresAt,
  );
  return lease;
};

// The tables are STRICT: a column never holds anything but its type.
const textOf = (row: Row, column: string): string => row[column] as string;
const numberOf = (row: Row, column: string): number => row[column] as number;
