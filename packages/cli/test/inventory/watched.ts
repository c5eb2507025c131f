// Keeps a fleet of hosts that speak SSH, emulated or real, and the commands that look at it in processes of their own.

import { readFileSync } from "node:fs";
import * as Effect from "effect/Effect";
import {
  type HostCounts,
  type HostFleet,
  type HostFleetOptions,
} from "@muster/testkit/hosts/index";
import type { StartHosts } from "@muster/testkit/hosts/peers";
import type { HostObservation, Sighting } from "@muster/core/words/host";
import { inWorld, type Ran, type World } from "../world.ts";

/** A fleet that is looked at. */
export interface Watched {
  readonly fleet: HostFleet;
  readonly world: World;
  /** The configuration that is gone by: the fleet's, behind what a test says first. */
  readonly config: string;
  /** A command of muster; its words may be given as one text. */
  readonly run: (
    words: string | ReadonlyArray<string>,
    env?: Readonly<Record<string, string>>,
  ) => Promise<Ran>;
  /** A refresh, and what it said of each host by its name. */
  readonly refresh: (
    words?: string,
    env?: Readonly<Record<string, string>>,
  ) => Promise<{ readonly ran: Ran; readonly looks: ReadonlyMap<string, HostObservation> }>;
  /** What is known of each host by its name. */
  readonly sightings: () => Promise<ReadonlyMap<string, Sighting>>;
  /** Newest first. */
  readonly history: (host: string) => Promise<ReadonlyArray<HostObservation>>;
  readonly counts: (host: string) => Promise<HostCounts>;
  /** Carries out what a host of the fleet can. */
  readonly act: <A, E>(effect: Effect.Effect<A, E>) => Promise<A>;
}

interface HostAsJson {
  readonly address: { readonly host: string };
  readonly sighting: Sighting;
}

/** A world whose seeds are a fleet's hosts; `settings` go before the fleet's own. */
export const watching = (
  start: StartHosts,
  options: HostFleetOptions & { readonly settings?: string },
  use: (watched: Watched) => Promise<void>,
) =>
  inWorld((world) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(start(options), (fleet) =>
          Effect.promise(async () => {
            const own = readFileSync(fleet.sshConfig, "utf8");
            const config = await world.write("ssh_config", `${options.settings ?? ""}\n${own}`);
            const watched = watch(fleet, world, config);
            await watched.run(["inventory", "seed", "sync", "--from-file", fleet.seeds]);
            await use(watched);
          }),
        ),
      ),
    ),
  );

const watch = (fleet: HostFleet, world: World, config: string): Watched => {
  const run: Watched["run"] = async (words, env = {}) => {
    const args = typeof words === "string" ? words.split(" ") : words;
    const ran = await world.muster(args, { env: { MUSTER_SSH_CONFIG: config, ...env } });
    // A defect of ours is no outcome of a host.
    if (ran.stderr.includes("internal error")) throw new Error(ran.stderr);
    return ran;
  };
  const jsonOf = async (words: string): Promise<unknown> =>
    JSON.parse((await run(`${words} -o json`)).stdout);
  return {
    ...{ fleet, world, config, run },
    refresh: async (words = "", env = {}) => {
      const ran = await run(`inventory refresh -o json ${words}`.trim(), env);
      const lines = ran.stdout.split("\n").filter((line) => line !== "");
      const looks = lines.map((line) => JSON.parse(line) as HostObservation);
      return { ran, looks: new Map(looks.map((look) => [look.host, look])) };
    },
    sightings: async () => {
      const { hosts } = (await jsonOf("host list")) as { hosts: ReadonlyArray<HostAsJson> };
      return new Map(hosts.map(({ address, sighting }) => [address.host, sighting]));
    },
    history: async (host) => (await jsonOf(`host history ${host}`)) as Array<HostObservation>,
    counts: (host) => Effect.runPromise(fleet.host(host).counts),
    act: (effect) => Effect.runPromise(effect),
  };
};
