// Reads files of a commit by its tree: never a work tree, never through a link, never without limits.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { readObjects, readSizes } from "./batch.ts";
import { fetchBlobs, type Origin } from "./complete.ts";
import { GitError, invalid } from "./error.ts";
import { Git } from "./git.ts";
import type { Key } from "./kept.ts";
import { isPlain, quoteOutside } from "./redact.ts";
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
  /** The commit holds no document there; nothing when it does. */
  readonly emptied: SourceEmptied | null;
}

/** A branch or folder without a document: what was asked for is gone, or never was. */
export interface SourceEmptied {
  readonly reason: "SourceEmptied";
  readonly message: string;
  readonly remedy: string;
}

/** One line of a recursive listing. */
export interface TreeEntry {
  readonly mode: string;
  readonly type: string;
  readonly id: string;
  /** Nothing when the name is not UTF-8. */
  readonly path: string | null;
}

/**
 * The files at or below `path` (default the whole tree) that `isDocument` wants; what the copy lacks
 * of them is fetched from `origin` in one go.
 * Fails with `NotFound` when nothing lies there and `missing` does not take that for empty, with
 * `TooLarge` above a limit of the whole, with `Corrupt` when the remote withholds a file.
 */
export const readBlobs = (request: {
  readonly cache: string;
  readonly commit: string;
  readonly path?: string;
  readonly isDocument: (path: string) => boolean;
  /** Default `sourceLimits`. */
  readonly limits?: BlobLimits;
  /** Where blobs come from that the first look left out; without it they must all be here. */
  readonly origin?: Origin;
  /** What a path is that the commit does not have: a fault (default), or a folder that was emptied. */
  readonly missing?: "fault" | "emptied";
}): Effect.Effect<SourceFiles, GitError, Git> =>
  Effect.gen(function* () {
    const limits = request.limits ?? sourceLimits;
    const entries = yield* listTree({ ...request, files: limits.files });
    const gone = entries.length === 0 && cleanPath(request.path) !== "";
    if (gone && request.missing !== "emptied") return yield* nothingAt(request.path ?? "");
    const { candidates, skipped } = chooseEntries(entries, request.isDocument);
    const sizes = yield* sizesOf(request.cache, candidates, request.origin);
    const wanted: Array<NamedEntry> = [];
    let total = 0;
    for (const entry of candidates) {
      const size = sizes.get(entry.id)!;
      if (size > limits.fileBytes) skipped.push(tooLarge(entry, size, limits.fileBytes));
      else wanted.push(entry);
      if (size <= limits.fileBytes) total += size;
    }
    if (total > limits.totalBytes) return yield* tooMuch(`${total} bytes`, limits.totalBytes);
    const objects = yield* readObjects({
      cache: request.cache,
      operation: "read",
      names: wanted.map((entry) => entry.id),
      limit: total,
    });
    const read = decodeFiles(wanted, objects, skipped);
    const none = read.files.length === 0 && read.skipped.length === 0;
    return { ...read, emptied: none ? emptied(request) : null };
  });

const emptied = (request: { readonly commit: string; readonly path?: string }): SourceEmptied => {
  const place = cleanPath(request.path);
  return {
    reason: "SourceEmptied",
    message: `the commit ${request.commit.slice(0, 12)} holds no document${place === "" ? "" : ` at ${quoteOutside(place)}`}`,
    remedy:
      "when that is not meant, restore the files in a new commit, or name the folder where they are now; what they asked for is forgotten, never destroyed",
  };
};

/** Sizes of the candidates, after what the copy lacks of them was fetched. */
const sizesOf = (
  cache: string,
  candidates: ReadonlyArray<NamedEntry>,
  origin: Origin | undefined,
): Effect.Effect<ReadonlyMap<string, number>, GitError, Git> =>
  Effect.gen(function* () {
    const ids = candidates.map((entry) => entry.id);
    const known = yield* readSizes({ cache, operation: "read", ids });
    const missing = [...new Set(ids.filter((id) => !known.has(id)))];
    if (missing.length === 0) return known;
    if (origin !== undefined) yield* fetchBlobs(cache, origin, missing);
    const found = yield* readSizes({ cache, operation: "read", ids: missing });
    const withheld = candidates.find(({ id }) => !known.has(id) && !found.has(id));
    if (withheld !== undefined) return yield* lacking(withheld);
    return new Map([...known, ...found]);
  });

