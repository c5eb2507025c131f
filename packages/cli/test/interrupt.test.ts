// Checks Control-C in the middle of an apply: a truthful journal, and nothing launched twice afterwards.

import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "./fleet.ts";
import { openRepository } from "./repository.ts";
import { inWorld, type World } from "./world.ts";

interface Entry {
  readonly phase: string;
  readonly action: string;
  readonly outcome: string | null;
  readonly reason: { readonly code: string; readonly text: string };
}

const auditOf = (file: string): ReadonlyArray<Entry> => {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare("SELECT json FROM audit ORDER BY seq").all();
  database.close();
  return rows.map((row) => JSON.parse(String(row["json"])) as Entry);
};

const store = (world: World) => world.at("store.db");
const apply = (world: World) => ["apply", world.at("fleets"), "--store", `sqlite:${store(world)}`];

describe("an interrupted apply", () => {
  it(
    "ends with 130, says that intents stay open, and the next one doubles nothing",
    inWorld(
      async (world) => {
        await world.write("fleets/web.yaml", fleet(3));
        const started = world.start(apply(world));
        await started.until("create web-2.1: ");
        await started.until("create web-3.1: ");
        await started.until("create web-1.1: ");
        started.process.kill("SIGINT");
        const ran = await started.ended;
        expect(ran.code).toBe(130);
        expect(ran.stdout).toBe("");
        expect(ran.stderr.match(/it was interrupted; the intent stays open/gu)).toHaveLength(3);
        expect(ran.stderr).not.toContain("internal error");
        expect(accepted(world.simulator).launches).toBe(3);

        const audit = auditOf(store(world));
        expect(audit.filter((entry) => entry.phase === "intent")).toHaveLength(3);
        const notes = audit.filter((entry) => entry.reason.code === "Interrupted");
        expect(notes.map((entry) => [entry.phase, entry.outcome])).toEqual(
          Array.from({ length: 3 }, () => ["outcome", "unknown"]),
        );

        world.simulator.advance(60_000);
        const second = await world.inside(apply(world));
        expect(second).toMatchObject({ code: 0 });
        expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
        expect(living(world.simulator)).toHaveLength(3);
        const verify = ["audit", "verify", "--store", `sqlite:${store(world)}`];
        expect((await world.inside(verify)).code).toBe(0);
        expect((await world.inside([...apply(world), "-o", "json"])).stdout).toContain(
          '"outcomes":[]',
        );
      },
      { launchDelayMs: 50_000 },
    ),
  );

  it(
    "with the answer to a launch still on its way launches nothing twice either",
    inWorld(
      async (world) => {
        await world.write("fleets/web.yaml", fleet(1));
        world.simulator.faults.set([
          { operation: "LaunchInstance", answer: { hangMs: 60_000, accepted: true } },
        ]);
        const started = world.start(apply(world));
        await started.until("create web-1.1");
        while (accepted(world.simulator).launches === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        started.process.kill("SIGINT");
        const ran = await started.ended;
        expect(ran.code).toBe(130);
        expect(ran.stderr).toContain("the intent stays open");
        world.simulator.faults.clear();
        // The list does not show it yet: only the token can tell.
        expect((await world.inside(apply(world))).code).toBe(0);
        expect(accepted(world.simulator)).toEqual({ launches: 1, terminations: 0, others: 0 });
      },
      { listLagMs: 60_000 },
    ),
  );
});

describe("an interrupted run", () => {
  it(
    "gives its lease back or lets it end, and the next run converges",
    inWorld(
      async (world) => {
        const repository = await openRepository(world);
        await repository.commit({ "web.yaml": fleet(2) });
        const run = ["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"];
        const started = world.start(run);
        await started.until("create web-1.1: ");
        await started.until("create web-2.1: ");
        started.process.kill("SIGTERM");
        const ran = await started.ended;
        expect(ran.code).toBe(130);
        expect(ran.stderr).toContain("the intent stays open");
        world.simulator.advance(60_000);
        const second = await world.inside(run);
        expect(second).toMatchObject({ code: 0 });
        expect(second.stderr).not.toContain("waiting");
        expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
      },
      { launchDelayMs: 50_000 },
    ),
  );
});
