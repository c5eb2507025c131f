// The roll call with Taskcluster: real commands on hosts that speak SSH, and a Taskcluster that is strict.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { recordLooks } from "@muster/core/inventory/history";
import { openSqliteStore } from "@muster/store-sql";
import { type HostFleet, startEmulatedHosts } from "@muster/testkit/hosts/index";
import {
  type SimulatedWorker,
  startTaskcluster,
  type TaskclusterSimulator,
  type TaskclusterSimulatorOptions,
} from "@muster/testkit/taskcluster/index";
import { inWorld, type Ran, type World } from "../world.ts";

const hour = 3_600_000;

const workerOf = (workerId: string, given: Partial<SimulatedWorker> = {}): SimulatedWorker => ({
  provisionerId: "releng-hardware",
  workerType: "talos",
  workerId,
  ...given,
});

interface Scene {
  readonly world: World;
  readonly fleet: HostFleet;
  readonly taskcluster: TaskclusterSimulator;
  /** In a process of its own, with Taskcluster's variables. */
  readonly roll: (
    command: string,
    env?: Readonly<Record<string, string | undefined>>,
  ) => Promise<Ran>;
  /** In this process. */
  readonly run: (
    command: string,
    env?: Readonly<Record<string, string | undefined>>,
  ) => Promise<Ran>;
}

const inScene = (
  hosts: ReadonlyArray<string>,
  options: TaskclusterSimulatorOptions,
  use: (scene: Scene) => Promise<void>,
) =>
  inWorld((world) =>
    Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const fleet = yield* startEmulatedHosts({
            hosts: hosts.map((name) => ({ name, role: "talos" })),
          });
          const taskcluster = yield* startTaskcluster(options);
          const variables = {
            ...taskcluster.env,
            MUSTER_SSH_CONFIG: fleet.sshConfig,
            MUSTER_STORE: `sqlite:${world.at("roll.db")}`,
          };
          const words = (command: string) => command.split(" ");
          const scene: Scene = {
            world,
            fleet,
            taskcluster,
            roll: (command, env) =>
              world.fleetroll(words(command), { env: { ...variables, ...env } }),
            run: (command, env) => world.inside(words(command), { env: { ...variables, ...env } }),
          };
          yield* Effect.promise(() => use(scene));
        }),
      ),
    ),
  );

/** All hosts on the roll, in a population whose workers are those of the talos pool. */
const onboard = async ({ fleet, run }: Scene) => {
  for (const command of [
    `inventory seed sync --from-file ${fleet.seeds}`,
    "population create talos --expected-role talos --workers releng-hardware/talos",
    "population create perf --workers releng-hardware/perf",
  ]) {
    expect((await run(command)).code, command).toBe(0);
  }
};

const assign = async ({ run }: Scene, filter = "host:*") =>
  expect(
    (await run(`host assign-population --filter ${filter} --population talos --confirm`)).code,
  ).toBe(0);

interface Listed {
  readonly matched: number;
  readonly hosts: ReadonlyArray<{ readonly address: { readonly host: string } }>;
}

const namesOf = (ran: Ran): ReadonlyArray<string> =>
  (JSON.parse(ran.stdout) as Listed).hosts.map(({ address }) => address.host);

const lists = ({ requests }: TaskclusterSimulator) =>
  requests().map(({ target }) => /worker-types\/([^/]+)\/workers/u.exec(target)?.[1]);

const names = [
  "t-01.mdc1.test",
  "t-02.mdc1.test",
  "t-03.mdc1.test",
  "t-04.mdc1.test",
  "t-05.mdc1.test",
  "t-05.mdc2.test",
  "t-06.mdc1.test",
];

const workers = () => [
  workerOf("T-01"),
  workerOf("t-02", { workerType: "perf" }),
  workerOf("t-04", { activeUntil: Date.now() - 5 * hour }),
  workerOf("t-05"),
  workerOf("t-06"),
  workerOf("t-06", { workerGroup: "mdc2" }),
];

