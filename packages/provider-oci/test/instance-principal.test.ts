// Holds how muster acts as the machine that it runs on, and what it says where that is not OCI.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, describe, it, vi } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Handler, ProviderError } from "@muster/core/words/provider";
import {
  makeInstanceIdentity,
  startOciSimulator,
  virtualClock,
  type OciSimulator,
  type OciSimulatorOptions,
} from "@muster/testkit/oci/index";
import { oci, type OciOptions } from "../src/plugin.ts";
import { makeExpansion, observeOne } from "./fleet.ts";
import { wall } from "./wall.ts";

const identity = makeInstanceIdentity();
const expansion = makeExpansion({ count: 0, auth: { method: "instance" } });

const open = (
  endpoint: string,
  metadataUrl: string,
  options: OciOptions = {},
): Effect.Effect<Handler, ProviderError, Scope.Scope> =>
  oci({
    allowInstancePrincipal: true,
    endpoint,
    metadataUrl,
    federationUrl: endpoint,
    env: {},
    ...options,
  }).handler("oci.instances");

/** All that is written to the console in the meantime. */
const noise = Effect.acquireRelease(
  Effect.sync(() => {
    const said: Array<string> = [];
    const spies = (["log", "info", "warn", "error", "debug"] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...words) => {
        said.push(words.join(" "));
      }),
    );
    return { said, spies };
  }),
  ({ spies }) => Effect.sync(() => spies.forEach((spy) => spy.mockRestore())),
);

const ready = (options: OciSimulatorOptions = {}) =>
  Effect.gen(function* () {
    const { said } = yield* noise;
    const { advance } = yield* wall;
    const instance = yield* Effect.promise(() => identity);
    const simulator = yield* startOciSimulator({ clock: virtualClock(), instance, ...options });
    const handler = yield* open(simulator.endpoint, `${simulator.endpoint}/opc/v2`);
    /** Looks at so many instances at once, none of which is there. */
    const looks = (count: number): Effect.Effect<ReadonlyArray<string | ProviderError>> =>
      Effect.forEach(
        Array.from({ length: count }, (_, index) => `ocid1.instance.oc1.phx.${index}`),
        (id) => Effect.result(handler.look(expansion, id)),
        { concurrency: count },
      ).pipe(
        Effect.map((results) =>
          results.map((result) => (result._tag === "Success" ? "seen" : result.failure)),
        ),
      );
    return { simulator, handler, looks, advance, said };
  });

const asked = (simulator: OciSimulator, operation: string): number =>
  simulator.requests().filter((request) => request.operation === operation).length;

const refusedSignatures = (simulator: OciSimulator) =>
  simulator
    .requests()
    .flatMap(({ signatureFailure }) => (signatureFailure === undefined ? [] : signatureFailure));

