// Holds that the SDK neither prints, nor ends the process, nor is loaded before it is needed.

import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeAccount, startOciSimulator, writeAccount } from "@muster/testkit/oci/index";
import { makeFolder } from "./fleet.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const child = fileURLToPath(new URL("./child.ts", import.meta.url));

const run = (...args: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    execFile(
      process.execPath,
      ["--conditions=muster-source", child, ...args],
      { timeout: 25_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code ?? -1);
        resume(Effect.succeed({ code, stdout, stderr }));
      },
    );
  });

describe("the SDK", () => {
  it.effect("prints nothing, whatever fails", () =>
    Effect.gen(function* () {
      const account = yield* Effect.promise(() => makeAccount());
      const simulator = yield* startOciSimulator({
        accounts: [account],
        faults: [
          { operation: "GetInstance", nth: 1, answer: "drop" },
          {
            operation: "GetInstance",
            answer: { status: 500, code: "InternalServerError", message: "broken" },
          },
          { operation: "LaunchInstance", nth: 1, answer: "tear" },
          { operation: "LaunchInstance", nth: 2, answer: { hangMs: 60_000 } },
          {
            operation: "LaunchInstance",
            nth: 3,
            answer: { status: 429, code: "TooManyRequests", message: "slow" },
          },
          {
            operation: "TerminateInstance",
            answer: { status: 401, code: "NotAuthenticated", message: "no" },
          },
          { operation: "ListInstances", answer: "cut" },
        ],
      });
      const folder = yield* makeFolder;
      const { configFile } = yield* Effect.promise(() => writeAccount(folder, account));
      const ended = yield* run("calls", simulator.endpoint, configFile);
      assert.strictEqual(ended.stderr, "");
      const { ends, complete } = JSON.parse(ended.stdout) as Record<string, unknown>;
      assert.deepStrictEqual(ends, [
        "Unreachable",
        "Unreachable",
        "Denied",
        "Unreachable",
        "Unreachable",
        "Denied",
        "Unreachable",
        "Throttled",
        "Denied",
      ]);
      assert.isFalse(complete);
      assert.strictEqual(ended.code, 0);
      // Each was sent once: nothing retries behind our back.
      const sent = simulator.requests().map(({ operation }) => operation);
      assert.strictEqual(sent.length, 10);
    }),
  );

  it.effect("does not end the process on a wrong pass phrase, and nobody tells the phrase", () =>
    Effect.gen(function* () {
      const folder = yield* makeFolder;
      const account = yield* Effect.promise(() => makeAccount({ passPhrase: "right-4471" }));
      const { configFile } = yield* Effect.promise(() => writeAccount(folder, account));
      yield* Effect.promise(async () => {
        const text = await readFile(configFile, "utf8");
        await writeFile(configFile, text.replace("right-4471", "wrong-9902"));
      });
      const ended = yield* run("calls", "http://127.0.0.1:1", configFile);
      assert.strictEqual(ended.code, 0);
      assert.strictEqual(ended.stderr, "");
      const { ends, error } = JSON.parse(ended.stdout) as {
        readonly ends: ReadonlyArray<string>;
        readonly error: { readonly message: string };
      };
      assert.isTrue(ends.every((end) => end === "Denied"));
      assert.include(error.message, "does not open");
      assert.notInclude(ended.stdout, "wrong-9902");
      assert.notInclude(ended.stdout, "right-4471");
    }),
  );

  it.effect("is not loaded by the plugin nor by its handler until the first call", () =>
    Effect.gen(function* () {
      const ended = yield* run("load", "http://127.0.0.1:1", "/nowhere/config");
      assert.strictEqual(ended.stdout, JSON.stringify({ loaded: false }));
    }),
  );
});
