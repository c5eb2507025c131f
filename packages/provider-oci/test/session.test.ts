// Holds when a session can still sign, and that it is read again when it is replaced.

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import { providerErrorOf, readFailure } from "../src/errors.ts";
import { endedAt, endOfToken, isKeyOf, makeSessionReader } from "../src/session.ts";
import type { SigningPair } from "../src/signing.ts";
import { makeFolder } from "./fleet.ts";

const tokenOf = (claims: object): string =>
  `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;

const makeKey = (): KeyObject => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;

const pemOf = (key: KeyObject, passPhrase?: string): string =>
  key.export({
    type: "pkcs8",
    format: "pem",
    ...(passPhrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase: passPhrase }),
  }) as string;

const jwkOf = (key: KeyObject): string => JSON.stringify(key.export({ format: "jwk" }));

describe("a session token", () => {
  it("ends when it says so", () => {
    assert.strictEqual(endOfToken(tokenOf({ exp: 100 })), 100_000);
    for (const text of ["", "a.b", "a.%%.c", "a.bnVsbA.c", tokenOf({ exp: "soon" })]) {
      assert.isUndefined(endOfToken(text));
    }
  });

  it("belongs to the key that it names, and to any when it names none", () => {
    const [mine, other] = [makeKey(), makeKey()];
    for (const jwk of [jwkOf(mine), JSON.parse(jwkOf(mine)) as unknown]) {
      assert.isTrue(isKeyOf(tokenOf({ jwk }), pemOf(mine)));
      assert.isFalse(isKeyOf(tokenOf({ jwk }), pemOf(other)));
    }
    for (const claims of [{}, { jwk: "no key" }, { jwk: null }]) {
      assert.isTrue(isKeyOf(tokenOf(claims), pemOf(other)));
    }
  });
});

describe("the files of a session", () => {
  const ready = Effect.gen(function* () {
    const folder = yield* makeFolder;
    const files = { tokenFile: join(folder, "token"), keyFile: join(folder, "key.pem") };
    const write = (token: string, pem: string) =>
      Effect.promise(async () => {
        await writeFile(files.tokenFile, `${token}\n`);
        await writeFile(files.keyFile, pem);
      });
    const reader = makeSessionReader({ ...files, passPhrase: Redacted.make("phrase") });
    const read = (held: SigningPair | null) =>
      Effect.tryPromise({ try: () => reader(held), catch: readFailure });
    return { ...files, write, read };
  });

  it.effect("are read again, token and key, when the token is another one", () =>
    Effect.gen(function* () {
      const { write, read } = yield* ready;
      const [first, second] = [makeKey(), makeKey()];
      yield* write(tokenOf({ exp: 100, jwk: jwkOf(first) }), pemOf(first, "phrase"));
      const held = yield* read(null);
      assert.strictEqual(held.keyId, `ST$${tokenOf({ exp: 100, jwk: jwkOf(first) })}`);
      assert.strictEqual(held.endsAt, 100_000);
      // What was renewed in the meantime stays while the file says nothing new.
      const renewed = { ...held, keyId: "ST$renewed" };
      assert.strictEqual(yield* read(renewed), renewed);
      yield* write(tokenOf({ exp: 200, jwk: jwkOf(second) }), pemOf(second, "phrase"));
      const replaced = yield* read(renewed);
      assert.strictEqual(replaced.endsAt, 200_000);
      assert.notStrictEqual(replaced.privateKey, held.privateKey);
    }),
  );

  it.effect("are told with a remedy, and without a secret, when they cannot sign", () =>
    Effect.gen(function* () {
      const { write, read, keyFile, tokenFile } = yield* ready;
      const [mine, other] = [makeKey(), makeKey()];
      const token = tokenOf({ exp: 100, jwk: jwkOf(mine) });
      const said: Array<string> = [];
      const fails = Effect.gen(function* () {
        const failure = yield* Effect.flip(read(null));
        const context = { operation: "GetInstance", region: "r-1", account: "a" };
        const error = providerErrorOf(context, failure);
        assert.strictEqual(error.reason, "Denied");
        assert.include(error.remedy ?? "", "oci session authenticate");
        assert.notInclude(JSON.stringify(error), token);
        assert.notInclude(JSON.stringify(error), "PRIVATE KEY");
        said.push(error.message);
      });
      yield* fails;
      yield* write("no token", pemOf(mine));
      yield* fails;
      yield* write(token, pemOf(other));
      yield* fails;
      yield* write(token, pemOf(mine, "another phrase"));
      yield* fails;
      yield* Effect.promise(() => rm(keyFile));
      yield* fails;
      const reasons = [
        "cannot be read",
        "no token",
        "another key",
        "does not open",
        "cannot be read",
      ];
      for (const [index, reason] of reasons.entries()) assert.include(said[index] ?? "", reason);
      assert.include(said[0] ?? "", tokenFile);
      assert.include(endedAt(100_000, tokenFile).message, "1970-01-01T00:01:40.000Z");
    }),
  );
});
