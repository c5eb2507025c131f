// Emulated hosts in a process of their own, so that what a client holds is the client's; tells where they are.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startEmulatedHosts } from "@muster/testkit/hosts/index";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";

export interface Hosts {
  /** One seed a line, each an address of the loopback. */
  readonly seeds: ReadonlyArray<string>;
  /** One block for all of them, as operators write for hosts that are alike. */
  readonly sshConfig: string;
}

const overrideOf = (place: number): string => `PUPPET_BRANCH=feature-${place % 7}\n`;

const scope = Scope.makeUnsafe();
const fleet = await Effect.runPromise(
  Scope.provide(
    startEmulatedHosts({
      hosts: Array.from({ length: Number(process.argv[2]) }, (_, place) => ({
        role: place % 3 === 0 ? "gecko_t_linux_talos" : "gecko_t_linux_perf",
        ...(place % 10 === 0 ? { override: overrideOf(place) } : {}),
        lastRun: { success: place % 50 !== 0, ts: 1_777_600_000, git_sha: "c".repeat(40) },
      })),
    }),
    scope,
  ),
);

const sshConfig = join(fleet.folder, "one_block");
writeFileSync(
  sshConfig,
  [
    "Host *",
    `  Port ${fleet.hosts[0]!.port}`,
    `  User ${fleet.user}`,
    `  IdentityFile ${fleet.identity}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${fleet.knownHosts}`,
    "  GlobalKnownHostsFile /dev/null",
    "",
  ].join("\n"),
);

process.once("message", () => {
  void Effect.runPromise(Scope.close(scope, Exit.void)).then(() => process.exit(0));
});
const hosts: Hosts = { seeds: fleet.hosts.map(({ address }) => address), sshConfig };
process.send?.(hosts);
