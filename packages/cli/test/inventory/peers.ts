// The two sorts of simulated hosts under the commands of the inventory, with one world and one roll per test.

import * as Effect from "effect/Effect";
import {
  type HostFleet,
  type HostOptions,
  realHostsMissing,
  startEmulatedHosts,
  startRealHosts,
} from "@muster/testkit/hosts/index";
import { inWorld, type Ran, type World } from "../world.ts";

const isRealMissing = (): boolean => {
  const missing = realHostsMissing();
  if (missing === undefined) return false;
  if (process.env["CI"]) throw missing;
  console.warn(`SKIPPED: ${missing.message}: nothing is tried on a real sshd`);
  return true;
};

export const peers = [
  { name: "emulated hosts", missing: false, start: startEmulatedHosts },
  { name: "real sshd", missing: isRealMissing(), start: startRealHosts },
] as const;

export type Start = (typeof peers)[number]["start"];

export interface Stage {
  readonly world: World;
  readonly fleet: HostFleet;
  /** Runs one command, split at spaces, on these hosts and with this configuration. */
  readonly run: (command: string, config?: string) => Promise<Ran>;
  /** The same environment for processes of their own. */
  readonly env: Readonly<Record<string, string>>;
}

/** Starts these hosts, and puts them on the roll, each looked at once. */
export const onStage = (
  start: Start,
  hosts: ReadonlyArray<HostOptions>,
  use: (stage: Stage) => Promise<void>,
) =>
  inWorld((world) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(start({ hosts }), (fleet) =>
          Effect.promise(async () => {
            const config = await world.write(
              "muster.config.ts",
              'export default { hosts: { converge: "sudo -n run-puppet.sh" } };\n',
            );
            const env = { MUSTER_SSH_CONFIG: fleet.sshConfig, MUSTER_CONFIG: config };
            const run: Stage["run"] = async (command, other) => {
              const said = other === undefined ? env : { ...env, MUSTER_CONFIG: other };
              const ran = await world.inside(command.split(" "), { env: said });
              if (ran.stderr.includes("internal error")) throw new Error(ran.stderr);
              return ran;
            };
            await run(`inventory seed sync --from-file ${fleet.seeds}`);
            await run("inventory refresh");
            await use({ world, fleet, run, env });
          }),
        ),
      ),
    ),
  );
