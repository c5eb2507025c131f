// Holds what the plugin brings and which settings it refuses.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { oci } from "../src/plugin.ts";
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
