// Plans and applies a fleet inside an Effect program: the real OCI SDK, a simulated cloud, a store on disk.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oci } from "@muster/provider-oci";
import { apply, type Event, plan } from "@muster/sdk";
import { layerSqlite } from "@muster/store-sql";
import { startOciSimulator, throwawayAccount, writeAccount } from "@muster/testkit/oci/index";
import * as Console from "effect/Console";
import * as Effect from "effect/Effect";

const fleet = (cloud: { compartmentId: string; imageId: string; subnetId: string }) => ({
  kind: "FleetConfig",
  metadata: { name: "shop" },
  spec: {
    compartmentId: cloud.compartmentId,
    imageId: cloud.imageId,
    subnetId: cloud.subnetId,
    availabilityDomain: "AD-1",
    shape: "VM.Standard.E4.Flex",
    shapeConfig: { ocpus: 1 },
    scaling: {},
    auth: { method: "user", profile: "DEFAULT" },
    instances: [{ name: "web", count: 2 }],
  },
});

const program = Effect.fn("embed")(function* (folder: string) {
  const account = yield* Effect.promise(throwawayAccount);
  const cloud = yield* startOciSimulator({ accounts: [account], launchDelayMs: 100 });
  const { configFile } = yield* Effect.promise(() => writeAccount(folder, account));
  const turn = {
    plugins: [oci({ endpoint: cloud.endpoint, profiles: [{ name: "DEFAULT", configFile }] })],
    sources: [{ file: "shop.json", text: JSON.stringify(fleet(cloud)) }],
    owner: "embed",
    pace: { pollMillis: 50 },
    onEvent: (event: Event) =>
      event.type === "finished"
        ? Console.log(`${event.outcome.change.key}: ${event.outcome.result}`)
        : Effect.void,
  };
  const asked = yield* plan(turn);
  yield* Console.log(`planned ${asked.plans.flatMap(({ changes }) => changes).length} changes`);
  const report = yield* apply(turn);
  const members = report.statuses.flatMap((status) => status.members);
  yield* Console.log(`now ${members.map(({ name, phase }) => `${name} ${phase}`).join(", ")}`);
}, Effect.scoped);

const folder = mkdtempSync(join(tmpdir(), "muster-embed-"));
await Effect.runPromise(
  program(folder).pipe(Effect.provide(layerSqlite({ path: join(folder, "muster.db") }))),
).finally(() => rmSync(folder, { recursive: true }));
