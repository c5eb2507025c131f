// muster's durable store on SQLite: how to open one, and how people name its place.

export { absentId } from "./absent.ts";
export { lockWaitMillis, patienceMillis } from "./attempt.ts";
export { type ExamineOptions, examineSqliteStore } from "./examine.ts";
export { layerSqlite, openSqliteStore } from "./open.ts";
export type { SqliteStoreOptions } from "./open.ts";
export { parseStorePlace } from "./place.ts";
export type { StorePlace } from "./place.ts";
