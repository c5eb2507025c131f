// muster's durable store on SQLite or Postgres: how to open one, and how people name its place.

export { absentId } from "./absent.ts";
export { lockWaitMillis, patienceMillis } from "./attempt.ts";
export { type ExamineOptions, examineSqliteStore } from "./examine.ts";
export { examinePostgresStore } from "./examine-postgres.ts";
export { type Migration, migratePostgresStore, openPostgresStore } from "./open-postgres.ts";
export type { PostgresStoreOptions } from "./open-postgres.ts";
export { layerSqlite, openSqliteStore } from "./open.ts";
export type { SqliteStoreOptions } from "./open.ts";
export { parseStorePlace, withoutPassword } from "./place.ts";
export type { StorePlace } from "./place.ts";
export { formatPostgresPlace, type PostgresPlace } from "./postgres-place.ts";
