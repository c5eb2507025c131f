// Handles the store's file before and around SQLite: where it lies, whose it is, who may read it.

import * as fs from "node:fs";
import * as path from "node:path";
import { StoreError } from "@muster/core/store/store";
import { judgeFileSystem } from "./file-system.ts";
import { headerBytes, judgeHeader } from "./header.ts";

/** Tells the type number of the file system that a path lies on. */
export type FileSystemType = (path: string) => number;

/** Linux only: the numbers mean something else, or nothing, on other systems. */
export const fileSystemType: FileSystemType = (at) =>
  process.platform === "linux" ? fs.statfsSync(at).type : 0;

/** Whether the file is there; throws when the path cannot hold a store. */
export const inspectFile = (
  place: string,
  file: string,
  typeOf: FileSystemType,
): "missing" | "new" | "ours" => {
  const found = fs.statSync(file, { throwIfNoEntry: false });
  const foreign = judgeFileSystem(place, typeOf(found === undefined ? nearestFolder(file) : file));
  if (foreign !== undefined) throw foreign;
  if (found === undefined) return "missing";
  if (!found.isFile()) {
    const what = found.isDirectory() ? "a folder" : "not a file";
    throw new StoreError({
      reason: "Unavailable",
      place,
      message: `the path is ${what}`,
      remedy: "name a file for the store",
    });
  }
  const verdict = judgeHeader(place, readHeader(file));
  if (typeof verdict === "string") return verdict;
  throw verdict;
};

const nearestFolder = (file: string): string => {
  const folder = path.dirname(file);
  return fs.existsSync(folder) || folder === file ? folder : nearestFolder(folder);
};

const readHeader = (file: string): Uint8Array => {
  const handle = fs.openSync(file, "r");
  try {
    const header = Buffer.alloc(headerBytes);
    return header.subarray(0, fs.readSync(handle, header, 0, headerBytes, 0));
  } finally {
    fs.closeSync(handle);
  }
};

/**
 * Makes an empty file, mode 0600, and its missing folders, mode 0700. SQLite gives `-wal` and `-shm`
 * the mode of the file, so none is ever readable by others. Another process may have been faster.
 */
export const createFile = (file: string): void => {
  const made = fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  try {
    fs.closeSync(fs.openSync(file, "wx", 0o600));
  } catch (cause) {
    if (!isFileError(cause, "EEXIST")) throw cause;
  }
  if (made !== undefined) syncFolders(made, path.dirname(file));
};

/** SQLite syncs the folder of its own files; the folders that we made above it are ours to sync. */
const syncFolders = (first: string, last: string): void => {
  for (let folder = last; folder.length >= first.length; folder = path.dirname(folder)) {
    syncFolder(path.dirname(folder));
  }
};

const syncFolder = (folder: string): void => {
  if (process.platform === "win32") return;
  const handle = fs.openSync(folder, "r");
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
};

/** Takes others' access away from a store that was copied or restored with too much of it. */
export const closeToOthers = (file: string): void => {
  for (const suffix of ["", "-wal", "-shm"]) {
    const found = fs.statSync(file + suffix, { throwIfNoEntry: false });
    if (found !== undefined && (found.mode & 0o077) !== 0) fs.chmodSync(file + suffix, 0o600);
  }
};

const isFileError = (cause: unknown, code: string): boolean =>
  cause instanceof Error && "code" in cause && cause.code === code;
