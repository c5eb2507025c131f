// Reads documents from files and folders that a person names on the command line.

import { readdir, readFile, realpath, stat } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import {
  compareText,
  decodeSource,
  defaultLimits,
  type Diagnostic,
  isDocumentFile,
  isSourceText,
  type SourceText,
} from "@muster/core";
import { tooLarge } from "@muster/core/read/source";
import { type CommandEnd, wrongInput } from "./exit.ts";

export interface ReadFiles {
  readonly sources: ReadonlyArray<SourceText>;
  readonly diagnostics: ReadonlyArray<Diagnostic>;
  /** The real path of the first argument: it keys the default store. */
  readonly root: string;
}

/** More files than this below the named paths are refused. */
const mostFiles = 100_000;

/**
 * The texts of all documents in the named files and below the named folders (`.yaml`, `.yml`,
 * `.json`). A file that is named outright is read whatever its name. Fails when a path is not there
 * or when nothing was found at all.
 */
export const readFiles = Effect.fn("readFiles")(function* (
  paths: ReadonlyArray<string>,
): Effect.fn.Return<ReadFiles, CommandEnd> {
  const found = (yield* Effect.forEach(paths, find)).flat();
  if (found.length === 0) {
    return yield* wrongInput(
      `no documents in ${paths.join(", ")}`,
      "name a .yaml, .yml or .json file or a folder with some; muster init makes a first one",
    );
  }
  const files = new Map(found.map((file) => [file.path, file]));
  const read = yield* Effect.forEach(files.values(), readOne, { concurrency: 16 });
  const root = yield* attempt(paths[0]!, () => realpath(paths[0]!));
  return {
    sources: read.filter(isSourceText),
    diagnostics: read.filter((one): one is Diagnostic => !isSourceText(one)),
    root,
  };
});

interface Found {
  readonly path: string;
  /** Found below a folder, and not named by a person. */
  readonly link: boolean;
}

const find = Effect.fnUntraced(function* (
  named: string,
): Effect.fn.Return<ReadonlyArray<Found>, CommandEnd> {
  const info = yield* attempt(named, () => stat(named));
  if (!info.isDirectory()) return [{ path: path.normalize(named), link: false }];
  const entries = yield* attempt(named, () =>
    readdir(named, { recursive: true, withFileTypes: true }),
  );
  const files = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => ({
      path: path.relative(named, path.join(entry.parentPath, entry.name)),
      link: entry.isSymbolicLink(),
    }))
    .filter((file) => isDocumentFile(file.path))
    .sort((a, b) => compareText(a.path, b.path));
  if (files.length > mostFiles) {
    return yield* wrongInput(
      `${named} holds more than ${mostFiles} documents`,
      "name a smaller folder",
    );
  }
  return files.map((file) => ({ ...file, path: path.join(named, file.path) }));
});

const readOne = (found: Found): Effect.Effect<SourceText | Diagnostic, CommandEnd> =>
  found.link ? Effect.succeed(linkFault(found.path)) : readText(found.path);

/** As in git: passing over it would make its document vanish, and following it leads anywhere. */
const linkFault = (file: string): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  severity: "error",
  summary: "symbolic links are never followed",
  hint: "put the file itself there, or name the link outright",
});

const readText = (file: string): Effect.Effect<SourceText | Diagnostic, CommandEnd> =>
  attempt(file, async () => {
    const { size } = await stat(file);
    // A file far over the limit is refused by its size, and never read.
    if (size > defaultLimits.fileSize) return tooLarge(file, size, defaultLimits.fileSize);
    return decodeSource(file, await readFile(file));
  });

const attempt = <A>(file: string, run: () => Promise<A>): Effect.Effect<A, CommandEnd> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => {
      const code = (cause as NodeJS.ErrnoException).code ?? "unknown fault";
      return wrongInput(`cannot read ${file}: ${code}`, remedyOf(code));
    },
  });

const remedyOf = (code: string): string =>
  code === "ENOENT"
    ? "check the path; muster init makes a first document"
    : "check its permissions";
