// Looks whether a store's file is whole, safe and usable, without changing anything in it.

import * as fs from "node:fs";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import {
  failedFinding,
  type Finding,
  okFinding,
  unknownFinding,
  warningFinding,
} from "@muster/core/words/finding";
import { shellWord } from "@muster/core/words/quote";
import { toStoreError } from "./fault.ts";
import { fileSystemType, type FileSystemType, inspectFile } from "./file.ts";
import { readId, schemaVersion } from "./schema.ts";
import { openSession, type SqliteSession } from "./sqlite.ts";

/** How long another process may hold the store before that is told, in milliseconds. */
const patienceMillis = 1_000;

export interface ExamineOptions {
  readonly path: string;
  /** Tells the type of a file system; default Linux `statfs`. */
  readonly fileSystemType?: FileSystemType;
}

/** Never fails: what cannot be looked at is a finding. A store that is not there yet is no fault. */
export const examineSqliteStore = (
  options: ExamineOptions,
): Effect.Effect<ReadonlyArray<Finding>> => Effect.sync(() => examine(options));

const examine = (options: ExamineOptions): ReadonlyArray<Finding> => {
  const file = path.resolve(options.path);
  const place = `sqlite:${file}`;
  try {
    const found = inspectFile(place, file, options.fileSystemType ?? fileSystemType);
    return found === "ours" ? examineFile(place, file) : examineFolder(place, file);
  } catch (cause) {
    return [failure(place, "store", cause)];
  }
};

const failure = (place: string, check: string, cause: unknown): Finding => {
  const error = toStoreError(place, "open the store", cause);
  if (error === undefined) throw cause;
  return error.reason === "Busy"
    ? warningFinding(check, `${place}: ${error.message}`, error.remedy ?? "try again later")
    : failedFinding(check, "infrastructure", `${place}: ${error.message}`, error.remedy ?? null);
};

const examineFolder = (place: string, file: string): ReadonlyArray<Finding> => {
  const folder = nearest(path.dirname(file));
  return [
    okFinding("store", `there is none yet at ${place}; the first apply or run makes it`),
    isAccessible(folder, fs.constants.W_OK | fs.constants.X_OK)
      ? okFinding("store writable", `${folder} can be written`)
      : failedFinding(
          "store writable",
          "infrastructure",
          `this user cannot write to ${folder}, where the store would be made`,
          "give this user write access, or name another place with --store",
        ),
  ];
};

const nearest = (folder: string): string =>
  fs.existsSync(folder) || path.dirname(folder) === folder ? folder : nearest(path.dirname(folder));

const isAccessible = (file: string, mode: number): boolean => {
  try {
    fs.accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
};

const examineFile = (place: string, file: string): ReadonlyArray<Finding> => [
  ...examineContent(place, file),
  examineWriting(place, file),
  examinePermissions(file),
];

const examineContent = (place: string, file: string): ReadonlyArray<Finding> => {
  let session: SqliteSession | undefined;
  try {
    session = openSession(file, { readOnly: true, waitMillis: patienceMillis });
    readId(session, place);
    return [
      okFinding(
        "store",
        `${place} opens; its version is ${versionOf(session)} of ${schemaVersion}`,
      ),
      integrity(session, place),
    ];
  } catch (cause) {
    return [
      failure(place, "store", cause),
      unknownFinding("store integrity", "the store does not open, so it was not looked through"),
    ];
  } finally {
    session?.close();
  }
};

const versionOf = (session: SqliteSession): string =>
  String(Object.values(session.all("PRAGMA user_version")[0] ?? {})[0]);

/** Damage may also show as an error half-way. */
const integrity = (session: SqliteSession, place: string): Finding => {
  const check = "store integrity";
  try {
    const found = session
      .all("PRAGMA integrity_check(5)")
      .map((row) => String(Object.values(row)[0]));
    return found.length === 1 && found[0] === "ok"
      ? okFinding(check, "every page and index of the file is whole")
      : failedFinding(check, "infrastructure", `the file is damaged: ${found.join("; ")}`, restore);
  } catch (cause) {
    return failure(place, check, cause);
  }
};

const restore =
  "stop all that use it, keep a copy of the file with its -wal, and restore the last backup";

/** Takes the write lock and gives it back: nothing is written. */
const examineWriting = (place: string, file: string): Finding => {
  const check = "store writable";
  let session: SqliteSession | undefined;
  try {
    session = openSession(file, { readOnly: false, waitMillis: patienceMillis });
    session.exec("BEGIN IMMEDIATE");
    session.exec("ROLLBACK");
    return okFinding(check, "this user can write to it, and nobody holds it");
  } catch (cause) {
    return failure(place, check, cause);
  } finally {
    session?.close();
  }
};

const examinePermissions = (file: string): Finding => {
  const check = "store permissions";
  const mode = fs.statSync(file).mode & 0o777;
  if (process.platform === "win32") return unknownFinding(check, "this system has no such bits");
  return (mode & 0o077) === 0
    ? okFinding(check, "only its user can read it")
    : warningFinding(
        check,
        `others of this machine can open it (mode ${mode.toString(8)})`,
        `chmod 600 ${shellWord(file)}; the next apply or run does it too`,
      );
};
