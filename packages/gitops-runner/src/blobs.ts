// Reads files of a commit by its tree: never a work tree, never through a link, never without limits.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { readObjects } from "./batch.ts";
import { GitError, invalid } from "./error.ts";
import { Git } from "./git.ts";
import { quoteOutside } from "./redact.ts";
import { isObjectId } from "./refs.ts";

export interface BlobLimits {
  /** Entries below the path, wanted or not. */
  readonly files: number;
  /** Bytes of one file; a larger one is skipped and reported. */
  readonly fileBytes: number;
  /** Bytes of all wanted files together. */
  readonly totalBytes: number;
}

export const sourceLimits: BlobLimits = {
  files: 100_000,
  fileBytes: 1024 * 1024,
  totalBytes: 256 * 1024 * 1024,
};

export interface SourceFile {
  /** From the root of the repository, with `/`. */
  readonly path: string;
  readonly blob: string;
  readonly text: string;
}

/** - `Link`: a symbolic link · `Submodule` · `TooLarge` · `UnsafePath` · `NotText`: not UTF-8 */
export type SkipReason = "Link" | "Submodule" | "TooLarge" | "UnsafePath" | "NotText";

export interface SkippedEntry {
  /** Escaped. */
  readonly path: string;
  readonly reason: SkipReason;
  readonly message: string;
}

export interface SourceFiles {
  /** By path, in code-unit order. */
  readonly files: ReadonlyArray<SourceFile>;
  readonly skipped: ReadonlyArray<SkippedEntry>;
}

/** One line of a recursive listing. */
export interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  /** Bytes; 0 for what is no file. */
  readonly size: number;
  /** Nothing when the name is not UTF-8. */
  readonly path: string | null;
}

/**
 * The files at or below `path` (default the whole tree) that `isDocument` wants.
 * Fails with `NotFound` when nothing lies there, with `TooLarge` above a limit of the whole.
 */
export const readBlobs = (request: {
  readonly cache: string;
  readonly commit: string;
  readonly path?: string;
  readonly isDocument: (path: string) => boolean;
  /** Default `sourceLimits`. */
  readonly limits?: BlobLimits;
}): Effect.Effect<SourceFiles, GitError, Git> =>
  Effect.gen(function* () {
    const limits = request.limits ?? sourceLimits;
    const entries = yield* listTree({ ...request, files: limits.files });
    if (entries.length === 0 && cleanPath(request.path) !== "") {
      return yield* nothingAt(request.path ?? "");
    }
    const { wanted, skipped } = chooseEntries(entries, request.isDocument, limits);
    const total = wanted.reduce((sum, entry) => sum + entry.size, 0);
    if (total > limits.totalBytes) return yield* tooMuch(`${total} bytes`, limits.totalBytes);
    const objects = yield* readObjects({
      cache: request.cache,
      operation: "read",
      names: wanted.map((entry) => entry.id),
      limit: total,
    });
    return decodeFiles(wanted, objects, skipped);
  });

/** Every entry at or below a path, files, links and submodules. */
export const listTree = (request: {
  readonly cache: string;
  readonly commit: string;
  readonly path?: string;
  readonly files: number;
}): Effect.Effect<ReadonlyArray<TreeEntry>, GitError, Git> =>
  Effect.gen(function* () {
    const path = yield* checkPath(request.path);
    if (!isObjectId(request.commit)) {
      return yield* Effect.fail(invalid("read", "not a commit id", "give a full commit id"));
    }
    const git = yield* Git;
    const answer = yield* git.run({
      operation: "read",
      folder: request.cache,
      arguments: [
        ...["ls-tree", "-r", "-z", "-l", "--full-tree", request.commit],
        ...(path === "" ? [] : ["--", path]),
      ],
    });
    const entries = parseTree(answer.output);
    if (entries.length > request.files) {
      return yield* tooMuch(`${entries.length} files`, request.files);
    }
    return entries;
  });

