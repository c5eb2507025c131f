// Decides what known_hosts files say of a key that a host shows.

import { createHash, createHmac, randomBytes } from "node:crypto";
import { quote } from "@muster/core/words/quote";
import { isWild, matchesList } from "./pattern.ts";

/** Something in a file that is not taken as it was meant, and where. */
export interface FileFinding {
  readonly file: string;
  /** From 1; 0 when the file as a whole is meant. */
  readonly line: number;
  /** Text from the file is quoted in it. */
  readonly message: string;
}

export interface KnownHostsText {
  readonly file: string;
  readonly text: string;
}

type Marker = "none" | "revoked" | "certificate-authority";

interface KeyLine {
  readonly file: string;
  readonly line: number;
  readonly marker: Marker;
  /** Such as `ssh-ed25519`. */
  readonly type: string;
  /** The key as SSH sends it, in base64 without padding. */
  readonly key: string;
}

interface PatternLine extends KeyLine {
  readonly patterns: ReadonlyArray<string>;
}

interface HashedLine extends KeyLine {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** What the files say, ready for many questions. */
export interface KnownHosts {
  readonly findings: ReadonlyArray<FileFinding>;
  /** Grows by what is accepted while muster runs. */
  readonly byName: Map<string, Array<KeyLine>>;
  /** Lines with wildcards or negation: each is asked. */
  readonly byPattern: ReadonlyArray<PatternLine>;
  /** Lines whose names are hashed, each with a salt of its own: each is asked. */
  readonly hashed: ReadonlyArray<HashedLine>;
  /** Those that were found for a name: every line costs a hash, and a contact asks several times. */
  readonly hashedByName: Map<string, ReadonlyArray<HashedLine>>;
}

/** Where a key was found. */
export interface KeyPlace {
  readonly file: string;
  readonly line: number;
}

/**
 * What is to be made of an offered key:
 * - `known`: it stands there for this host
 * - `changed`: other keys stand there, and not this one
 * - `revoked`: nobody may trust it, whatever else stands there
 * - `only-certificate-authority`: the host is vouched for by an authority, which muster cannot ask
 * - `unknown`: nothing stands there for this host
 */
export type KeyJudgement =
  | { readonly verdict: "known" | "changed" | "revoked"; readonly place: KeyPlace }
  | { readonly verdict: "only-certificate-authority"; readonly place: KeyPlace }
  | { readonly verdict: "unknown" };

/** The host of an offered key, as the files name it. */
export interface KnownName {
  /** The name that was asked for, or the alias that stands for it. */
  readonly host: string;
  /** Nothing when an alias stands for name and port. */
  readonly port: number | null;
}

/** Reads files in their order; a line that cannot be read is a finding, and no reason to stop. */
export const readKnownHosts = (texts: ReadonlyArray<KnownHostsText>): KnownHosts => {
  const findings: Array<FileFinding> = [];
  const byName = new Map<string, Array<KeyLine>>();
  const byPattern: Array<PatternLine> = [];
  const hashed: Array<HashedLine> = [];
  for (const { file, text } of texts) {
    for (const [index, line] of text.split("\n").entries()) {
      const read = readLine(line.replace(/\r$/, ""));
      if (read === null) continue;
      const place = { file, line: index + 1 };
      if (typeof read === "string") {
        findings.push({ ...place, message: read });
        continue;
      }
      const { names, marker, type, key } = read;
      const entry = { ...place, marker, type, key };
      if (marker === "certificate-authority") {
        findings.push({ ...place, message: `certificates are not supported: ${quote(names)}` });
      }
      const hash = names.startsWith("|") ? readHashed(names) : null;
      if (hash !== null) {
        if (hash === "unreadable") {
          findings.push({ ...place, message: `${quote(names)} is no hashed name` });
        } else hashed.push({ ...entry, ...hash });
        continue;
      }
      const patterns = names
        .toLowerCase()
        .split(",")
        .filter((name) => name !== "");
      if (patterns.some((name) => name.startsWith("!") || isWild(name))) {
        byPattern.push({ ...entry, patterns });
      } else {
        for (const name of patterns) {
          const held = byName.get(name);
          if (held === undefined) byName.set(name, [entry]);
          else held.push(entry);
        }
      }
    }
  }
  return { findings, byName, byPattern, hashed, hashedByName: new Map() };
};

export interface ReadLine {
  readonly names: string;
  readonly marker: Marker;
  readonly type: string;
  readonly key: string;
}

const markers: Readonly<Record<string, Marker>> = {
  "@revoked": "revoked",
  "@cert-authority": "certificate-authority",
};

/** A key that stands in a file, as it is told to people. */
export interface StandingKey extends KeyPlace {
  readonly type: string;
  readonly fingerprint: string;
}

const standing = ({ file, line, type, key }: KeyLine): StandingKey => ({
  ...{ file, line, type },
  fingerprint: fingerprintOf(Buffer.from(key, "base64")),
});

/** The keys that a host is trusted by, in the order of the files. */
export const trustedKeys = (known: KnownHosts, who: KnownName): ReadonlyArray<StandingKey> =>
  linesFor(known, knownHostsName(who))
    .filter(({ marker }) => marker === "none")
    .map(standing);

/** Nothing for a line that says nothing; a text says what is wrong with it. */
export const readLine = (line: string): ReadLine | string | null => {
  const fields = line.trim().split(/[ \t]+/);
  const first = fields[0] ?? "";
  if (first === "" || first.startsWith("#")) return null;
  const marked = first.startsWith("@");
  const marker = marked ? markers[first] : "none";
  if (marker === undefined) return `${quote(first)} is no marker: @revoked or @cert-authority`;
  const [names, type, encoded] = marked ? fields.slice(1) : fields;
  if (names === undefined || type === undefined || encoded === undefined) {
    return "is not: names, type of key, key";
  }
  const key = unpadded(encoded);
  return typeOfKey(encoded) === type
    ? { names, marker, type, key }
    : `holds no key of the type ${quote(type)}`;
};

const unpadded = (base64: string): string => base64.replace(/=+$/, "");

/** The type that stands in the key itself; nothing when it is no key. */
const typeOfKey = (encoded: string): string | undefined => {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  return typeOfKeyBytes(Buffer.from(encoded, "base64"));
};

/** The type of a key as SSH sends it, such as `ssh-ed25519`; nothing when it is no key. */
export const typeOfKeyBytes = (bytes: Uint8Array): string | undefined => {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (key.length < 5) return undefined;
  const length = key.readUInt32BE(0);
  // What follows the type must be there too: a type alone is no key.
  if (length === 0 || length > 64 || key.length <= 4 + length) return undefined;
  const type = key.toString("latin1", 4, 4 + length);
  return /^[\w@.+-]+$/.test(type) ? type : undefined;
};

/** Such as `SHA256:…`, as ssh-keygen shows it. */
export const fingerprintOf = (key: Uint8Array): string =>
  `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;

const hashedName = /^\|1\|([A-Za-z0-9+/]+=*)\|([A-Za-z0-9+/]+=*)$/;

const sha1Length = 20;

export const readHashed = (
  names: string,
): { readonly salt: Buffer; readonly hash: Buffer } | "unreadable" => {
  const [, salt, hash] = hashedName.exec(names) ?? [];
  if (salt === undefined || hash === undefined) return "unreadable";
  const read = { salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
  return read.salt.length === sha1Length && read.hash.length === sha1Length ? read : "unreadable";
};

const usualPort = 22;

/** As known_hosts names a host: `[host]:port` when the port is not 22. */
export const knownHostsName = ({ host, port }: KnownName): string => {
  const name = host.toLowerCase();
  return port === null || port === usualPort ? name : `[${name}]:${port}`;
};

export const hashOf = (name: string, salt: Uint8Array): Buffer =>
  createHmac("sha1", salt).update(name).digest();

const linesFor = (known: KnownHosts, name: string): ReadonlyArray<KeyLine> => [
  ...(known.byName.get(name) ?? []),
  ...known.byPattern.filter(({ patterns }) => matchesList(patterns, name)),
  ...hashedLinesFor(known, name),
];

const hashedLinesFor = (
  { hashed, hashedByName }: KnownHosts,
  name: string,
): ReadonlyArray<HashedLine> => {
  if (hashed.length === 0) return hashed;
  const found =
    hashedByName.get(name) ?? hashed.filter(({ salt, hash }) => hashOf(name, salt).equals(hash));
  hashedByName.set(name, found);
  return found;
};

/**
 * The key must stand there in full. As OpenSSH does, a host on another port than 22 that nothing is
 * said of is also known by its bare name, when exactly this key stands there.
 */
export const judgeKey = (known: KnownHosts, who: KnownName, key: Uint8Array): KeyJudgement => {
  const named = judgeName(known, knownHostsName(who), key);
  const bare = who.port !== null && who.port !== usualPort;
  if (!bare || (named.verdict !== "unknown" && named.verdict !== "only-certificate-authority")) {
    return named;
  }
  const plain = judgeName(known, who.host.toLowerCase(), key);
  return plain.verdict === "known" || plain.verdict === "revoked" ? plain : named;
};

const judgeName = (known: KnownHosts, name: string, key: Uint8Array): KeyJudgement => {
  const lines = linesFor(known, name);
  const offered = unpadded(Buffer.from(key).toString("base64"));
  const same = lines.filter((line) => line.key === offered);
  const place = ({ file, line }: KeyLine): KeyPlace => ({ file, line });
  const revoked = same.find(({ marker }) => marker === "revoked");
  if (revoked !== undefined) return { verdict: "revoked", place: place(revoked) };
  const trusted = same.find(({ marker }) => marker === "none");
  if (trusted !== undefined) return { verdict: "known", place: place(trusted) };
  const other = lines.find(({ marker }) => marker === "none");
  if (other !== undefined) return { verdict: "changed", place: place(other) };
  const authority = lines.find(({ marker }) => marker === "certificate-authority");
  return authority === undefined
    ? { verdict: "unknown" }
    : { verdict: "only-certificate-authority", place: place(authority) };
};

/**
 * The types of the keys that are known for a host, in their order: a host is asked for these first,
 * or one with several keys would seem to have changed.
 */
export const knownKeyTypes = (known: KnownHosts, who: KnownName): ReadonlyArray<string> => {
  const typesOf = (name: string): ReadonlyArray<string> => [
    ...new Set(
      linesFor(known, name)
        .filter(({ marker }) => marker === "none")
        .map(({ type }) => type),
    ),
  ];
  const named = typesOf(knownHostsName(who));
  return named.length > 0 ? named : typesOf(who.host.toLowerCase());
};

/** Knows from now on a key that was just added to a file; line 0 stands for its end. */
export const rememberKey = (
  { byName }: KnownHosts,
  who: KnownName,
  key: Uint8Array,
  file: string,
): void => {
  const name = knownHostsName(who);
  const type = typeOfKeyBytes(key) ?? "";
  const encoded = unpadded(Buffer.from(key).toString("base64"));
  const line: KeyLine = { file, line: 0, marker: "none", type, key: encoded };
  byName.set(name, [...(byName.get(name) ?? []), line]);
};

/**
 * The line that OpenSSH writes when it accepts a new key, with its end; `hash` as `HashKnownHosts`
 * asks for. Fails by a defect when the bytes are no key.
 */
export const knownHostsLine = (
  who: KnownName,
  key: Uint8Array,
  hash: boolean,
  salt: Uint8Array = randomBytes(sha1Length),
): string => {
  const type = typeOfKeyBytes(key);
  if (type === undefined) throw new Error("the bytes are no key");
  const name = knownHostsName(who);
  const encoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const shown = hash ? `|1|${encoded(salt)}|${encoded(hashOf(name, salt))}` : name;
  return `${shown} ${type} ${encoded(key)}\n`;
};
