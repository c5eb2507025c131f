// Reads objects of the copy by name, all in one git process, and each by its id only once.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { GitError } from "./error.ts";
import { Git } from "./git.ts";
import type { Key } from "./kept.ts";

/** An object as `git cat-file --batch` answers it; nothing when there is none of that name. */
export interface StoredObject {
  readonly id: string;
  readonly type: string;
  readonly bytes: Buffer;
}

const keptObject = (name: string): Key<StoredObject> => ({ name: `object ${name}` });

/** A name that can only ever mean one object: a full id, or something below one. */
const isFixed = (name: string): boolean => /^[0-9a-f]{40}(?![0-9a-f])/.test(name);

/**
 * The objects of the given names, in the same order. A name is what git calls a revision, such as an
 * object id or `<commit>:<path>`, and must hold no line end.
 */
export const readObjects = (request: {
  readonly cache: string;
  readonly operation: string;
  readonly names: ReadonlyArray<string>;
  /** Bytes of all objects together. */
  readonly limit: number;
}): Effect.Effect<ReadonlyArray<StoredObject | null>, GitError, Git> =>
  Effect.gen(function* () {
    const { kept } = yield* Git;
    const { cache, names } = request;
    const found = new Map(
      names.map((name) => [name, kept.find(cache, keptObject(name)) ?? null] as const),
    );
    const asked = [...found].filter(([, object]) => object === null).map(([name]) => name);
    const read = yield* readBatch({ ...request, names: asked });
    asked.forEach((name, index) => {
      const object = read[index] ?? null;
      found.set(name, object);
      if (object === null || !isFixed(name)) return;
      // A copy, because the bytes of an answer hold on to all of it.
      const bytes = Buffer.from(object.bytes);
      kept.keep(cache, keptObject(name), { ...object, bytes }, bytes.length);
    });
    return names.map((name) => found.get(name) ?? null);
  });

/** Sizes in bytes by object id; what the copy lacks is left out. */
export const readSizes = (request: {
  readonly cache: string;
  readonly operation: string;
  readonly ids: ReadonlyArray<string>;
}): Effect.Effect<ReadonlyMap<string, number>, GitError, Git> =>
  Effect.gen(function* () {
    const git = yield* Git;
    const sizes = new Map<string, number>();
    const asked: Array<string> = [];
    for (const id of new Set(request.ids)) {
      const size = git.kept.find(request.cache, keptObject(id))?.bytes.length;
      if (size === undefined) asked.push(id);
      else sizes.set(id, size);
    }
    if (asked.length === 0) return sizes;
    const answer = yield* git.run({
      operation: request.operation,
      folder: request.cache,
      arguments: ["cat-file", "--batch-check=%(objectname) %(objectsize)"],
      input: `${asked.join("\n")}\n`,
    });
    for (const line of answer.output.toString("latin1").split("\n")) {
      const found = /^([0-9a-f]{40}) ([0-9]+)$/.exec(line);
      if (found !== null) sizes.set(found[1]!, Number(found[2]));
    }
    return sizes;
  });

const readBatch = (request: {
  readonly cache: string;
  readonly operation: string;
  readonly names: ReadonlyArray<string>;
  readonly limit: number;
}): Effect.Effect<ReadonlyArray<StoredObject | null>, GitError, Git> =>
  Effect.gen(function* () {
    if (request.names.length === 0) return [];
    const git = yield* Git;
    const answer = yield* git.run({
      operation: request.operation,
      folder: request.cache,
      arguments: ["cat-file", "--batch"],
      input: `${request.names.join("\n")}\n`,
      outputLimit: request.limit + request.names.length * headerAllowance(request.names),
    });
    return yield* Effect.fromResult(parseBatch(answer.output, request.names.length)).pipe(
      Effect.mapError(
        () =>
          new GitError({
            reason: "Corrupt",
            operation: request.operation,
            message: `git ${request.operation} gave an answer that cannot be read`,
            remedy: "check the version of git on this machine",
          }),
      ),
    );
  });

/** A header line repeats the name when there is no such object. */
const headerAllowance = (names: ReadonlyArray<string>): number =>
  100 + names.reduce((longest, name) => Math.max(longest, Buffer.byteLength(name)), 0);

const parseBatch = (
  output: Buffer,
  count: number,
): Result.Result<ReadonlyArray<StoredObject | null>, "unreadable"> => {
  const found: Array<StoredObject | null> = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    const end = output.indexOf(0x0a, at);
    if (end === -1) return Result.fail("unreadable");
    const header = output.toString("utf8", at, end);
    at = end + 1;
    const present = /^([0-9a-f]{40}) (blob|tree|commit|tag) ([0-9]+)$/.exec(header);
    if (present === null) {
      if (!/ (?:missing|ambiguous)$/.test(header)) return Result.fail("unreadable");
      found.push(null);
      continue;
    }
    const size = Number(present[3]);
    if (at + size + 1 > output.length) return Result.fail("unreadable");
    found.push({ id: present[1]!, type: present[2]!, bytes: output.subarray(at, at + size) });
    at += size + 1;
  }
  return Result.succeed(found);
};
