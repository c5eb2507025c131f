// A fleet of hosts in a process of its own, so that its work is not counted as that of who looks at it.

import { fork } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Scope from "effect/Scope";
import { clientFilesIn, writeClientFiles } from "@muster/testkit/hosts/client-files";
import {
  type HostFleet,
  type HostOptions,
  startEmulatedHosts,
  startRealHosts,
} from "@muster/testkit/hosts/index";
import { openWire } from "./delay.ts";

export interface FleetOptions {
  readonly peer: HostFleet["peer"];
  readonly hosts: number;
  /** How long it takes to hear from a host, in milliseconds; with nothing, no wire is in between. */
  readonly roundTripMillis: number;
}

export interface Fleet {
  /** Gone when the fleet is. */
  readonly folder: string;
  readonly sshConfig: string;
  readonly identity: string;
  readonly seeds: string;
  readonly user: string;
  readonly hosts: ReadonlyArray<{
    readonly name: string;
    readonly address: string;
    readonly port: number;
  }>;
}

/** Rejects when it ends before all hosts are up. */
export const startFleet = async (
  options: FleetOptions,
): Promise<Fleet & { readonly close: () => Promise<void> }> => {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)]);
  const fleet = await new Promise<Fleet>((resolve, reject) => {
    child.once("message", (message) => resolve(message as Fleet));
    child.once("exit", (code) => reject(new Error(`the fleet ended with ${code}`)));
  });
  return {
    ...fleet,
    close: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.disconnect();
      await ended;
    },
  };
};

/** Nine of ten have an override. */
const hostOf = (place: number): HostOptions => ({
  role: "gecko_t_linux_talos",
  lastRun: { success: true, ts: "2026-11-25T10:00:00Z", git_sha: "0".repeat(40) },
  ...(place % 10 === 0 ? {} : { override: `puppet_branch = "test-${place}"\n`.repeat(5) }),
});

const serve = async ({ peer, hosts, roundTripMillis }: FleetOptions): Promise<void> => {
  const scope = Scope.makeUnsafe();
  const start = peer === "real" ? startRealHosts : startEmulatedHosts;
  const fleet = await Effect.runPromise(
    start({ hosts: Array.from({ length: hosts }, (_, place) => hostOf(place)) }).pipe(
      Scope.provide(scope),
    ),
  );
  const { folder, sshConfig, identity, seeds, user } = fleet;
  const near = fleet.hosts.map(({ name, address, port }) => ({ name, address, port }));
  const told: Fleet = { folder, sshConfig, identity, seeds, user, hosts: near };
  process.send?.(roundTripMillis === 0 ? told : await behindWires(fleet, roundTripMillis));
  // It must not outlive the benchmark, however that ends.
  process.once("disconnect", () => {
    void Effect.runPromise(Scope.close(scope, Exit.void)).then(() => process.exit(0));
  });
};

const behindWires = async (fleet: HostFleet, roundTripMillis: number): Promise<Fleet> => {
  const hosts = fleet.hosts.map(({ name, address, port, hostKey }) => ({
    ...{ name, port, hostKey, address: address.replace(/^127\.1\./u, "127.2.") },
  }));
  for (const [place, near] of hosts.entries()) {
    await openWire(near, fleet.hosts[place]!, roundTripMillis);
  }
  const folder = join(fleet.folder, "behind-wires");
  await mkdir(folder);
  const files = clientFilesIn(folder);
  const privateKey = await readFile(fleet.identity, "utf8");
  const publicKey = (await readFile(`${fleet.identity}.pub`, "utf8")).trim();
  await writeClientFiles(files, { user: fleet.user, privateKey, publicKey }, hosts);
  const { sshConfig, identity, seeds } = files;
  return { folder, sshConfig, identity, seeds, user: fleet.user, hosts };
};

const [text] = process.argv.slice(2);
if (process.send !== undefined && text !== undefined) {
  await serve(JSON.parse(text) as FleetOptions);
}
