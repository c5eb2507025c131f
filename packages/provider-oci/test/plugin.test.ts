// Holds what the plugin brings and which settings it refuses.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { quote } from "@muster/core/words/quote";
import { oci, type OciOptions } from "../src/plugin.ts";
import { makeExpansion, makeWorld, observeOne } from "./fleet.ts";

describe("the plugin", () => {
  it("brings FleetConfig and its resource", () => {
    const plugin = oci({ env: {} });
    assert.deepStrictEqual(
      plugin.kinds.map(({ name }) => name),
      ["FleetConfig"],
    );
    assert.deepStrictEqual(plugin.resources, ["oci.instances"]);
  });

  it.effect("refuses addresses that requests must not go to, and resources that it has not", () =>
    Effect.gen(function* () {
      const far = { env: { MUSTER_OCI_ENDPOINT: "http://example.com" } };
      const plain = yield* Effect.flip(oci(far).handler("oci.instances"));
      assert.strictEqual(plain.reason, "Denied");
      assert.include(plain.message, "MUSTER_OCI_ENDPOINT");
      const metadata = { env: { MUSTER_OCI_METADATA_URL: "http://10.0.0.1/" } };
      assert.strictEqual(
        (yield* Effect.flip(oci(metadata).handler("oci.instances"))).reason,
        "Denied",
      );
      const other = yield* Effect.flip(oci({ env: {} }).handler("oci.buckets"));
      assert.strictEqual(other.reason, "Denied");
    }),
  );

  it.effect(
    "hands on how closely running work is looked at, the option before the environment",
    () =>
      Effect.gen(function* () {
        const pollOf = (options: OciOptions) =>
          Effect.map(oci(options).handler("oci.instances"), ({ pollMillis }) => pollMillis);
        const env = { MUSTER_OCI_POLL: "200ms" };
        assert.strictEqual(yield* pollOf({ env }), 200);
        assert.strictEqual(yield* pollOf({ env, pollMillis: 50 }), 50);
        assert.strictEqual(yield* pollOf({ env: { MUSTER_OCI_POLL: "30s" } }), 30_000);
        assert.isUndefined(yield* pollOf({ env: {} }));
        assert.isUndefined(yield* pollOf({ env: { MUSTER_OCI_POLL: "" } }));
      }),
  );

  it.effect("refuses a pace that is none, and says what it read and what is usable", () =>
    Effect.gen(function* () {
      const refusal = (options: OciOptions) =>
        Effect.flip(oci(options).handler("oci.instances")).pipe(Effect.scoped);
      for (const text of ["200", "0ms", "49ms", "31s", "-1s", "1.5s", "soon", "\u001b[2J"]) {
        const { reason, message, remedy } = yield* refusal({ env: { MUSTER_OCI_POLL: text } });
        assert.strictEqual(reason, "Denied");
        assert.strictEqual(message, `MUSTER_OCI_POLL is ${quote(text)}`);
        assert.strictEqual(remedy, "use a duration from 50ms to 30s, such as 200ms");
      }
      for (const pollMillis of [0, 49, 30_001, Number.NaN, Number.POSITIVE_INFINITY]) {
        const { message, remedy } = yield* refusal({ env: {}, pollMillis });
        assert.strictEqual(message, `pollMillis is ${pollMillis}`);
        assert.strictEqual(remedy, "use a number of milliseconds from 50 to 30000");
      }
    }),
  );

  it.effect("takes its address from the environment", () =>
    Effect.gen(function* () {
      const { simulator, configFile } = yield* makeWorld();
      const env = { MUSTER_OCI_ENDPOINT: simulator.endpoint, OCI_CLI_CONFIG_FILE: configFile };
      const handler = yield* oci({ env, allowDocumentCredentials: true }).handler("oci.instances");
      assert.isTrue((yield* observeOne(handler, makeExpansion())).complete);
    }),
  );

  it.effect("lets documents name only what the operator lists", () =>
    Effect.gen(function* () {
      const listed = { name: "prod", profile: "DEFAULT" };
      const { simulator, handler } = yield* makeWorld(
        {},
        { allowDocumentCredentials: false, profiles: [listed] },
      );
      const observeAs = (auth: Record<string, string>) =>
        observeOne(handler, makeExpansion({ auth }));
      assert.isTrue((yield* observeAs({ profile: "prod" })).complete);
      const calls = simulator.requests().length;
      for (const auth of [{}, { profile: "DEFAULT" }, { profile: "prod", configFile: "~/x" }]) {
        const seen = yield* observeAs(auth);
        assert.isTrue(!seen.complete && seen.error.reason === "Denied");
      }
      assert.strictEqual(simulator.requests().length, calls);
    }),
  );
});
