// Keeps the daemon's token in a file that only its user can read, and makes it when there is none.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, link, open, unlink } from "node:fs/promises";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";
import { quote } from "@muster/core/words/quote";

/**
 * - `Unsafe`: others can read the file, or it is not a file of this user
 * - `Invalid`: what stands in it is no token
 * - `Unavailable`: it can neither be read nor made
 */
export class TokenError extends Schema.TaggedError<TokenError>()("TokenError", {
  reason: Schema.Literals(["Unsafe", "Invalid", "Unavailable"]),
  message: Schema.String,
  remedy: Schema.String,
}) {}

export interface FleetToken {
  readonly token: Redacted.Redacted;
  /** It was made just now: the one time to show it. */
  readonly isNew: boolean;
}

/** Of chance in a token; in text 43 letters. */
const tokenBytes = 32;
const tokenForm = /^[A-Za-z0-9_-]{43,200}$/u;

/**
 * The token of the file at `path`; without one, a new one of 32 random bytes is written there, mode
 * 0600. A symbolic link, a file of another user or one that others may touch is refused.
 */
export const keepToken = (path: string): Effect.Effect<FleetToken, TokenError> =>
  Effect.gen(function* () {
    const kept = yield* readToken(path);
    if (kept !== null) return { token: kept, isNew: false };
    const made = yield* writeToken(path);
    if (made !== null) return { token: made, isNew: true };
    // Another process was first.
    const theirs = yield* readToken(path);
    return theirs === null
      ? yield* unavailable(path, "read", "ENOENT")
      : { token: theirs, isNew: false };
  });

const attempt = <A>(path: string, verb: "read" | "written", act: () => Promise<A>) =>
  Effect.tryPromise({
    try: act,
    catch: (cause) =>
      cause instanceof TokenError ? cause : unavailable(path, verb, codeOf(cause) ?? "unknown"),
  });

/** Nothing when no file is there. */
const readToken = (path: string): Effect.Effect<Redacted.Redacted | null, TokenError> =>
  attempt(path, "read", async () => {
    // Neither a link nor a pipe that never answers.
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const file = await open(path, flags).catch((cause: unknown) => {
      if (codeOf(cause) === "ENOENT") return null;
      if (codeOf(cause) === "ELOOP") throw unsafe(path, "is a symbolic link");
      throw cause;
    });
    if (file === null) return null;
    try {
      return await readChecked(path, file);
    } finally {
      await file.close();
    }
  });

/** What is checked is the open file, not what its name may mean a moment later. */
const readChecked = async (path: string, file: FileHandle): Promise<Redacted.Redacted> => {
  const found = await file.stat();
  if (!found.isFile()) throw unsafe(path, "is no plain file");
  if (process.getuid !== undefined && found.uid !== process.getuid()) {
    throw unsafe(path, "belongs to another user");
  }
  if ((found.mode & 0o077) !== 0) {
    throw unsafe(path, `has mode ${(found.mode & 0o777).toString(8)}, so others may touch it`);
  }
  const { bytesRead, buffer } = await file.read(Buffer.alloc(512), 0, 512, 0);
  const token = buffer.toString("latin1", 0, bytesRead).trimEnd();
  if (!tokenForm.test(token)) {
    throw new TokenError({
      reason: "Invalid",
      message: `the token file ${quote(path, 400)} holds no token`,
      remedy: "remove the file, and start again: a new token is made",
    });
  }
  return Redacted.make(token);
};

/**
 * Whole or not at all: written under another name, and linked to its own, which fails when that is
 * taken. Nothing then.
 */
const writeToken = (path: string): Effect.Effect<Redacted.Redacted | null, TokenError> =>
  attempt(path, "written", async () => {
    const token = randomBytes(tokenBytes).toString("base64url");
    const draft = `${path}.${randomBytes(6).toString("hex")}`;
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(`${token}\n`);
      await file.sync();
      await link(draft, path);
      return Redacted.make(token);
    } catch (cause) {
      if (codeOf(cause) === "EEXIST") return null;
      throw cause;
    } finally {
      await file.close();
      await unlink(draft);
    }
  });

const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause ? String(cause.code) : undefined;

const unsafe = (path: string, what: string): TokenError =>
  new TokenError({
    reason: "Unsafe",
    message: `the token file ${quote(path, 400)} ${what}`,
    remedy: "make it a file of your own with mode 0600, or remove it and a new token is made",
  });

const unavailable = (path: string, verb: "read" | "written", code: string): TokenError =>
  new TokenError({
    reason: "Unavailable",
    message: `the token file ${quote(path, 400)} cannot be ${verb}: ${code}`,
    remedy: "name a file in a folder that you can write to",
  });
