// Decides the one spelling of a value: canonical JSON, and the digest of it.

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

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
  if (typeof value === "object") return canonicalObject(value as Members);
  throw new TypeError(`not a JSON value: ${typeof value}`);
};

type Members = Readonly<Record<string, unknown>>;

const canonicalObject = (value: Members): string => {
  let members = "";
  for (const key of sortedKeys(value)) {
    const member = value[key];
    if (member === undefined) continue;
    if (members !== "") members += ",";
    members += `${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `{${members}}`;
};

/** By code unit. `sort` makes more than a kilobyte of garbage for any three keys. */
const sortedKeys = (value: Members): ReadonlyArray<string> => {
  const keys = Object.keys(value);
  if (keys.length > 32) return keys.sort();
  for (let at = 1; at < keys.length; at += 1) {
    const key = keys[at]!;
    let to = at;
    for (; to > 0 && keys[to - 1]! > key; to -= 1) keys[to] = keys[to - 1]!;
    keys[to] = key;
  }
  return keys;
};

/** Whether two JSON values have the same canonical JSON, told without spelling either. */
export const sameJson = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (!Array.isArray(a)) return !Array.isArray(b) && sameMembers(a as Members, b as Members);
  return Array.isArray(b) && a.length === b.length && a.every((item, at) => sameJson(item, b[at]));
};

/** Members that are undefined are not there. */
const sameMembers = (a: Members, b: Members): boolean => {
  for (const key in a) if (!sameJson(own(a, key), own(b, key))) return false;
  for (const key in b) if (own(a, key) === undefined && own(b, key) !== undefined) return false;
  return true;
};

const own = (value: Members, key: string): unknown =>
  Object.hasOwn(value, key) ? value[key] : undefined;

/** SHA-256 of a text, 64 lower-case hex digits. */
export const sha256Hex = (text: string): string => hexOf([text]);

/** `sha256:` and the SHA-256 of the canonical JSON of a value. */
export const digestOf = (value: unknown): string => `sha256:${sha256Hex(canonicalJson(value))}`;

/** `sha256:` and the SHA-256 of a list of texts, read one after the other and never put together. */
export const digestOfTexts = (texts: ReadonlyArray<string>): string =>
  `sha256:${hexOf(texts.flatMap((text) => [`${text.length}:`, text]))}`;

const encoder = new TextEncoder();
/** Texts pass through here on their way into the hash; nothing stays. */
const passage = new Uint8Array(16_384);

const hexOf = (texts: ReadonlyArray<string>): string => {
  const hash = sha256.create();
  for (const text of texts) {
    for (let rest = text; rest !== "";) {
      const { read, written } = encoder.encodeInto(rest, passage);
      hash.update(passage.subarray(0, written));
      rest = rest.slice(read);
    }
  }
  return bytesToHex(hash.digest());
};