describe("an instance principal", () => {
  it.effect("signs with one token, however many calls ask for it at once", () =>
    Effect.gen(function* () {
      const { simulator, handler, looks, said } = yield* ready();
      assert.deepStrictEqual(new Set(yield* looks(25)), new Set(["seen"]));
      assert.isTrue((yield* observeOne(handler, expansion)).complete);
      assert.strictEqual(simulator.tokens.issued(), 1);
      assert.deepStrictEqual(refusedSignatures(simulator), []);
      assert.deepStrictEqual(said, []);
    }),
  );

  it.effect("takes the addresses from the environment, too", () =>
    Effect.gen(function* () {
      const instance = yield* Effect.promise(() => identity);
      const { endpoint, tokens } = yield* startOciSimulator({ instance });
      const handler = yield* oci({
        allowInstancePrincipal: true,
        env: {
          MUSTER_OCI_ENDPOINT: endpoint,
          MUSTER_OCI_METADATA_URL: `${endpoint}/opc/v2/`,
          MUSTER_OCI_FEDERATION_URL: endpoint,
        },
      }).handler("oci.instances");
      assert.isTrue((yield* observeOne(handler, expansion)).complete);
      assert.strictEqual(tokens.issued(), 1);
    }),
  );

  it.effect("renews its token before that ends, once for all", () =>
    Effect.gen(function* () {
      const { simulator, looks, advance } = yield* ready({ tokenLifeSeconds: 600 });
      yield* looks(1);
      advance(299_000);
      yield* looks(5);
      assert.strictEqual(simulator.tokens.issued(), 1);
      advance(2_000);
      assert.deepStrictEqual(new Set(yield* looks(25)), new Set(["seen"]));
      assert.strictEqual(simulator.tokens.issued(), 2);
      assert.deepStrictEqual(refusedSignatures(simulator), []);
    }),
  );

  it.effect(
    "goes on with a token that lasts while no other is to be had, and asks again later",
    () =>
      Effect.gen(function* () {
        const { simulator, looks, advance, said } = yield* ready({ tokenLifeSeconds: 600 });
        yield* looks(1);
        simulator.tokens.allow(false);
        advance(301_000);
        assert.deepStrictEqual(new Set(yield* looks(25)), new Set(["seen"]));
        assert.deepStrictEqual(yield* looks(1), ["seen"]);
        assert.strictEqual(asked(simulator, "GetToken"), 2);
        advance(31_000);
        assert.deepStrictEqual(yield* looks(1), ["seen"]);
        assert.strictEqual(asked(simulator, "GetToken"), 3);
        advance(600_000);
        const [ended] = yield* looks(1);
        assert.include(JSON.stringify(ended), "no token for this instance");
        assert.strictEqual((ended as ProviderError).reason, "Denied");
        simulator.tokens.allow(true);
        assert.deepStrictEqual(yield* looks(1), ["seen"]);
        assert.deepStrictEqual(said, []);
      }),
  );

  it.effect("renews a token that is refused before its end, once for all", () =>
    Effect.gen(function* () {
      const { simulator, looks } = yield* ready();
      yield* looks(1);
      simulator.tokens.revoke();
      assert.deepStrictEqual(new Set(yield* looks(25)), new Set(["seen"]));
      assert.strictEqual(simulator.tokens.issued(), 2);
      assert.isTrue(refusedSignatures(simulator).every((why) => why === "token-unknown"));
    }),
  );

  it.effect("tells the refusal when there is no other token", () =>
    Effect.gen(function* () {
      const { simulator, looks, said } = yield* ready();
      yield* looks(1);
      simulator.tokens.revoke();
      simulator.tokens.allow(false);
      const before = simulator.requests().length;
      const [error] = yield* looks(1);
      assert.strictEqual((error as ProviderError).reason, "Denied");
      assert.match((error as ProviderError).message, /^401 NotAuthenticated/);
      // The call, the certificates' three files, the federation; and nothing is repeated.
      assert.strictEqual(simulator.requests().length - before, 5);
      assert.deepStrictEqual(said, []);
    }),
  );

  it.effect("is denied once and quietly when the federation refuses it", () =>
    Effect.gen(function* () {
      const { simulator, handler, said } = yield* ready();
      simulator.tokens.allow(false);
      const seen = yield* observeOne(handler, expansion);
      assert.isFalse(seen.complete);
      if (!seen.complete) assert.strictEqual(seen.error.reason, "Denied");
      assert.strictEqual(asked(simulator, "GetToken"), 1);
      assert.deepStrictEqual(said, []);
    }),
  );

  it.effect("needs a machine of OCI", () =>
    Effect.gen(function* () {
      for (const metadata of ["http://127.0.0.1:1/opc/v2/", "http://127.0.0.1:1"]) {
        const handler = yield* open("http://127.0.0.1:1", metadata);
        const seen = yield* observeOne(handler, expansion);
        assert.isFalse(seen.complete);
        if (seen.complete) return;
        assert.strictEqual(seen.error.reason, "Denied");
        assert.include(seen.error.remedy ?? "", "auth.method: user");
      }
    }),
  );

  it.effect("does not wait for ever for a metadata service", () =>
    Effect.gen(function* () {
      const silent = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const made = createServer(() => {});
          made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)));
        }),
        (opened) =>
          Effect.sync(() => {
            opened.closeAllConnections();
            opened.close();
          }),
      );
      const base = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
      const handler = yield* open(base, base, { timeoutMillis: 300 });
      const seen = yield* observeOne(handler, expansion);
      assert.isFalse(seen.complete);
      if (!seen.complete) assert.strictEqual(seen.error.reason, "Denied");
    }),
  );
});
