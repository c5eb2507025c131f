// Decides what a failure of SQLite or of the file system means to the store, and what a person can do.

import { StoreError } from "@muster/core/store/store";
import { sqliteCode } from "./sqlite.ts";

interface Meaning {
  readonly reason: StoreError["reason"];
  readonly text: string;
  readonly remedy: string;
}

const restore =
  "stop all that use it, keep a copy of the file with its -wal, and restore the last backup";

const bySqliteCode: Readonly<Record<number, Meaning>> = {
  1: { reason: "Corrupt", text: "its tables are not what this version expects", remedy: restore },
  3: {
    reason: "Unavailable",
    text: "access is denied",
    remedy: "give this user read and write access to the file and its folder",
  },
  5: {
    reason: "Busy",
    text: "another process holds it",
    remedy: "try again once the other process is done",
  },
  6: {
    reason: "Busy",
    text: "another process holds it",
    remedy: "try again once the other process is done",
  },
  8: {
    reason: "Unavailable",
    text: "it cannot be written",
    remedy: "give this user write access to the file and its folder",
  },
  10: {
    reason: "Unavailable",
    text: "the disk failed",
    remedy: "check the disk, then run again: what was answered is kept",
  },
  11: { reason: "Corrupt", text: "the file is damaged", remedy: restore },
  13: {
    reason: "Unavailable",
    text: "the disk is full",
    remedy: "free space on the disk, then run again",
  },
  14: {
    reason: "Unavailable",
    text: "it cannot be opened",
    remedy: "check that the path names a file in a folder that this user can write",
  },
  26: { reason: "Corrupt", text: "the file is no SQLite database", remedy: restore },
};

const byFileCode: Readonly<Record<string, Meaning>> = {
  EACCES: bySqliteCode[3]!,
  EPERM: bySqliteCode[3]!,
  EROFS: bySqliteCode[8]!,
  EIO: bySqliteCode[10]!,
  ENOSPC: bySqliteCode[13]!,
  EDQUOT: bySqliteCode[13]!,
  ENOTDIR: {
    reason: "Unavailable",
    text: "a part of the path is not a folder",
    remedy: "name another path",
  },
  ELOOP: {
    reason: "Unavailable",
    text: "the path is a loop of links",
    remedy: "name another path",
  },
  ENAMETOOLONG: {
    reason: "Unavailable",
    text: "the path is too long",
    remedy: "name a shorter path",
  },
  ENOENT: bySqliteCode[14]!,
};

/** The store's error for what was thrown, or nothing when the cause is a bug of ours. */
export const toStoreError = (
  place: string,
  doing: string,
  cause: unknown,
): StoreError | undefined => {
  if (cause instanceof StoreError) return cause;
  const meaning = meaningOf(cause);
  if (meaning === undefined) return undefined;
  const { reason, text, remedy } = meaning;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new StoreError({ reason, place, message: `cannot ${doing}: ${text} (${detail})`, remedy });
};

const meaningOf = (cause: unknown): Meaning | undefined => {
  const code = sqliteCode(cause);
  if (code !== undefined) return bySqliteCode[code] ?? otherwise;
  if (cause instanceof Error && "syscall" in cause && "code" in cause) {
    return byFileCode[String(cause.code)] ?? otherwise;
  }
  return undefined;
};

const otherwise: Meaning = {
  reason: "Unavailable",
  text: "the store failed",
  remedy: "check the file and its disk, then run again",
};
