// Holds that a session is refreshed while it lasts, read again when it is replaced, and told when it ended.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type { ProviderError } from "@muster/core/words/provider";
import { makeAccount, type OciSimulator } from "@muster/testkit/oci/index";
import { makeExpansion, makeWorld } from "./fleet.ts";
import { wall } from "./wall.ts";

const hour = 3_600_000;

const ready = Effect.gen(function* () {
  const { advance } = yield* wall;
  const { simulator, handler, configFile, folder } = yield* makeWorld();
  const tokenFile = join(folder, "token");
  const account = simulator.accounts[0]!;
  yield* Effect.promise(async () => {
    const text = await readFile(configFile, "utf8");
    const lines = text.split("\n").filter((line) => !line.startsWith("user="));
    await writeFile(configFile, `${lines.join("\n")}security_token_file=${tokenFile}\n`);
    await writeFile(tokenFile, simulator.tokens.signIn(account));
  });
  const look = handler.look(makeExpansion(), "ocid1.instance.oc1.phx.x").pipe(
    Effect.match({
      onFailure: (error: ProviderError) => error,
      onSuccess: () => "seen" as const,
    }),
  );
  return { advance, simulator, account, folder, tokenFile, look };
});

const refreshes = (simulator: OciSimulator): ReadonlyArray<number> =>
  simulator
    .requests()
    .flatMap(({ operation, status }) => (operation === "RefreshToken" ? [status] : []));

const refused = (simulator: OciSimulator): number =>
  simulator.requests().filter(({ signatureFailure }) => signatureFailure !== undefined).length;

describe("a session", () => {
  it.effect("is refreshed in its last minutes, and outlives the token in the file", () =>
    Effect.gen(function* () {
      const { advance, simulator, look } = yield* ready;
      assert.strictEqual(yield* look, "seen");
      advance(hour - 6 * 60_000);
      assert.strictEqual(yield* look, "seen");
      assert.deepStrictEqual(refreshes(simulator), []);
      advance(2 * 60_000);
      assert.strictEqual(yield* look, "seen");
      assert.deepStrictEqual(refreshes(simulator), [200]);
      advance(30 * 60_000);
      assert.strictEqual(yield* look, "seen");
      assert.deepStrictEqual(refreshes(simulator), [200]);
      assert.strictEqual(refused(simulator), 0);
    }),
  );

  it.effect("that may not be refreshed works to its end, and then says how to sign in", () =>
    Effect.gen(function* () {
      const { advance, simulator, look, tokenFile } = yield* ready;
      yield* look;
      simulator.tokens.allow(false);
      advance(hour - 60_000);
      assert.strictEqual(yield* look, "seen");
      assert.deepStrictEqual(refreshes(simulator), [401]);
      advance(61_000);
      const error = yield* look;
      assert.notStrictEqual(error, "seen");
      if (error === "seen") return;
      assert.strictEqual(error.reason, "Denied");
      assert.include(error.message, "the session ended at");
      assert.include(error.message, tokenFile);
      assert.include(error.remedy ?? "", "oci session authenticate");
      // What ended is not sent anywhere.
      assert.deepStrictEqual(refreshes(simulator), [401]);
      assert.strictEqual(refused(simulator), 0);
    }),
  );

  it.effect("is read again, with its key, when somebody signed in anew", () =>
    Effect.gen(function* () {
      const { advance, simulator, account, look, folder, tokenFile } = yield* ready;
      yield* look;
      advance(2 * hour);
      assert.notStrictEqual(yield* look, "seen");
      const anew = yield* Effect.promise(() => makeAccount());
      const { tenancyId, userId } = account;
      yield* Effect.promise(async () => {
        await writeFile(join(folder, "key.pem"), anew.privateKeyPem);
        await writeFile(
          tokenFile,
          simulator.tokens.signIn({ tenancyId, userId, publicKey: anew.publicKey }),
        );
        const config = await readFile(join(folder, "config"), "utf8");
        const text = config.replace(/fingerprint=.*/, `fingerprint=${anew.fingerprint}`);
        await writeFile(join(folder, "config"), text);
      });
      assert.strictEqual(yield* look, "seen");
    }),
  );

  it.effect("is read again while its connection is open", () =>
    Effect.gen(function* () {
      const { simulator, account, look, folder, tokenFile } = yield* ready;
      assert.strictEqual(yield* look, "seen");
      const anew = yield* Effect.promise(() => makeAccount());
      const { tenancyId, userId } = account;
      const token = simulator.tokens.signIn({ tenancyId, userId, publicKey: anew.publicKey });
      // Between the two files nobody can sign; nothing is sent with what does not belong together.
      yield* Effect.promise(() => writeFile(tokenFile, token));
      const between = yield* look;
      assert.include(JSON.stringify(between), "another key");
      assert.strictEqual(refused(simulator), 0);
      yield* Effect.promise(async () => {
        await writeFile(join(folder, "key.pem"), anew.privateKeyPem);
        const config = await readFile(join(folder, "config"), "utf8");
        const text = config.replace(/fingerprint=.*/, `fingerprint=${anew.fingerprint}`);
        await writeFile(join(folder, "config"), text);
      });
      assert.strictEqual(yield* look, "seen");
      assert.strictEqual(refused(simulator), 0);
    }),
  );

  it.effect(
    "that is refused before its end is sent once, and taken anew when somebody signed in",
    () =>
      Effect.gen(function* () {
        const { simulator, account, look, tokenFile } = yield* ready;
        assert.strictEqual(yield* look, "seen");
        simulator.tokens.revoke();
        const error = yield* look;
        assert.notStrictEqual(error, "seen");
        if (error === "seen") return;
        assert.strictEqual(error.reason, "Denied");
        assert.include(error.remedy ?? "", "has a session expired");
        assert.strictEqual(refused(simulator), 1);
        yield* Effect.promise(() => writeFile(tokenFile, simulator.tokens.signIn(account)));
        assert.strictEqual(yield* look, "seen");
        assert.strictEqual(refused(simulator), 1);
      }),
  );
});
