// What the examination of OCI tells: files, keys, sessions, endpoint, clock and one real call; and never a secret.

import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import type { Finding } from "@muster/core/words/finding";
import { type OciSimulatorOptions, makeAccount } from "@muster/testkit/oci/index";
import { oci, type OciOptions } from "../src/plugin.ts";
import { makeExpansion, makeWorld } from "./fleet.ts";

const passPhrase = "hunter2-marker";

const ready = (simulated: OciSimulatorOptions = {}) =>
  Effect.gen(function* () {
    const account = yield* Effect.promise(() => makeAccount({ passPhrase }));
    const world = yield* makeWorld({ ...simulated, accounts: [account] });
    yield* TestClock.setTime(Date.now());
    const env = { OCI_CLI_CONFIG_FILE: world.configFile, HOME: world.folder };
    const examine = (
      options: OciOptions = {},
      auths: ReadonlyArray<object> = [{}],
      online = true,
    ) => {
      const plugin = oci({
        ...{ endpoint: world.simulator.endpoint, env, allowDocumentCredentials: true },
        ...options,
      });
      const expansions = auths.map((auth) => makeExpansion({ auth: { ...auth } }));
      return plugin.examine!({ expansions, online });
    };
    const edit = (change: (text: string) => string) =>
      Effect.promise(async () =>
        writeFile(world.configFile, change(await readFile(world.configFile, "utf8"))),
      );
    return { ...world, examine, edit };
  });

const verdictOf = (findings: ReadonlyArray<Finding>, check: string): string | undefined =>
  findings.find((finding) => finding.check.startsWith(check))?.verdict;

const failed = (findings: ReadonlyArray<Finding>): ReadonlyArray<Finding> =>
  findings.filter(({ verdict }) => verdict === "failed");