const cleanPath = (path: string | undefined): string =>
  path === undefined || path === "." ? "" : path.replace(/^\.\//, "").replace(/\/+$/, "");

const checkPath = (path: string | undefined): Effect.Effect<string, GitError> => {
  const clean = cleanPath(path);
  return clean === "" || isSafePath(clean)
    ? Effect.succeed(clean)
    : Effect.fail(
        invalid(
          "read",
          `the path ${quoteOutside(path ?? "")} cannot be read`,
          "give a folder of the repository, without .. and not absolute",
        ),
      );
};

/** A relative path of plain parts: no `..`, no `.git`, no control character. Pure. */
export const isSafePath = (path: string): boolean =>
  path.length <= 4_096 &&
  // eslint-disable-next-line no-control-regex
  !/[\u0000-\u001f\u007f-\u009f\\]/.test(path) &&
  path
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !/^\.git$/i.test(part));

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const contentDecoder = new TextDecoder("utf-8", { fatal: true });

const decode = (bytes: Uint8Array, by: InstanceType<typeof TextDecoder>): string | null =>
  Result.getOrElse(
    Result.try(() => by.decode(bytes)),
    () => null,
  );

/** Reads `ls-tree -r -z -l`. Pure. */
export const parseTree = (output: Buffer): ReadonlyArray<TreeEntry> => {
  const entries: Array<TreeEntry> = [];
  let at = 0;
  while (at < output.length) {
    const found = output.indexOf(0, at);
    const end = found === -1 ? output.length : found;
    const tab = output.indexOf(0x09, at);
    const [mode = "", type = "", id = "", size = ""] = output.toString("utf8", at, tab).split(/ +/);
    const path = decode(output.subarray(tab + 1, end), decoder);
    entries.push({ mode, type, id, size: Number.parseInt(size, 10) || 0, path });
    at = end + 1;
  }
  return entries;
};

type NamedEntry = TreeEntry & { readonly path: string };

const chooseEntries = (
  entries: ReadonlyArray<TreeEntry>,
  isDocument: (path: string) => boolean,
  limits: BlobLimits,
): { readonly wanted: ReadonlyArray<NamedEntry>; readonly skipped: Array<SkippedEntry> } => {
  const wanted: Array<NamedEntry> = [];
  const skipped: Array<SkippedEntry> = [];
  for (const entry of entries) {
    const skip = skipOf(entry, isDocument, limits);
    if (skip !== undefined) skipped.push({ path: quoteOutside(entry.path ?? "?"), ...skip });
    else if (isNamed(entry) && isDocument(entry.path)) wanted.push(entry);
  }
  return { wanted, skipped };
};

const isNamed = (entry: TreeEntry): entry is NamedEntry => entry.path !== null;

const skipOf = (
  entry: TreeEntry,
  isDocument: (path: string) => boolean,
  limits: BlobLimits,
): { readonly reason: SkipReason; readonly message: string } | undefined => {
  if (entry.path === null || !isSafePath(entry.path)) {
    return { reason: "UnsafePath", message: "its path is not one that muster reads" };
  }
  if (entry.mode === "120000") {
    return { reason: "Link", message: "symbolic links are never followed" };
  }
  if (entry.mode === "160000") {
    return { reason: "Submodule", message: "submodules are never read" };
  }
  if (entry.size > limits.fileBytes && isDocument(entry.path)) {
    const sizes = `it has ${entry.size} bytes, ${limits.fileBytes} are allowed`;
    return { reason: "TooLarge", message: sizes };
  }
  return undefined;
};

const decodeFiles = (
  wanted: ReadonlyArray<NamedEntry>,
  objects: ReadonlyArray<{ readonly bytes: Buffer } | null>,
  skipped: Array<SkippedEntry>,
): SourceFiles => {
  const files: Array<SourceFile> = [];
  wanted.forEach((entry, index) => {
    const bytes = objects[index]?.bytes;
    const text = bytes === undefined ? null : decode(bytes, contentDecoder);
    if (text === null) {
      const path = quoteOutside(entry.path);
      skipped.push({ path, reason: "NotText", message: "it is not UTF-8 text" });
    } else {
      files.push({ path: entry.path, blob: entry.id, text });
    }
  });
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, skipped };
};

const nothingAt = (path: string): Effect.Effect<never, GitError> =>
  Effect.fail(
    new GitError({
      reason: "NotFound",
      operation: "read",
      message: `the commit holds nothing at ${quoteOutside(path)}`,
      remedy: "check the path, and whether it was renamed or removed",
    }),
  );

const tooMuch = (found: string, allowed: number): Effect.Effect<never, GitError> =>
  Effect.fail(
    new GitError({
      reason: "TooLarge",
      operation: "read",
      message: `the commit holds ${found} to read, ${allowed} are allowed`,
      remedy: "name a narrower path, or split the repository",
    }),
  );
