// Decides whether a session's token and key can still sign: OCI itself would only answer 401.

import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as Redacted from "effect/Redacted";
import { sessionEnded } from "./errors.ts";
import { readPrivateKey } from "./private-key.ts";
import type { SigningPair } from "./signing.ts";
import { CallFailed } from "./transport.ts";

/** Where a session keeps what it signs with; signing in again replaces both files. */
export interface SessionFiles {
  readonly tokenFile: string;
  readonly keyFile: string;
  readonly passPhrase: Redacted.Redacted | null;
}

/**
 * Reads a session's pair, and reads it again when the token in the file is another one. Rejects
 * with `CallFailed` when the files cannot be read or do not belong together.
 */
export const makeSessionReader = (
  files: SessionFiles,
): ((held: SigningPair | null) => Promise<SigningPair>) => {
  let seen: string | undefined;
  return async (held) => {
    const token = await readToken(files.tokenFile);
    if (held !== null && token === seen) return held;
    const pair = await pairOf(token, files);
    seen = token;
    return pair;
  };
};

const pairOf = async (token: string, files: SessionFiles): Promise<SigningPair> => {
  const { tokenFile, keyFile } = files;
  const endsAt = endOfToken(token);
  if (endsAt === undefined) throw ended(`the session token file ${tokenFile} holds no token`);
  const text = await readFile(keyFile, "utf8").catch(() => {
    throw ended(`the session's key file ${keyFile} cannot be read`);
  });
  const passPhrase = files.passPhrase === null ? undefined : Redacted.value(files.passPhrase);
  const key = readPrivateKey(text, passPhrase);
  if (!key.ok) throw ended(`the session's key file ${keyFile} ${key.fault.summary}`);
  if (!isKeyOf(token, key.pem)) {
    throw ended(`the token in ${tokenFile} was made for another key than ${keyFile} holds`);
  }
  return { keyId: `ST$${token}`, privateKey: key.pem, endsAt };
};

const readToken = async (file: string): Promise<string> => {
  const text = await readFile(file, "utf8").catch(() => {
    throw ended(`the session token file ${file} cannot be read`);
  });
  return text.trim();
};

/** The failure of a session that has come to its end at a time, in milliseconds since the epoch. */
export const endedAt = (end: number, file: string): CallFailed =>
  ended(`the session ended at ${new Date(end).toISOString()} (${file})`);

/** When a token ends, in milliseconds since the epoch; nothing when it is no token. */
export const endOfToken = (token: string): number | undefined => {
  const exp = claimsOf(token)?.["exp"];
  return typeof exp === "number" ? exp * 1_000 : undefined;
};

/** False when the token names a key, and it is another one. */
export const isKeyOf = (token: string, privateKey: string): boolean => {
  const modulus = modulusIn(claimsOf(token)?.["jwk"]);
  return (
    modulus === undefined || createPublicKey(privateKey).export({ format: "jwk" }).n === modulus
  );
};

type Claims = Readonly<Record<string, unknown>>;

const claimsOf = (token: string): Claims | undefined => {
  const [, claims, signature] = token.split(".");
  if (claims === undefined || signature === undefined) return undefined;
  return parsed(Buffer.from(claims, "base64url").toString("utf8"));
};

/** The claim is a key as JSON, or the text of it. */
const modulusIn = (claim: unknown): string | undefined => {
  const key = typeof claim === "string" ? parsed(claim) : (claim as Claims | undefined);
  const modulus = key?.["n"];
  return typeof modulus === "string" ? modulus : undefined;
};

const parsed = (text: string): Claims | undefined => {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === "object" && value !== null ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
};

const ended = (message: string): CallFailed =>
  new CallFailed(message, { statusCode: 401, serviceCode: sessionEnded });