describe("the examination of OCI", () => {
  it.effect("is well when all is, looks at each account once, and changes nothing", () =>
    Effect.gen(function* () {
      const { examine, simulator } = yield* ready();
      const found = yield* examine({}, [{}, {}, { region: "us-phoenix-1" }]);
      assert.deepStrictEqual([...new Set(found.map(({ verdict }) => verdict))], ["ok"]);
      assert.strictEqual(found.filter(({ check }) => check.startsWith("call as")).length, 2);
      assert.match(found.find(({ check }) => check.startsWith("call"))!.message, /3 availability/);
      assert.deepStrictEqual(simulator.journal(), []);
      assert.isTrue(simulator.requests().every(({ method }) => method === "GET"));
    }),
  );

  it.effect("offline sends nothing, and says that it did not look", () =>
    Effect.gen(function* () {
      const { examine, simulator } = yield* ready();
      const found = yield* examine({}, [{}], false);
      assert.strictEqual(verdictOf(found, "call as"), "unknown");
      assert.strictEqual(verdictOf(found, "credentials"), "ok");
      assert.deepStrictEqual(simulator.requests(), []);
    }),
  );

  it.effect("tells a wrong pass phrase, a wrong fingerprint and loose files, and no secret", () =>
    Effect.gen(function* () {
      const { examine, edit, configFile, folder } = yield* ready();
      yield* Effect.promise(() => chmod(join(folder, "key.pem"), 0o640));
      const loose = yield* examine();
      const warned = loose.filter(({ verdict }) => verdict === "warning");
      assert.strictEqual(warned.length, 1);
      assert.strictEqual(warned[0]!.check, `permissions of ${join(folder, "key.pem")}`);
      assert.include(warned[0]!.remedy ?? "", "chmod 600");
      yield* edit((text) => text.replace(passPhrase, `${passPhrase}-wrong`));
      const wrong = yield* examine();
      assert.strictEqual(failed(wrong).length, 1);
      assert.include(failed(wrong)[0]!.message, "does not open with the profile's pass_phrase");
      assert.strictEqual(failed(wrong)[0]!.origin, "input");
      assert.strictEqual(verdictOf(wrong, "call as"), "unknown");
      yield* edit((text) =>
        text.replace(`${passPhrase}-wrong`, passPhrase).replace(/fingerprint=../, "fingerprint=zz"),
      );
      const other = yield* examine();
      assert.include(failed(other)[0]!.message, `${configFile}:3 says another`);
      for (const found of [loose, wrong, other]) {
        assert.notInclude(JSON.stringify(found), passPhrase);
        assert.notInclude(JSON.stringify(found), "PRIVATE KEY");
      }
    }),
  );

  it.effect("tells when a session ends, and that it ended", () =>
    Effect.gen(function* () {
      const { examine, edit, folder } = yield* ready();
      const file = join(folder, "token");
      yield* edit((text) => `${text}security_token_file=${file}\n`);
      const session = (seconds: number) =>
        Effect.gen(function* () {
          const exp = Math.floor(Date.now() / 1_000) + seconds;
          const claims = Buffer.from(JSON.stringify({ exp })).toString("base64url");
          yield* Effect.promise(() => writeFile(file, `h.${claims}.marker-s`, { mode: 0o600 }));
          const found = yield* examine({}, [{}], false);
          assert.notInclude(JSON.stringify(found), "marker-s");
          return verdictOf(found, "session of");
        });
      assert.strictEqual(yield* session(3_600), "ok");
      assert.strictEqual(yield* session(60), "warning");
      assert.strictEqual(yield* session(-60), "failed");
    }),
  );

  it.effect("tells an endpoint that is gone, and then knows no clock", () =>
    Effect.gen(function* () {
      const { examine } = yield* ready();
      const found = yield* examine({ endpoint: "http://127.0.0.1:9" });
      assert.strictEqual(verdictOf(found, "endpoint"), "failed");
      assert.strictEqual(verdictOf(found, "clock"), "unknown");
      assert.isTrue(failed(found).every(({ origin }) => origin === "infrastructure"));
      assert.deepStrictEqual(
        failed(found).filter(({ remedy }) => remedy === null),
        [],
      );
    }),
  );

  it.effect("tells a call that is refused, though the endpoint answers", () =>
    Effect.gen(function* () {
      const { examine, simulator } = yield* ready();
      const answer = { status: 404, code: "NotAuthorizedOrNotFound", message: "no" };
      simulator.faults.set([{ operation: "ListAvailabilityDomains", answer }]);
      const found = yield* examine();
      assert.strictEqual(verdictOf(found, "endpoint"), "ok");
      assert.deepStrictEqual(
        failed(found).map(({ check, origin }) => [check, origin]),
        [["call as profile DEFAULT", "input"]],
      );
    }),
  );

  it.effect("tells a clock that is off", () =>
    Effect.gen(function* () {
      const { examine } = yield* ready();
      yield* TestClock.setTime(Date.now() + 120_000);
      assert.strictEqual(verdictOf(yield* examine(), "clock"), "warning");
      yield* TestClock.setTime(Date.now() - 400_000);
      assert.strictEqual(verdictOf(yield* examine(), "clock"), "failed");
    }),
  );

  it.effect("tells what the operator does not let documents name, and when nobody is named", () =>
    Effect.gen(function* () {
      const { examine } = yield* ready();
      const runner = { allowDocumentCredentials: false };
      const found = yield* examine(runner);
      assert.strictEqual(failed(found).length, 1);
      assert.include(failed(found)[0]!.remedy ?? "", "--allow-profile DEFAULT");
      assert.strictEqual(verdictOf(yield* examine(runner, []), "credentials"), "unknown");
      const listed = { ...runner, profiles: [{ name: "DEFAULT" }] };
      assert.strictEqual(verdictOf(yield* examine(listed, []), "call as"), "ok");
    }),
  );

  it.effect("tells an address that requests must not go to", () =>
    Effect.gen(function* () {
      const { examine } = yield* ready();
      const found = yield* examine({ endpoint: "http://example.com" });
      assert.deepStrictEqual(
        found.map(({ check, verdict }) => [check, verdict]),
        [["oci configuration", "failed"]],
      );
    }),
  );
});
