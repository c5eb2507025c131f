// A runner that keeps a population of its repository, and looks at its hosts over SSH while it goes on.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { startEmulatedHosts } from "@muster/testkit/hosts/index";
import { startTaskcluster } from "@muster/testkit/taskcluster/index";
import { paceOf } from "../../src/inventory/watch.ts";
import { openRepository } from "../repository.ts";
import { inWorld } from "../world.ts";

const names = ["t-1", "t-2", "t-3"];

const document = (seeds: ReadonlyArray<string>): string =>
  `apiVersion: fleet.v1\nkind: Population\nmetadata:\n  name: talos\nspec:\n  taskcluster: { provisioner: releng, workerType: talos }\n  seeds: ${JSON.stringify(seeds)}\n`;

describe("muster run with hosts to look at", () => {
  it("looks as often as the configuration says, and not at all when it says nothing", () => {
    expect(paceOf({})).toBeNull();
    expect(paceOf({ hosts: {} })).toBeNull();
    expect(paceOf({ hosts: { refresh: {} } })).toEqual({
      fastMillis: 300_000,
      fullMillis: 3_600_000,
    });
    expect(paceOf({ hosts: { refresh: { fastSeconds: 60, fullSeconds: 600 } } })).toEqual({
      fastMillis: 60_000,
      fullMillis: 600_000,
    });
  });

  it(
    "makes hosts of a document's seeds, looks at them, tells it, and ends in order",
    inWorld((world) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const fleet = yield* startEmulatedHosts({
              hosts: names.map((name) => ({ name, role: "talos" })),
            });
            const hosts = fleet.hosts.map(({ name }) => name);
            yield* fleet.host(hosts[2]!).strike("refuse");
            const taskcluster = yield* startTaskcluster({
              workers: [{ provisionerId: "releng", workerType: "talos", workerId: "T-1" }],
            });
            yield* Effect.promise(async () => {
              const repository = await openRepository(world);
              await repository.commit({ "talos.yaml": document(hosts) });
              const config = await world.write(
                "config.mjs",
                "export default { hosts: { refresh: { fastSeconds: 30 } } };\n",
              );
              const env = { MUSTER_SSH_CONFIG: fleet.sshConfig, ...taskcluster.env };
              await world.muster(["run", "--repo", repository.url, "--once"], { env });
              const started = world.start(
                [
                  ...["run", "--repo", repository.url, "--interval", "1h"],
                  ...["--config", config, "--log-format", "json"],
                ],
                { env },
              );
              await started.until("2 hosts answered, 1 refused");
              started.process.kill("SIGTERM");
              const ran = await started.ended;
              expect(ran.code, ran.stderr).toBe(0);
              expect(ran.stderr).toContain('"hosts.looked-at"');
              const listed = await world.inside(["host", "list", "-o", "json"]);
              const { hosts: seen } = JSON.parse(listed.stdout) as {
                hosts: ReadonlyArray<{ address: { host: string }; lastSeen: string | null }>;
              };
              expect(seen.map(({ address }) => address.host)).toEqual(hosts);
              const shown = await world.inside(["host", "list", "--filter", "role:talos"]);
              expect(shown.stdout).toContain(hosts[0]!);
              expect(shown.stdout).not.toContain(hosts[2]!);
              const workers = await world.inside(["host", "list", "--filter", "tc.worker:T-1"]);
              expect(workers.stdout).toContain("1 of 3 hosts");
            });
          }),
        ),
      ),
    ),
  );
});
