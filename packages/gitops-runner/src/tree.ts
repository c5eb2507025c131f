// Builds a commit from texts in one git process, without a work tree, an index or a ref left behind.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { isSafePath } from "./blobs.ts";
import { GitError, invalid } from "./error.ts";
import { Git } from "./git.ts";
import { quoteOutside } from "./redact.ts";
import { isObjectId, zeroId } from "./refs.ts";

/** Who the commits of muster are by. */
export const author = "muster <muster@localhost>";

export interface CommitRequest {
  readonly cache: string;
  /** Contents by path. */
  readonly files: ReadonlyMap<string, string>;
  /** What the files are added to: the tree of the first parent, or nothing. Default `nothing`. */
  readonly onto?: "parent" | "nothing";
  readonly parents: ReadonlyArray<string>;
  /** One line. */
  readonly subject: string;
  /** Names and one-line values, in order. */
  readonly trailers?: ReadonlyArray<readonly [string, string]>;
}

/** Writes the objects of a commit into the copy and answers its id; no ref names it yet. */
export const commitTree = (request: CommitRequest): Effect.Effect<string, GitError, Git> =>
  Effect.gen(function* () {
    const fault = requestFault(request);
    if (fault !== undefined) {
      return yield* Effect.fail(invalid("commit", fault, "this is a fault in muster: report it"));
    }
    const git = yield* Git;
    const seconds = Math.floor((yield* Clock.currentTimeMillis) / 1000);
    const answer = yield* git.run({
      operation: "commit",
      folder: request.cache,
      arguments: ["fast-import", "--quiet", "--done"],
      input: importStream(request, Math.max(seconds, 0), crypto.randomUUID()),
    });
    const id = answer.output.toString("utf8").trim();
    if (!isObjectId(id)) return yield* unexpected(id);
    return id;
  });

const requestFault = (request: CommitRequest): string | undefined => {
  const bad = [...request.files.keys()].find((path) => !isSafePath(path));
  if (bad !== undefined) return `a commit cannot hold the path ${quoteOutside(bad)}`;
  if (!request.parents.every(isObjectId)) return "a parent is not a commit id";
  const trailers = request.trailers ?? [];
  const lines = [request.subject, ...trailers.map(([, value]) => value)];
  // eslint-disable-next-line no-control-regex
  if (lines.some((line) => /[\u0000-\u001f\u007f]/.test(line))) {
    return "a commit message cannot hold a control character";
  }
  if (!trailers.every(([name]) => /^[A-Z][A-Za-z-]*$/.test(name))) {
    return "a trailer cannot be called so";
  }
  return undefined;
};

/** The message of a commit: subject, then the trailers as its last paragraph. Pure. */
export const messageOf = (
  subject: string,
  trailers: ReadonlyArray<readonly [string, string]>,
): string => {
  const lines = trailers.map(([name, value]) => `${name}: ${value}\n`);
  return lines.length === 0 ? `${subject}\n` : `${subject}\n\n${lines.join("")}`;
};

const importStream = (request: CommitRequest, seconds: number, id: string): string => {
  const ref = `refs/muster/build/${id}`;
  const files = [...request.files];
  const blobs = files.map(([, text], index) => `blob\nmark :${index + 2}\n${data(text)}`);
  const [first, ...others] = request.parents;
  const commit = [
    `commit ${ref}\nmark :1\n`,
    `author ${author} ${seconds} +0000\ncommitter ${author} ${seconds} +0000\n`,
    data(messageOf(request.subject, request.trailers ?? [])),
    first === undefined ? "" : `from ${first}\n`,
    ...others.map((parent) => `merge ${parent}\n`),
    request.onto === "parent" ? "" : "deleteall\n",
    ...files.map(([path], index) => `M 100644 :${index + 2} ${quotePath(path)}\n`),
  ];
  // The branch that the import needs is given up before it ends, so it is never written.
  return [...blobs, ...commit, `get-mark :1\nreset ${ref}\nfrom ${zeroId}\ndone\n`].join("");
};

const data = (text: string): string => `data ${Buffer.byteLength(text)}\n${text}\n`;

const quotePath = (path: string): string => `"${path.replaceAll('"', '\\"')}"`;

const unexpected = (answer: string): Effect.Effect<never, GitError> =>
  Effect.fail(
    new GitError({
      reason: "Corrupt",
      operation: "commit",
      message: `git answered ${quoteOutside(answer)} where a commit id belongs`,
      remedy: "check the version of git on this machine",
    }),
  );
