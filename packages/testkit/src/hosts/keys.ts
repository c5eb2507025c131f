// Makes ed25519 keys and writes them as OpenSSH does.
//
// ssh2 brings a generator of its own, and one of two hundred of its ed25519 keys cannot be read again.

import { generateKeyPairSync, randomBytes } from "node:crypto";

export interface KeyPair {
  /** In OpenSSH's format, not encrypted. */
  readonly privateKey: string;
  /** `ssh-ed25519` and the key in base64, without a comment. */
  readonly publicKey: string;
}

const algorithm = "ssh-ed25519";

export const makeKeyPair = (): KeyPair => {
  const { x, d } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  const point = Buffer.from(x!, "base64url");
  return {
    privateKey: armoured(privateBlob(point, Buffer.from(d!, "base64url"))),
    publicKey: `${algorithm} ${publicBlob(point).toString("base64")}`,
  };
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Bytes with their length before them. */
const field = (value: Buffer | string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
};

const publicBlob = (point: Buffer): Buffer => Buffer.concat([field(algorithm), field(point)]);

const privateBlob = (point: Buffer, seed: Buffer): Buffer => {
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    publicBlob(point),
    field(Buffer.concat([seed, point])),
    field(""),
  ]);
  // The cipher "none" has blocks of eight bytes, filled with 1, 2, 3, …
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8);
  return Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    uint32(1),
    field(publicBlob(point)),
    field(Buffer.concat([secret, padding])),
  ]);
};

const armoured = (blob: Buffer): string =>
  [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    ...(blob.toString("base64").match(/.{1,70}/gu) ?? []),
    "-----END OPENSSH PRIVATE KEY-----",
    "",
  ].join("\n");
