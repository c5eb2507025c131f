// What a look at a host costs, in counts of the hosts' own journals: connections, logins, commands, bytes.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeMemoryStore, Store } from "@muster/core";
import { type LookScope, refresh } from "@muster/core/inventory/refresh";
import { layerProber } from "@muster/provider-ssh";
import { probeCommand } from "@muster/provider-ssh/probe-script";
import { type HostFleet, type HostOptions } from "@muster/testkit/hosts/index";
import { peers } from "@muster/testkit/hosts/peers";

const hostsOf = (count: number): ReadonlyArray<HostOptions> =>
  Array.from({ length: count }, (_, place) => ({
    role: "gecko_t_linux_talos",
    lastRun: { success: true },
    ...(place % 2 === 0 ? {} : { override: `branch = "test-${place}"\n` }),
  }));

/** Looks at all hosts, pass after pass, by one prober; `after` is told when each pass has ended. */
const lookAt = (
  { sshConfig, hosts }: Pick<HostFleet, "sshConfig" | "hosts">,
  scopes: ReadonlyArray<LookScope>,
  after: (pass: number) => Effect.Effect<void>,
) =>
  Effect.gen(function* () {
    for (const [pass, scope] of scopes.entries()) {
      const seen = yield* refresh(
        hosts.map(({ name }) => ({ host: name })),
        { scope },
      );
      assert.deepStrictEqual([seen.answered, seen.silent.size], [hosts.length, 0]);
      yield* after(pass);
    }
  }).pipe(
    Effect.provideService(Store, makeMemoryStore()),
    Effect.provide(layerProber({ configFile: sshConfig })),
  );

/** What a client may send for one look beside the script, keys and padding included. */
const mostBytes = { first: 2_048, again: 512 };

describe("a look at a host", () => {
  for (const { name, missing, start } of peers) {
    it.live.skipIf(missing)(`costs one connection, one login and one command, on ${name}`, () =>
      Effect.gen(function* () {
        const fleet = yield* start({ hosts: hostsOf(8) });
        let before = 0;
        yield* lookAt(fleet, ["full", "full", "fast"], (pass) =>
          Effect.gen(function* () {
            let most = 0;
            for (const host of fleet.hosts) {
              const { connections, open, authAttempts, execs, bytes } = yield* host.counts;
              assert.deepStrictEqual(
                { name: host.name, connections, open, authAttempts, execs },
                { name: host.name, connections: 1, open: 1, authAttempts: 1, execs: pass + 1 },
              );
              most = Math.max(most, bytes?.incoming ?? 0);
            }
            const { first, again } = mostBytes;
            assert.isAtMost(most - before - probeCommand.length, pass === 0 ? first : again);
            before = most;
          }),
        );
        for (const host of fleet.hosts) yield* host.idle;
      }).pipe(Effect.scoped),
    );

    it.live.skipIf(missing)(
      `goes through one connection to what stands before it, on ${name}`,
      () =>
        Effect.gen(function* () {
          const fleet = yield* start({ hosts: [{ name: "bastion" }, ...hostsOf(12)] });
          const [bastion, ...hosts] = fleet.hosts;
          const sshConfig = join(fleet.folder, "through");
          writeFileSync(
            sshConfig,
            `Host * !bastion\n  ProxyJump bastion\n${readFileSync(fleet.sshConfig, "utf8")}`,
          );
          yield* lookAt({ sshConfig, hosts }, ["full", "full"], (pass) =>
            Effect.gen(function* () {
              assert.deepInclude(yield* bastion!.counts, { connections: 1, open: 1, execs: 0 });
              for (const host of hosts) {
                assert.deepInclude(yield* host.counts, { connections: 1, execs: pass + 1 });
              }
            }),
          );
        }).pipe(Effect.scoped),
    );
  }
});
