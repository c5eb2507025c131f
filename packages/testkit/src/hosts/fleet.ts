// Starts and stops a fleet of hosts, whichever server stands behind their gates.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { addressOf, maxAddresses } from "./addresses.ts";
import { clientFilesIn, writeClientFiles, writeKnownHosts } from "./client-files.ts";
import { openGate, type Gate } from "./gate.ts";
import {
  asFleetError,
  HostFleetError,
  type HostFleet,
  type HostFleetOptions,
  type HostOptions,
  type SimulatedHost,
} from "./host-fleet.ts";
import type { HostPeer, HostServer } from "./host-server.ts";
import { makeHostState, type HostState } from "./host-state.ts";
import { makeKeyPair } from "./keys.ts";
import { makeHost, type HeldHost } from "./simulated-host.ts";

/** Starts a fleet that ends with the scope and leaves nothing behind. */
export const startFleet = (
  peer: HostPeer,
  options: HostFleetOptions,
): Effect.Effect<HostFleet, HostFleetError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.tryPromise({ try: () => openFleet(peer, options), catch: asFleetError }),
      ({ close }) => Effect.promise(close),
    ),
    ({ fleet }) => fleet,
  );

interface OpenFleet {
  readonly fleet: HostFleet;
  readonly close: () => Promise<void>;
}

const openFleet = async (peer: HostPeer, options: HostFleetOptions): Promise<OpenFleet> => {
  const states = statesOf(peer, options.hosts);
  const folder = await mkdtemp(join(tmpdir(), "muster-hosts-"));
  const servers: HostServer[] = [];
  const hosts: HeldHost[] = [];
  const gates: Gate[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(hosts.map(({ stop }) => stop()));
    await Promise.all(gates.map((gate) => gate.close()));
    await Promise.all(servers.map((server) => server.close()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const client = makeKeyPair();
    const wishes = states.map(() => ({ act: (): void => undefined }));
    await inTurn(states, async (state, place) => {
      const site = {
        state,
        folder: join(folder, "hosts", state.name),
        clientKey: client.publicKey,
      };
      servers[place] = await peer.start(site, () => wishes[place]!.act());
    });
    await openGates(peer, options.port ?? 0, states, servers, gates);
    const files = clientFilesIn(folder);
    const known = (): readonly SimulatedHost[] =>
      hosts.filter((_, place) => states[place]?.fault?.name !== "unknown-host-key");
    for (const [place, state] of states.entries()) {
      const host = makeHost({
        state,
        address: placeOf(peer, place),
        gate: gates[place]!,
        server: servers[place]!,
        knownChanged: () => writeKnownHosts(files, known()),
      });
      wishes[place]!.act = () => Effect.runFork(host.obey);
      hosts.push(host);
    }
    await writeClientFiles(files, { user: peer.user, ...client }, hosts);
    const byName = new Map(hosts.map((host) => [host.name, host]));
    const host = (name: string): SimulatedHost => {
      const found = byName.get(name);
      if (found === undefined) throw new Error(`no host is called ${name}`);
      return found;
    };
    return { fleet: { peer: peer.name, folder, ...files, user: peer.user, hosts, host }, close };
  } catch (error) {
    await close();
    throw error;
  }
};

const namePattern = /^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/u;

const statesOf = (peer: HostPeer, asked: HostFleetOptions["hosts"]): readonly HostState[] => {
  const all: readonly HostOptions[] =
    typeof asked === "number" ? Array.from({ length: asked }, () => ({})) : asked;
  if (all.length < 1 || all.length > Math.min(peer.most, maxAddresses)) {
    throw senseless(`${all.length} hosts were asked for`, `ask for 1 to ${peer.most}`);
  }
  const names = all.map(({ name }, place) => name ?? `host-${String(place + 1).padStart(4, "0")}`);
  const wrong = names.find((name, place) => !namePattern.test(name) || names.indexOf(name) < place);
  if (wrong !== undefined) {
    throw senseless(`${wrong} is no name, or that of two hosts`, "give each a name of its own");
  }
  for (const path of all.flatMap(({ files }) => Object.keys(files ?? {}))) {
    if (!path.startsWith("/etc/") || path.split("/").includes("..")) {
      throw senseless(`${path} does not lie below /etc`, "name files below /etc");
    }
  }
  return all.map((options, place) => makeHostState(names[place]!, options));
};

const senseless = (message: string, remedy: string): HostFleetError =>
  new HostFleetError({ reason: "options", message, remedy });

/** How many hosts start at the same time. */
const atOnce = 4;

const inTurn = async <A>(
  all: readonly A[],
  each: (one: A, place: number) => Promise<void>,
): Promise<void> => {
  const left = [...all.entries()].toReversed();
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      await each(next[1], next[0]);
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, worker));
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined) throw failed.reason;
};

const placeOf = (peer: HostPeer, place: number): string =>
  peer.ownAddresses ? addressOf(place) : "127.0.0.1";

/** One port for all where each has an address; where another program has it somewhere, another one. */
const openGates = async (
  peer: HostPeer,
  asked: number,
  states: readonly HostState[],
  servers: readonly HostServer[],
  gates: Gate[],
): Promise<void> => {
  for (let tries = 1; ; tries += 1) {
    try {
      for (const [place, state] of states.entries()) {
        const next = asked === 0 ? 0 : asked + place;
        gates[place] = await openGate({
          address: placeOf(peer, place),
          port: peer.ownAddresses ? (gates[0]?.port ?? asked) : next,
          tally: state.tally,
          untouched: peer.untouched,
          serve: servers[place]!.serve,
        });
      }
      return;
    } catch (error) {
      await Promise.all(gates.splice(0).map((gate) => gate.close()));
      const taken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
      if (taken && asked === 0 && tries < 5) continue;
      throw new HostFleetError({
        reason: "address",
        message: `A host cannot listen: ${(error as Error).message}`,
        remedy: taken
          ? "choose another port, or 0 for any that is free"
          : "ask for fewer hosts, or raise the limit of open files (ulimit -n)",
      });
    }
  }
};
