// Holds when a session can still sign.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { providerErrorOf, readFailure } from "../src/errors.ts";
import { endOfToken, readSessionToken } from "../src/session.ts";
import { makeFolder } from "./fleet.ts";

const tokenUntil = (exp: unknown): string =>
  `h.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.s`;

describe("a session token", () => {
  it("ends when it says so", () => {
    assert.strictEqual(endOfToken(tokenUntil(100)), 100_000);
    for (const text of ["", "a.b", "a.%%.c", tokenUntil("soon")]) {
      assert.isUndefined(endOfToken(text));
    }
  });

  it.effect("is read while it lasts, and refused with a remedy afterwards", () =>
    Effect.gen(function* () {
      const file = join(yield* makeFolder, "token");
      yield* Effect.promise(() => writeFile(file, `${tokenUntil(100)}\n`));
      const read = (path: string, now: number) =>
        Effect.tryPromise({ try: () => readSessionToken(path, now), catch: readFailure });
      assert.strictEqual(yield* read(file, 99_999), tokenUntil(100));
      for (const failing of [read(file, 100_000), read(`${file}.absent`, 0)]) {
        const failure = yield* Effect.flip(failing);
        const context = { operation: "GetInstance", region: "r-1", account: "a" };
        const error = providerErrorOf(context, failure);
        assert.strictEqual(error.reason, "Denied");
        assert.include(error.remedy ?? "", "oci session");
      }
    }),
  );
});
