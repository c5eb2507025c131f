// Runs in a process of its own: whatever the SDK prints or breaks shows there and nowhere else.

import { createRequire } from "node:module";
import * as Effect from "effect/Effect";
import type { ProviderError } from "@muster/core/words/provider";
import { oci } from "../src/plugin.ts";
import { createRequest, makeExpansion } from "./fleet.ts";

const [what, endpoint, configFile] = process.argv.slice(2);

const loaded = (): boolean =>
  Object.keys(createRequire(import.meta.url).cache).some((file) =>
    /\/oci-(core|common)\//.test(file),
  );

const program = Effect.gen(function* () {
  const env = { OCI_CLI_CONFIG_FILE: configFile, HOME: "/nowhere" };
  const handler = yield* oci({
    endpoint: endpoint!,
    env,
    timeoutMillis: 2_000,
    allowDocumentCredentials: true,
  }).handler("oci.instances");
  const expansion = makeExpansion();
  if (what === "load") return { loaded: loaded() };
  const calls: ReadonlyArray<Effect.Effect<unknown, ProviderError>> = [
    handler.look(expansion, "ocid1.instance.oc1..x"),
    handler.create(createRequest(expansion)),
    handler.remove({ expansion, id: "ocid1.instance.oc1..x", version: null }),
  ];
  const ends = yield* Effect.forEach([...calls, ...calls, ...calls], (call) =>
    Effect.match(call, { onFailure: (error) => error.reason, onSuccess: () => "done" }),
  );
  const [seen] = yield* handler.observe([{ expansion, known: [] }]);
  return { ends, complete: seen?.complete, error: seen?.complete === false ? seen.error : null };
});

process.stdout.write(JSON.stringify(await Effect.runPromise(Effect.scoped(program))));
