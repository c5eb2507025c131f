// Finds the keys that may open a host's door, and opens each no sooner than it is tried.

import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import { typeOfKeyBytes } from "./known-hosts.ts";
import type { Identity, UsableKey } from "./session.ts";

/** Asks for the pass phrase of a key's file; nothing: there is none to be had. */
export type AskPassPhrase = (file: string) => Effect.Effect<Redacted.Redacted | null>;

export interface IdentitySource {
  /** The keys of these files, in their order; one that is not there is left out. */
  readonly load: (files: ReadonlyArray<string>) => Promise<ReadonlyArray<Identity>>;
  /** Whether one of these files has a certificate beside it. */
  readonly haveCertificate: (files: ReadonlyArray<string>) => Promise<boolean>;
}

export type ParseKey = (bytes: Uint8Array, passPhrase: string | null) => UsableKey | string;

/** A key's file is small, in bytes. */
const maxBytes = 128 * 1024;

/** The files that OpenSSH tries when none is named; keys on a token are not among them. */
export const usualIdentityFiles = (home: string): ReadonlyArray<string> =>
  ["id_rsa", "id_ecdsa", "id_ed25519"].map((name) => join(home, ".ssh", name));

/** Remembers each file, so that it is read and its pass phrase asked for once. */
export const makeIdentitySource = (
  parse: ParseKey,
  askPassPhrase: AskPassPhrase | null,
): IdentitySource => {
  const read = new Map<string, Promise<Identity | null>>();
  const once = (file: string): Promise<Identity | null> => {
    const known = read.get(file) ?? readIdentity(file, parse, askPassPhrase);
    read.set(file, known);
    return known;
  };
  return {
    load: async (files) => (await Promise.all(files.map(once))).filter((key) => key !== null),
    haveCertificate: async (files) => {
      const found = await Promise.all(files.map((file) => exists(`${file}-cert.pub`)));
      return found.includes(true);
    },
  };
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const readIdentity = async (
  file: string,
  parse: ParseKey,
  askPassPhrase: AskPassPhrase | null,
): Promise<Identity | null> => {
  const found = await readKeyFile(file);
  if (typeof found === "string") return unusable(file, found, null);
  const beside = await readPublicKey(`${file}.pub`);
  if (found === null) {
    // Its private half may be in the agent.
    return beside === null ? null : unusable(file, "has no private half here", beside);
  }
  const publicKey = publicKeyOf(found) ?? publicKeyIn(found.toString("latin1")) ?? beside;
  let opened: Promise<UsableKey | string> | null = null;
  return {
    file,
    publicKey,
    open: async (note) => {
      opened ??= openKey(file, found, parse, askPassPhrase);
      const key = await opened;
      if (typeof key !== "string") return key;
      note(key);
      return null;
    },
  };
};

const unusable = (file: string, why: string, publicKey: Buffer | null): Identity => ({
  file,
  publicKey,
  open: async (note) => {
    note(why);
    return null;
  },
});

/** Nothing when there is none; a text says why it cannot be used. */
const readKeyFile = async (file: string): Promise<Buffer | string | null> => {
  try {
    const found = await stat(file);
    const { mode, size, uid } = found;
    // To open a pipe that nobody writes takes for ever.
    if (!found.isFile()) return "is no plain file";
    // As OpenSSH does: a key that others can read is no secret.
    const own = process.getuid === undefined || process.getuid() === uid;
    if (own && (mode & 0o077) !== 0) return "can be read by others: chmod 600 it";
    if (size > maxBytes) return "is too long for a key";
    return await readFile(file);
  } catch (cause) {
    const { code } = cause as { readonly code?: string };
    return code === "ENOENT" ? null : `cannot be read: ${code ?? "unknown"}`;
  }
};

const openKey = async (
  file: string,
  bytes: Uint8Array,
  parse: ParseKey,
  askPassPhrase: AskPassPhrase | null,
): Promise<UsableKey | string> => {
  const key = parse(bytes, null);
  if (key !== "is encrypted") return key;
  const given = askPassPhrase === null ? null : await Effect.runPromise(askPassPhrase(file));
  return given === null
    ? "is encrypted, and there is no pass phrase for it"
    : parse(bytes, Redacted.value(given));
};

const opensshForm = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/;
const magic = "openssh-key-v1\0";

/** The public half of a key in OpenSSH's own form, which stands there in clear. */
const publicKeyOf = (bytes: Buffer): Buffer | null => {
  const body = opensshForm.exec(bytes.toString("latin1"))?.[1];
  if (body === undefined) return null;
  const key = Buffer.from(body, "base64");
  if (key.toString("latin1", 0, magic.length) !== magic) return null;
  let at = magic.length;
  const next = (): Buffer | null => {
    if (at + 4 > key.length) return null;
    const length = key.readUInt32BE(at);
    const field = key.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return field.length === length ? field : null;
  };
  // Cipher, key derivation, its options; then how many keys there are.
  for (let field = 0; field < 3; field += 1) if (next() === null) return null;
  at += 4;
  const found = next();
  return found === null || typeOfKeyBytes(found) === undefined ? null : Buffer.from(found);
};

const readPublicKey = async (file: string): Promise<Buffer | null> => {
  const found = await stat(file).catch(() => null);
  const isRead = found !== null && found.isFile() && found.size <= maxBytes;
  return isRead ? publicKeyIn(await readFile(file, "latin1").catch(() => "")) : null;
};

/** Of a line as `id_ed25519.pub` has it. */
const publicKeyIn = (text: string): Buffer | null => {
  const [type, encoded] = text.trim().split(/\s+/);
  const key = Buffer.from(encoded ?? "", "base64");
  return typeOfKeyBytes(key) === type ? key : null;
};
