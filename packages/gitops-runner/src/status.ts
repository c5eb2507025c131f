// Builds the status commit: the whole status tree on top of the last one, or nothing when it is equal.

import { createHash } from "node:crypto";
import * as Effect from "effect/Effect";
import { formatHead, type AuditHead } from "@muster/core/words/audit";
import { readObjects } from "./batch.ts";
import { isSafePath, listTree, type TreeEntry } from "./blobs.ts";
import { type GitError, invalid } from "./error.ts";
import type { Git } from "./git.ts";
import { quoteOutside } from "./redact.ts";
import { remoteRef, type RefUpdate } from "./refs.ts";
import { commitTree } from "./tree.ts";
import { checkEnvironment } from "./url.ts";

/** Files that a status branch may have. */
const statusFiles = 100_000;

/** What a status commit says of the run that wrote it. */
export interface StatusTrailers {
  readonly run: string;
  /** The commit that the run acted on; nothing without one. */
  readonly source: string | null;
  readonly plans: ReadonlyArray<string>;
  readonly audit: AuditHead;
  /** The trace id, when there is one. */
  readonly trace?: string;
}

/**
 * The move of the status branch to `files` (canonical JSON by `<path>/<Kind>.<name>.status.json`),
 * or nothing when the branch says that already.
 */
export const buildStatusUpdate = (request: {
  readonly cache: string;
  readonly environment: string;
  /** The status branch, as it was seen. */
  readonly current: string | null;
  readonly files: ReadonlyMap<string, string>;
  readonly trailers: StatusTrailers;
  /** Whether times and commits alone are no reason to move it: another store has others. */
  readonly quiet?: boolean;
}): Effect.Effect<RefUpdate | null, GitError, Git> =>
  Effect.gen(function* () {
    const environment = yield* checkEnvironment(request.environment);
    yield* checkPaths(request.files);
    const { cache, current, files } = request;
    if (current !== null) {
      const entries = yield* listTree({ cache, commit: current, files: statusFiles }).pipe(
        Effect.catchIf(
          (error) => error.reason === "TooLarge",
          () => Effect.succeed(null),
        ),
      );
      // More than muster ever writes was written by somebody else, and is replaced.
      if (entries !== null && sameTree(entries, files)) return null;
      if (entries !== null && request.quiet === true && (yield* sameWords(cache, entries, files))) {
        return null;
      }
    }
    const to = yield* commitTree({
      cache,
      files,
      parents: current === null ? [] : [current],
      subject: `muster: status of ${environment}`,
      trailers: trailerLines(request.trailers, current),
    });
    return { ref: remoteRef("status", environment), to, expected: current };
  });

const checkPaths = (files: ReadonlyMap<string, string>): Effect.Effect<void, GitError> => {
  const bad = [...files.keys()].find((path) => !isSafePath(path) || !path.endsWith(".status.json"));
  return bad === undefined
    ? Effect.void
    : Effect.fail(
        invalid(
          "status",
          `a status cannot stand at ${quoteOutside(bad)}`,
          "rename the document or move its file",
        ),
      );
};

const sameTree = (entries: ReadonlyArray<TreeEntry>, files: ReadonlyMap<string, string>): boolean =>
  entries.length === files.size &&
  entries.every(({ mode, path, id }) => {
    const text = path === null ? undefined : files.get(path);
    return mode === "100644" && text !== undefined && blobId(text) === id;
  });

/** Bytes of the published files that are compared word by word. */
const wordsLimit = 64 * 1024 * 1024;

/**
 * Whether the tree says the same but for times and commits, which each store has of its own: two
 * runners on two stores would else correct each other for ever.
 */
const sameWords = (
  cache: string,
  entries: ReadonlyArray<TreeEntry>,
  files: ReadonlyMap<string, string>,
): Effect.Effect<boolean, GitError, Git> =>
  Effect.gen(function* () {
    if (entries.length !== files.size) return false;
    const differing = entries.flatMap(({ mode, path, id }) => {
      const text = path === null ? undefined : files.get(path);
      return text !== undefined && blobId(text) === id && mode === "100644" ? [] : [{ id, text }];
    });
    if (differing.some(({ text }) => text === undefined)) return false;
    const objects = yield* readObjects({
      cache,
      operation: "status",
      names: differing.map(({ id }) => id),
      limit: wordsLimit,
    });
    return differing.every(
      ({ text }, index) =>
        wordsOf(text!) !== undefined &&
        wordsOf(text!) === wordsOf(objects[index]?.bytes.toString("utf8") ?? ""),
    );
  }).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "TooLarge",
      () => Effect.succeed(false),
    ),
  );

const ofOneStore = new Set(["since", "commit"]);

/** A status without what only its store knows; nothing when it is no JSON. */
const wordsOf = (text: string): string | undefined => {
  try {
    return JSON.stringify(JSON.parse(text), (key, value: unknown) =>
      ofOneStore.has(key) ? undefined : value,
    );
  } catch {
    return undefined;
  }
};

/** The object id that git gives to a text. */
const blobId = (text: string): string => {
  const bytes = Buffer.from(text, "utf8");
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
};

const trailerLines = (
  trailers: StatusTrailers,
  current: string | null,
): ReadonlyArray<readonly [string, string]> => [
  ["Muster-Run", trailers.run],
  ...(trailers.source === null ? [] : [["Muster-Source", trailers.source] as const]),
  ...trailers.plans.map((plan) => ["Muster-Plan", plan] as const),
  ["Muster-Audit", formatHead(trailers.audit)],
  ["Muster-Audit-Chain", trailers.audit.chain],
  ...(trailers.trace === undefined ? [] : [["Muster-Trace", trailers.trace] as const]),
  ...(current === null ? [] : [["Muster-Prev", current] as const]),
];
