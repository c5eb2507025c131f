// Makes public keys of any type, which no test has to draw, and finds the programs of OpenSSH.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const packed = (bytes: Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** A key as SSH sends it: the same bytes for the same seed. */
export const keyOf = (seed: string, type = "ssh-ed25519"): Buffer =>
  Buffer.concat([packed(Buffer.from(type)), packed(createHash("sha256").update(seed).digest())]);

/** Where a program of OpenSSH lies; on CI its absence is a failure, elsewhere it is said loudly. */
export const programPath = (name: string): string | undefined => {
  const found = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
  if (found === undefined) {
    if (process.env["CI"]) throw new Error(`${name} must be installed on CI`);
    console.warn(`SKIPPED: ${name} is not installed, so what is compared with it cannot run`);
  }
  return found;
};

/** Makes a pair of keys without a pass phrase, or with one; gives the public line. */
export const makeKeyPair = (path: string, passPhrase = "", type = "ed25519"): string =>
  execFileSync("sh", [
    "-c",
    'ssh-keygen -q -t "$1" -N "$2" -C test -f "$3" && cat "$3.pub"',
    ...["sh", type, passPhrase, path],
  ])
    .toString("utf8")
    .trim();

/** Numbers from 0 up to 1, the same for the same seed. */
export const randomOf = (seed: string): (() => number) => {
  let count = 0;
  return () => {
    count += 1;
    return createHash("sha256").update(`${seed} ${count}`).digest().readUInt32BE(0) / 2 ** 32;
  };
};
