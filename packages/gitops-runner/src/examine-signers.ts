// Looks whether the file of named signers can be read, and names anybody.

import { readFile } from "node:fs/promises";
import * as Effect from "effect/Effect";
import { failedFinding, type Finding, okFinding, warningFinding } from "@muster/core/words/finding";
import { readKeyring } from "./openpgp.ts";
import type { Signers } from "./verify.ts";

const check = "signers";

/** Never fails. Shows no line of the file. */
export const examineSigners = (signers: Signers): Effect.Effect<Finding> => {
  const isSsh = "allowedSigners" in signers;
  const file = isSsh ? signers.allowedSigners : signers.allowedKeyring;
  return Effect.flatMap(
    Effect.promise(() => readFile(file).catch((cause: NodeJS.ErrnoException) => cause)),
    (bytes) => {
      if (bytes instanceof Error) return Effect.succeed(unreadable(file, bytes));
      return isSsh ? Effect.succeed(judgeAllowedSigners(file, bytes)) : judgeKeyring(file, bytes);
    },
  );
};

const unreadable = (file: string, cause: NodeJS.ErrnoException): Finding =>
  failedFinding(
    check,
    "input",
    `${file} cannot be read: ${cause.code ?? "unknown fault"}`,
    "check path and permissions: without it no commit is acted on",
  );

/** Pure: each line names principals, perhaps options, a type and a key. */
export const judgeAllowedSigners = (file: string, bytes: Buffer): Finding => {
  const lines = bytes
    .toString("utf8")
    .split("\n")
    .map((text, index) => ({ text: text.trim(), number: index + 1 }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"));
  const bad = lines.filter(({ text }) => !signerLine.test(text));
  const good = lines.length - bad.length;
  const numbers = bad.slice(0, 5).map(({ number }) => number);
  if (good === 0) {
    const where = bad.length === 0 ? "" : `: not line ${numbers.join(", ")}`;
    return failedFinding(check, "input", `${file} names no signer${where}`, signerRemedy);
  }
  if (bad.length > 0) {
    const message = `${file} names ${keys(good)}, and has lines that name none: ${numbers.join(", ")}`;
    return warningFinding(check, message, signerRemedy);
  }
  return okFinding(check, `${file} names ${keys(good)}`);
};

const keys = (count: number): string => `${count} ${count === 1 ? "key" : "keys"}`;

const signerRemedy =
  "write a line for each: EMAIL KEYTYPE KEY, as man ssh-keygen says under ALLOWED SIGNERS";

/** A quoted option may hold spaces. */
const signerLine =
  /^(?:"[^"]+"|\S+)\s+(?:(?:[a-z-]+(?:=(?:"[^"]*"|[^\s",]+))?)(?:,[a-z-]+(?:=(?:"[^"]*"|[^\s",]+))?)*\s+)?(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com)\s+[A-Za-z0-9+/]{40,}={0,2}(?:\s.*)?$/u;

const judgeKeyring = (file: string, bytes: Buffer): Effect.Effect<Finding> =>
  Effect.match(readKeyring(bytes), {
    onFailure: ({ message, remedy }) =>
      failedFinding(check, "input", `${file}: ${message}`, remedy ?? null),
    onSuccess: (keyring) =>
      keyring.keys.length === 0
        ? failedFinding(
            check,
            "input",
            `${file} holds no PGP public key`,
            "export the signers' public keys with `gpg --export --armor`",
          )
        : okFinding(check, `${file} names ${keys(keyring.keys.length)}`),
  });
