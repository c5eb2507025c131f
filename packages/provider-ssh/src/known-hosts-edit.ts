// Decides how a known_hosts file reads when one host has another key: its own lines change, and no others.

import {
  fingerprintOf,
  hashOf,
  knownHostsLine,
  knownHostsName,
  readHashed,
  readLine,
  type KnownName,
} from "./known-hosts.ts";
import { isWild } from "./pattern.ts";

export interface Edited {
  readonly text: string;
  /** The keys that stood for this host alone or by its name. */
  readonly replaced: ReadonlyArray<{
    readonly line: number;
    readonly type: string;
    readonly fingerprint: string;
  }>;
}

/**
 * The text with this key for the host, where its first line stood, else at the end. A line that
 * names others, too, keeps them. Patterns, revoked keys, authorities, comments and what cannot be
 * read stay as they are. The name is hashed when `hash` says so, or when it was.
 */
export const replaceKnownHost = (
  text: string,
  who: KnownName,
  key: Uint8Array,
  hash: boolean,
): Edited => {
  const name = knownHostsName(who);
  const lines = text.split("\n");
  const own = lines.map((line) => ownedBy(line, name));
  const first = own.findIndex((owned) => owned !== null);
  const wasHashed = own.some((owned) => owned?.hashed === true);
  const fresh = knownHostsLine(who, key, hash || wasHashed).replace(/\n$/, "");
  const kept = lines.flatMap((line, index) => {
    const owned = own[index] ?? null;
    if (owned === null) return [line];
    const rest = owned.rest === null ? [] : [owned.rest];
    return index === first ? [...rest, fresh] : rest;
  });
  const replaced = own.flatMap((owned, index) =>
    owned === null ? [] : [{ line: index + 1, type: owned.type, fingerprint: owned.fingerprint }],
  );
  if (first >= 0) return { text: kept.join("\n"), replaced };
  // The last piece is what stands behind the last end of line: nothing, as a rule.
  const last = kept.pop() ?? "";
  return { text: [...kept, ...(last === "" ? [] : [last]), fresh, ""].join("\n"), replaced };
};

interface Owned {
  readonly type: string;
  readonly fingerprint: string;
  readonly hashed: boolean;
  /** The line for the others that it names; nothing when it names nobody else. */
  readonly rest: string | null;
}

const ownedBy = (line: string, name: string): Owned | null => {
  const read = readLine(line.replace(/\r$/, ""));
  if (read === null || typeof read === "string" || read.marker !== "none") return null;
  const { names, type } = read;
  const key = { type, fingerprint: fingerprintOf(Buffer.from(read.key, "base64")) };
  if (names.startsWith("|")) {
    const hashed = readHashed(names);
    const isOwn = hashed !== "unreadable" && hashOf(name, hashed.salt).equals(hashed.hash);
    return isOwn ? { ...key, hashed: true, rest: null } : null;
  }
  const all = names.split(",").filter((each) => each !== "");
  if (all.some((each) => each.startsWith("!") || isWild(each))) return null;
  const others = all.filter((each) => each.toLowerCase() !== name);
  if (others.length === all.length) return null;
  const rest = others.length === 0 ? null : line.replace(names, () => others.join(","));
  return { ...key, hashed: false, rest };
};