const lacking = (entry: NamedEntry): Effect.Effect<never, GitError> =>
  Effect.fail(
    new GitError({
      reason: "Corrupt",
      operation: "read",
      message: `the file ${quoteOutside(entry.path)} of the commit cannot be had`,
      remedy: "run `git fsck --strict` on the repository and repair what it names",
    }),
  );

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
    const key = keptTree(request.commit, path);
    const kept = git.kept.find(request.cache, key);
    if (kept !== undefined && kept.length <= request.files) return kept;
    const answer = yield* git.run({
      operation: "read",
      folder: request.cache,
      arguments: [
        ...["ls-tree", "-r", "-z", "--full-tree", request.commit],
        ...(path === "" ? [] : ["--", path]),
      ],
    });
    const entries = parseTree(answer.output);
    if (entries.length > request.files) {
      return yield* tooMuch(`${entries.length} files`, request.files);
    }
    git.kept.keep(request.cache, key, entries, answer.output.length * 4);
    return entries;
  });

const keptTree = (commit: string, path: string): Key<ReadonlyArray<TreeEntry>> => ({
  name: `tree ${commit} ${path}`,
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

/** A relative path of plain parts: no `..`, no `.git`, no character that hides or steers. Pure. */
export const isSafePath = (path: string): boolean =>
  path.length <= 4_096 &&
  isPlain(path) &&
  !path.includes("\\") &&
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

/** Reads `ls-tree -r -z`. Pure. */
export const parseTree = (output: Buffer): ReadonlyArray<TreeEntry> => {
  const entries: Array<TreeEntry> = [];
  let at = 0;
  while (at < output.length) {
    const found = output.indexOf(0, at);
    const end = found === -1 ? output.length : found;
    const tab = output.indexOf(0x09, at);
    const [mode = "", type = "", id = ""] = output.toString("latin1", at, tab).split(" ");
    const path = decode(output.subarray(tab + 1, end), decoder);
    entries.push({ mode, type, id, path });
    at = end + 1;
  }
  return entries;
};

type NamedEntry = TreeEntry & { readonly path: string };

const chooseEntries = (
  entries: ReadonlyArray<TreeEntry>,
  isDocument: (path: string) => boolean,
): { readonly candidates: ReadonlyArray<NamedEntry>; readonly skipped: Array<SkippedEntry> } => {
  const candidates: Array<NamedEntry> = [];
  const skipped: Array<SkippedEntry> = [];
  for (const entry of entries) {
    const skip = skipOf(entry, isDocument);
    if (skip !== undefined) skipped.push({ path: quoteOutside(entry.path ?? "?"), ...skip });
    else if (isNamed(entry) && isDocument(entry.path)) candidates.push(entry);
  }
  return { candidates, skipped };
};

const isNamed = (entry: TreeEntry): entry is NamedEntry => entry.path !== null;

const skipOf = (
  entry: TreeEntry,
  isDocument: (path: string) => boolean,
): { readonly reason: SkipReason; readonly message: string } | undefined => {
  if (entry.path === null || !isSafePath(entry.path)) {
    // An odd name of a plain file that is no document hides nothing.
    const plain = entry.type === "blob" && entry.mode !== "120000";
    if (plain && entry.path !== null && !isDocument(entry.path)) return undefined;
    return { reason: "UnsafePath", message: "its path is not one that muster reads" };
  }
  if (entry.mode === "120000") {
    return { reason: "Link", message: "symbolic links are never followed" };
  }
  if (entry.mode === "160000") {
    return { reason: "Submodule", message: "submodules are never read" };
  }
  return undefined;
};

const tooLarge = (entry: NamedEntry, size: number, allowed: number): SkippedEntry => ({
  path: quoteOutside(entry.path),
  reason: "TooLarge",
  message: `it has ${size} bytes, ${allowed} are allowed`,
});

const decodeFiles = (
  wanted: ReadonlyArray<NamedEntry>,
  objects: ReadonlyArray<{ readonly bytes: Buffer } | null>,
  skipped: Array<SkippedEntry>,
): Omit<SourceFiles, "emptied"> => {
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