describe("hosts that are Taskcluster workers", () => {
  it(
    "drift where they are missing or in another pool, and are never guessed",
    inScene(names, { workers: workers() }, async (scene) => {
      const { roll, run, taskcluster } = scene;
      await onboard(scene);
      const looked = await roll("inventory refresh --seed all");
      expect([looked.code, looked.stderr]).toEqual([0, "7 answered\n"]);
      expect(looked.stdout).toContain('2 workers are called "t-06"');
      expect(lists(taskcluster)).toEqual(["perf", "talos"]);
      await assign(scene);
      const drifting = (type: string, as = run) =>
        as(`host list --drift-type ${type} -o json`).then(namesOf);
      expect(await drifting("tc-missing", roll)).toEqual(["t-03.mdc1.test", "t-04.mdc1.test"]);
      expect(await drifting("tc-mismatch")).toEqual(["t-02.mdc1.test"]);
      const show = async (name: string) => (await run(`host show ${name}`)).stdout;
      expect(await show("t-01.mdc1.test")).toMatch(/worker +releng-hardware\/talos T-01 {2}\(/u);
      expect(await show("t-01.mdc1.test")).not.toContain("drift");
      expect(await show("t-02.mdc1.test")).toContain(
        'tc-mismatch: worker of "releng-hardware/perf" where releng-hardware/talos is expected',
      );
      expect(await show("t-03.mdc1.test")).toContain(
        "tc-missing: no worker of this name, expected in releng-hardware/talos",
      );
      expect(await show("t-04.mdc1.test")).toMatch(
        /tc-missing: not active in "releng-hardware\/talos" since \d/u,
      );
      for (const [name, why] of [
        ["t-05.mdc1.test", 'a worker is called "t-05", and 2 hosts are'],
        ["t-05.mdc2.test", 'a worker is called "t-05", and 2 hosts are'],
        ["t-06.mdc1.test", '2 workers are called "t-06"'],
      ] as const) {
        const shown = await show(name);
        expect(shown).toMatch(/worker +\?/u);
        expect(shown).toMatch(/drift unknown +tc-missing: the worker was never seen/u);
        expect(shown).toMatch(/drift unknown +tc-mismatch: the worker was never seen/u);
        expect((await run(`host history ${name} -o json`)).stdout).toContain(
          JSON.stringify(why).slice(1, -1),
        );
      }
      const passing = await run("host list --filter drift:null -o json");
      expect(namesOf(passing)).toEqual(["t-01.mdc1.test"]);

      // The fast look is as good: who comes back is seen, with one list for each pool.
      taskcluster.setWorkers([...workers(), workerOf("t-03")]);
      const asked = taskcluster.requests().length;
      expect((await run("inventory refresh --fast")).code).toBe(0);
      expect(taskcluster.requests().length - asked).toBe(2);
      expect(await drifting("tc-missing")).toEqual(["t-04.mdc1.test"]);
      expect(namesOf(await run("host list --filter tc.online:true -o json"))).toEqual([
        "t-01.mdc1.test",
        "t-02.mdc1.test",
        "t-03.mdc1.test",
      ]);
    }),
    120_000,
  );

  it(
    "keep what was known of them with its age while Taskcluster cannot be read, and pass nothing",
    inScene(names.slice(0, 2), { faults: [{ fault: "unavailable" }] }, async (scene) => {
      const { run, world } = scene;
      await onboard(scene);
      const looked = await run("inventory refresh");
      expect(looked.code).toBe(6);
      expect(looked.stderr).toContain("2 answered\n");
      expect(looked.stderr).toContain(
        "the workers of releng-hardware/talos are unknown: 503: Service Unavailable\n",
      );
      await assign(scene);
      const [old, never] = names;
      const at = (ago: number) => new Date(Date.now() - ago).toISOString();
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const store = yield* openSqliteStore({ path: world.at("roll.db") });
            const share = { host: old!, at: at(3 * hour) };
            const worker = {
              ...{ provisioner: "releng-hardware", workerType: "talos", id: "t-01" },
              lastActive: at(3.2 * hour),
              quarantined: false,
            };
            const records = yield* store.record("muster sightings", `Sighting/${old!}`);
            const history = yield* store.record("muster looks", `History/${old!}`);
            const batches = recordLooks(
              [{ observation: { ...share, worker }, override: null }],
              () => ({
                sighting: records?._tag === "Sighting" ? records.sighting : null,
                history: history?._tag === "History" ? history.looks : null,
              }),
            );
            for (const batch of batches) yield* store.commit(batch);
          }),
        ),
      );
      expect((await run("inventory refresh --fast")).code).toBe(6);
      const shown = (await run(`host show ${old!}`)).stdout;
      expect(shown).toMatch(/worker +releng-hardware\/talos t-01 {2}\(3 h ago\)/u);
      expect(shown).toMatch(
        /drift unknown +tc-missing: the worker was seen last at .*, and active then/u,
      );
      expect((await run(`host show ${never!}`)).stdout).toMatch(
        /drift unknown +tc-missing: the worker was never seen/u,
      );
      const found = async (filter: string) =>
        namesOf(await run(`host list --filter ${filter} -o json`));
      expect(await found("drift:null")).toEqual([]);
      expect(await found("drift:unknown")).toEqual([old, never]);
      expect(await found("tc.online:unknown")).toEqual([old, never]);
      expect(await found("tc.pool:unknown")).toEqual([never]);
      expect((await run(`host history ${old!}`)).stdout).toContain(
        "the worker is unknown: not read",
      );
    }),
    120_000,
  );

  it(
    "are unknown and told so where Taskcluster lets nobody in, and no secret is told",
    inScene(names.slice(0, 1), { workers: workers() }, async (scene) => {
      const { run } = scene;
      await onboard(scene);
      const secret = "a-token-that-is-wrong";
      const looked = await run(`host refresh ${names[0]!}`, { TASKCLUSTER_ACCESS_TOKEN: secret });
      expect(looked.code).toBe(1);
      await run("inventory refresh", { TASKCLUSTER_ROOT_URL: undefined });
      const refused = await run(`host refresh ${names[0]!}`, { TASKCLUSTER_ACCESS_TOKEN: secret });
      expect(refused.code).toBe(6);
      expect(refused.stderr).toContain("401 AuthenticationFailed: Bad mac");
      expect(refused.stderr).toContain("check TASKCLUSTER_ACCESS_TOKEN");
      const anonymous = await run(`host refresh ${names[0]!} -o json`, {
        TASKCLUSTER_ACCESS_TOKEN: "",
        TASKCLUSTER_CLIENT_ID: "",
      });
      expect(anonymous.code).toBe(6);
      expect(anonymous.stderr).toContain("the scope worker-manager:list-workers:releng-hardware/");
      expect(JSON.parse(anonymous.stdout)).toMatchObject({
        trouble: expect.stringContaining("(Denied)"),
      });
      expect(JSON.stringify([looked, refused, anonymous])).not.toContain(secret);
    }),
    120_000,
  );

  it(
    "are not asked for where no deployment is named, which is said once where populations name pools",
    inScene(names.slice(0, 2), {}, async (scene) => {
      const { fleet, run, taskcluster } = scene;
      const nobody = { TASKCLUSTER_ROOT_URL: undefined };
      await run(`inventory seed sync --from-file ${fleet.seeds}`);
      const before = await run("inventory refresh", nobody);
      expect([before.code, before.stderr]).toEqual([0, "2 answered\n"]);
      await run("population create talos --workers releng-hardware/talos");
      const after = await run("inventory refresh", nobody);
      expect([after.code, after.stderr]).toEqual([
        0,
        "populations name Taskcluster workers, and TASKCLUSTER_ROOT_URL is not set: nothing was asked of them\n2 answered\n",
      ]);
      expect(taskcluster.requests()).toEqual([]);
      const wrong = await run("inventory refresh", { TASKCLUSTER_ROOT_URL: "taskcluster" });
      expect([wrong.code, wrong.stderr.split("\n")[0]]).toEqual([
        1,
        "muster: TASKCLUSTER_ROOT_URL is no address of a deployment",
      ]);
    }),
    120_000,
  );
});
