// Puts simulated hosts of either sort under the commands of the inventory, with one world and one roll per test.

import * as Effect from "effect/Effect";
import { type HostFleet, type HostOptions } from "@muster/testkit/hosts/index";
import type { StartHosts } from "@muster/testkit/hosts/peers";
import { type AuditEntry, StoreError, type StoreShape } from "@muster/core";
import { openSqliteStore } from "@muster/store-sql";
import { defaultWiring } from "../../src/wiring.ts";
import { inWorld, type Ran, type World } from "../world.ts";

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
  start: StartHosts,
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

export const promised = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(effect);

/** The place of the roll, as it is named to commands. */
export const fileOf = ({ world }: Pick<Stage, "world">): string =>
  world.at(
    "state",
    world.files("state").find((name) => name.endsWith(".db"))!,
  );

/** What the store of a world says now. */
export const inStore = <A>(
  stage: Pick<Stage, "world">,
  read: (store: Effect.Success<ReturnType<typeof openSqliteStore>>) => Effect.Effect<A, unknown>,
): Promise<A> => {
  const path = fileOf(stage);
  return promised(
    Effect.scoped(
      Effect.flatMap(openSqliteStore({ path, readOnly: true, missing: "empty" }), read),
    ),
  );
};

/** The entries of one action, in their order. */
export const auditOf = async (
  stage: Pick<Stage, "world">,
  action: string,
): Promise<ReadonlyArray<AuditEntry>> => {
  const all = await inStore(stage, (store) => store.auditEntries(0, 1_000));
  return all.filter((entry) => entry.action === action);
};

/** A store that takes everything but entries of this phase. */
export const storeWithout = (phase: AuditEntry["phase"]) => ({
  openStore: (...asked: Parameters<typeof defaultWiring.openStore>) =>
    Effect.map(defaultWiring.openStore(...asked), (store): StoreShape => ({
      ...store,
      commit: (batch) =>
        batch.audit?.some((entry) => entry.phase === phase) === true
          ? Effect.fail(new StoreError({ reason: "Busy", place: "here", message: "held" }))
          : store.commit(batch),
    })),
});
