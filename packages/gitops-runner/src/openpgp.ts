// Checks PGP signatures with the operator's public keys: the one file that knows the openpgp library.

import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import type { PublicKey } from "openpgp";
import { GitError } from "./error.ts";
import { quoteOutside } from "./redact.ts";

/** Opaque outside this file. */
export interface Keyring {
  readonly keys: ReadonlyArray<PublicKey>;
}

/** Milliseconds that a signer's clock may be ahead of ours. */
const clockAllowance = 10 * 60_000;

/** - `Unknown`: by a key that is not in the keyring · `Bad`: by none, or not valid */
export type SignatureFault = { readonly fault: "Unknown" | "Bad"; readonly message: string };

const load = Effect.tryPromise({
  try: () => import("openpgp"),
  catch: () =>
    new GitError({
      reason: "Unsupported",
      operation: "verify",
      message: "the openpgp library cannot be loaded",
      remedy: "install muster again, or name SSH signers instead",
    }),
});

/** Reads public keys, armored (also several blocks) or binary. Private keys are refused. */
export const readKeyring = (bytes: Uint8Array): Effect.Effect<Keyring, GitError> =>
  Effect.flatMap(load, ({ readKeys }) =>
    Effect.tryPromise({
      try: async () => {
        const blocks = armoredBlocks(bytes);
        const keys = await Promise.all(
          blocks.length === 0
            ? [readKeys({ binaryKeys: bytes })]
            : blocks.map((armoredKeys) => readKeys({ armoredKeys })),
        );
        if (keys.flat().some((key) => key.isPrivate())) throw new Error("it holds a private key");
        return { keys: keys.flat() as Array<PublicKey> };
      },
      catch: (cause) =>
        new GitError({
          reason: "Invalid",
          operation: "verify",
          message: `the keyring cannot be read: ${quoteOutside(messageOf(cause))}`,
          remedy: "export the signers' public keys with `gpg --export --armor`",
        }),
    }),
  );

const armoredBlocks = (bytes: Uint8Array): ReadonlyArray<string> =>
  Buffer.from(bytes)
    .toString("latin1")
    .match(/-----BEGIN PGP [A-Z ]+-----[^]*?-----END PGP [A-Z ]+-----/g) ?? [];

/**
 * The signer of a detached signature: user id and fingerprint of the key.
 *
 * A key must have been valid when the signature says that it was made: one that expired or was
 * retired since still vouches for its old commits. A key revoked as compromised, or without a
 * reason, vouches for nothing, however old. A signature made after `now` (milliseconds, with ten
 * minutes allowed) is refused.
 */
export const verifyDetached = (request: {
  readonly keyring: Keyring;
  readonly payload: Uint8Array;
  readonly armoredSignature: string;
  readonly now: number;
}): Effect.Effect<Result.Result<string, SignatureFault>, GitError> =>
  Effect.flatMap(load, (openpgp) =>
    Effect.promise(async () => {
      try {
        const signature = await openpgp.readSignature({
          armoredSignature: request.armoredSignature,
        });
        const verified = await openpgp.verify({
          message: await openpgp.createMessage({ binary: request.payload }),
          signature,
          verificationKeys: [...request.keyring.keys],
          date: new Date(request.now + clockAllowance),
          config: { minRSABits: 2048 },
        });
        return await judge(request.keyring, verified.signatures);
      } catch (cause) {
        return Result.fail({ fault: "Bad", message: quoteOutside(messageOf(cause)) } as const);
      }
    }),
  );

type Verified = Awaited<ReturnType<typeof import("openpgp").verify>>["signatures"];

const judge = async (
  keyring: Keyring,
  signatures: Verified,
): Promise<Result.Result<string, SignatureFault>> => {
  const [only] = signatures;
  if (only === undefined || signatures.length !== 1) {
    return Result.fail({ fault: "Bad", message: "there must be exactly one signature" });
  }
  const key = keyring.keys.find((candidate) => candidate.getKeys(only.keyID).length > 0);
  if (key === undefined) {
    const id = only.keyID.toHex().toUpperCase();
    return Result.fail({ fault: "Unknown", message: `key ${id} is not in the keyring` });
  }
  await only.verified;
  return Result.succeed(await nameOf(key));
};

const nameOf = async (key: PublicKey): Promise<string> => {
  const primary = await key.getPrimaryUser().catch(() => undefined);
  const user = primary?.user.userID?.userID ?? key.getUserIDs()[0] ?? "";
  return quoteOutside(`${user} ${key.getFingerprint().toUpperCase()}`);
};

const messageOf = (cause: unknown): string =>
  cause instanceof Error ? cause.message : String(cause);
