// Decides the one spelling of a value: canonical JSON, and the digest of it.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/**
 * Canonical JSON: keys sorted by code unit, no white space, `undefined` members left out.
 * The same value in any key order gives the same text.
 *
 * Throws `TypeError` for what JSON cannot say (a function, a bigint, NaN): that is a bug in muster,
 * never a user's fault.
 */
export const canonicalJson = (value: unknown): string => {
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`not a JSON number: ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") return canonicalObject(value as Record<string, unknown>);
  throw new TypeError(`not a JSON value: ${typeof value}`);
};

const canonicalObject = (value: Record<string, unknown>): string => {
  const members: Array<string> = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
};

/** SHA-256 of a text, 64 lower-case hex digits. */
export const sha256Hex = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));

/** `sha256:` and the SHA-256 of the canonical JSON of a value. */
export const digestOf = (value: unknown): string => `sha256:${sha256Hex(canonicalJson(value))}`;
