// Checks `muster run` without --once as processes of their own: told by signals, killed, and frozen, in real time.

import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "./fleet.ts";
import { condition, openRepository, type Repository, statusOf } from "./repository.ts";
import { inWorld, type Started, type World } from "./world.ts";

const once = (repository: Repository, world: World) => [
  ...["run", "--repo", repository.url, "--allow-profile", "DEFAULT"],
  ...["--store", `sqlite:${world.at("store.db")}`, "--once"],
];

const loop = (repository: Repository, world: World, ...args: ReadonlyArray<string>) => [
  ...once(repository, world).slice(0, -1),
  ...["--interval", "1s"],
  ...args,
];

const published = '"status.published"';

interface LeaseFile {
  readonly version: number;
  readonly holder: string;
  readonly expiresAt: string;
}

const leaseOf = (repository: Repository): LeaseFile =>
  JSON.parse(repository.show("muster/lease/default", "lease.json")) as LeaseFile;

const ready = (repository: Repository): string | undefined =>
  condition(statusOf(repository), "Ready");

/** Every line of a JSON log. */
const linesOf = (text: string): ReadonlyArray<{ readonly message: string }> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { readonly message: string });

describe("a loop", () => {
  it(
    "converges, reads its configuration anew, answers health, and ends in order with 0",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(2) });
      const args = [...loop(repository, world), "--http", "127.0.0.1:0", "--log-format", "json"];
      const started = world.start(args);
      await started.until("listening on ");
      await started.until(published);
      expect(accepted(world.simulator).launches).toBe(2);
      started.process.kill("SIGHUP");
      await started.until("read anew");
      const url = /listening on (http:\S+?)"/u.exec(started.said())![1]!;
      for (const path of ["healthz", "readyz", "metrics"]) {
        expect((await fetch(`${url}/${path}`)).status).toBe(200);
      }
      started.process.kill("SIGTERM");
      const ran = await started.ended;
      expect(ran.code, ran.stderr).toBe(0);
      expect(ran.stdout).toBe("");
      expect(linesOf(ran.stderr).at(-1)?.message).toMatch(/^stopped; nothing was left/u);
      expect(ready(repository)).toBe("True");
      expect(Date.parse(leaseOf(repository).expiresAt)).toBeLessThanOrEqual(Date.now());
    }),
  );

  it(
    "that is told twice does not wait, and leaves what it began to the next",
    inWorld(
      async (world) => {
        const repository = await openRepository(world);
        await repository.commit({ "web.yaml": fleet(1) });
        const started = world.start([...loop(repository, world), "--log-level", "debug"]);
        await started.until("event.name=change.started");
        await untilLaunched(world, 1);
        started.process.kill("SIGTERM");
        await started.until("waiting for 1");
        started.process.kill("SIGTERM");
        expect((await started.ended).code).toBe(130);
        world.simulator.advance(600_000);
        const again = await world.inside(once(repository, world));
        expect(again.code).toBe(0);
        expect(accepted(world.simulator)).toEqual({ launches: 1, terminations: 0, others: 0 });
      },
      { launchDelayMs: 500_000 },
    ),
  );
});

const untilLaunched = async (world: World, launches: number): Promise<void> => {
  while (accepted(world.simulator).launches < launches) {
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const untilReady = async (repository: Repository, runner: Started): Promise<void> => {
  while (ready(repository) !== "True") await runner.until(published);
};

/** Who is frozen in the middle of a transaction keeps every other process from the store. */
const betweenTransactions = (file: string, act: () => void): void => {
  const database = new DatabaseSync(file, { timeout: 10_000 });
  database.exec("BEGIN IMMEDIATE");
  act();
  database.exec("ROLLBACK");
  database.close();
};

describe("law 7, in real time: a second runner takes over", () => {
  const takeOver = (what: "SIGKILL" | "SIGSTOP") =>
    inWorld(
      async (world) => {
        const repository = await openRepository(world);
        await repository.commit({ "web.yaml": fleet(3) });
        const args = [...loop(repository, world, "--lease-ttl", "20s"), "--log-format", "json"];
        const first = world.start(args);
        await untilLaunched(world, 3);
        betweenTransactions(world.at("store.db"), () => first.process.kill(what));
        const { version } = leaseOf(repository);
        const second = world.start(args);
        await second.until("holds the lease until");
        world.simulator.advance(60_000);
        await second.until(published);
        await untilReady(repository, second);
        expect(leaseOf(repository).version).toBeGreaterThan(version);
        if (what === "SIGSTOP") {
          first.process.kill("SIGCONT");
          // It finds that it has lost the lease, writes nothing under it, and looks anew.
          await first.until('"tick.failed"');
          first.process.kill("SIGTERM");
          expect((await first.ended).code).toBe(0);
        }
        second.process.kill("SIGTERM");
        expect((await second.ended).code).toBe(0);
        expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
        expect(living(world.simulator)).toHaveLength(3);
        const verify = ["audit", "verify", "--store", `sqlite:${world.at("store.db")}`];
        expect((await world.inside(verify)).code).toBe(0);
        const history = repository.git("ls-remote", "origin", "muster/status/default");
        expect(history).toContain("muster/status/default");
      },
      { launchDelayMs: 50_000 },
    );

  it("from one that was killed", takeOver("SIGKILL"), 120_000);
  it("from one that was frozen, which changes nothing when it wakes", takeOver("SIGSTOP"), 120_000);
});
