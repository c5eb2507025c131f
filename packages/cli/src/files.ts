// Reads documents from files and folders that a person names on the command line.

import { readdir, readFile, realpath, stat } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
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
 * `.json`). A file that is named outright is read whatever its name. The plan that the command
 * itself writes or compares with is left out when it lies below a folder. Fails when a path is not
 * there, when nothing was found at all, or when that plan's file is a document.
 */
export const readFiles = Effect.fn("readFiles")(function* (
  paths: ReadonlyArray<string>,
  planFile: string | null,
): Effect.fn.Return<ReadFiles, CommandEnd> {
  const plan = planFile === null ? null : yield* realPathOf(planFile);
  const found = (yield* Effect.forEach(paths, find)).flat();
  const files = new Map(found.map((file) => [file.path, file]));
  const read = (yield* Effect.forEach(files.values(), (file) => readOne(file, plan), {
    concurrency: 16,
  })).flat();
  if (read.length === 0) {
    return yield* wrongInput(
      `no documents in ${paths.join(", ")}`,
      "name a .yaml, .yml or .json file or a folder with some; muster init makes a first one",
    );
  }
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
  readonly below: boolean;
  /** Found as a symbolic link; one that is named outright is followed. */
  readonly link: boolean;
}

const find = Effect.fnUntraced(function* (
  named: string,
): Effect.fn.Return<ReadonlyArray<Found>, CommandEnd> {
  const info = yield* attempt(named, () => stat(named));
  if (!info.isDirectory()) return [{ path: path.normalize(named), below: false, link: false }];
  const entries = yield* attempt(named, () =>
    readdir(named, { recursive: true, withFileTypes: true }),
  );
  const files = entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => ({
      path: path.relative(named, path.join(entry.parentPath, entry.name)),
      below: true,
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

/** Nothing for the command's own plan. */
const readOne = Effect.fnUntraced(function* (
  found: Found,
  plan: string | null,
): Effect.fn.Return<ReadonlyArray<SourceText | Diagnostic>, CommandEnd> {
  if (found.link) return [linkFault(found.path)];
  const read = yield* readText(found.path);
  const own = plan !== null && (yield* isFile(found, plan));
  if (isSourceText(read) && isPlan(read.text)) {
    return own && found.below ? [] : [planFault(found.path)];
  }
  // Writing the plan there would destroy the document.
  if (own) {
    return yield* wrongInput(
      `${found.path} is read as a document, and is no plan`,
      "give the plan a file of its own, such as fleet.plan",
    );
  }
  return [read];
});

/** Nothing when it is not there yet. */
const realPathOf = (file: string): Effect.Effect<string | null> =>
  Effect.promise(() => realpath(file).catch(() => null));

/** Whether this is the file with that real path. Only a name that a person gave may lead elsewhere. */
const isFile = (found: Found, real: string): Effect.Effect<boolean> =>
  found.below && path.basename(found.path) !== path.basename(real)
    ? Effect.succeed(false)
    : Effect.map(realPathOf(found.path), (its) => its === real);

const PlanText = Schema.fromJsonString(
  Schema.Struct({
    formatVersion: Schema.String,
    digest: Schema.String,
    plans: Schema.Array(Schema.Unknown),
  }),
);

/** Whether it is what `muster plan --out` writes; most texts are not even looked through. */
const isPlan = (text: string): boolean =>
  text.startsWith("{") &&
  text.includes('"formatVersion"') &&
  Option.isSome(Schema.decodeUnknownOption(PlanText)(text));

const planFault = (file: string): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  severity: "error",
  summary: "this is a plan of muster, not a document",
  hint: "move it out of the documents' folder, or give it another ending, such as fleet.plan",
});

/** As in git: passing over it would make its document vanish, and following it leads anywhere. */
const linkFault = (file: string): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  severity: "error",
  summary: "symbolic links are never followed",
  hint: "put the file itself there, or name the link outright",
});

/** The text of one file, or why it is none. Fails when it cannot be read. */
export const readText = (file: string): Effect.Effect<SourceText | Diagnostic, CommandEnd> =>
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
