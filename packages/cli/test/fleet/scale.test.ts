// Checks scaling by hand: idempotent, newest first, an override with an end, verified, and busy when somebody else is at it.

import { existsSync, readFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "@effect/vitest";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

const write = (world: World, text: string) => world.write("f/fleet.yaml", text);

const twoGroups = (web: number, batch: number) =>
  fleet(0, {
    groups: [
      { name: "web", count: web },
      { name: "batch", count: batch },
    ],
  });

const scale = (world: World, total: number, ...more: ReadonlyArray<string>) =>
  world.inside(["fleet", "scale", String(total), "-f", world.at("f/fleet.yaml"), ...more]);

const answerOf = (stdout: string) =>
  JSON.parse(stdout) as {
    readonly operation: string;
    readonly desired: number;
    readonly actual?: number;
    readonly launched: number;
    readonly terminated: number;
    readonly groups: ReadonlyArray<object>;
    readonly override: { readonly until: string; readonly afterwards: string } | null;
    readonly messages: ReadonlyArray<string>;
    readonly verdict: string;
    readonly trouble: { readonly message: string } | null;
  };

/** What the audit says of notes, as JSON lines. */
const audit = (world: World): string => {
  const file = world.at("f/.web.state.db");
  if (!existsSync(file)) return "";
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare("SELECT json FROM audit ORDER BY seq").all();
  database.close();
  return rows.map((row) => String(row["json"])).join("\n");
};

describe("Idempotent Scale", () => {
  it(
    "Running twice with same N makes no changes the second time",
    inWorld(async (world) => {
      await write(world, fleet(1));
      const first = await scale(world, 3, "-o", "json");
      expect(first.code).toBe(0);
      expect(answerOf(first.stdout)).toMatchObject({
        operation: "scale-up",
        desired: 3,
        actual: 3,
        launched: 3,
        terminated: 0,
        verdict: "done",
      });
      const before = living(world.simulator);
      const again = await scale(world, 3, "-o", "json");
      expect(again.code).toBe(0);
      expect(answerOf(again.stdout)).toMatchObject({ actual: 3, launched: 0, terminated: 0 });
      expect(living(world.simulator)).toEqual(before);
      expect(accepted(world.simulator)).toEqual({ launches: 3, terminations: 0, others: 0 });
    }),
  );
});

describe("Safe deletion policy for downscaling", () => {
  it(
    "deterministic: the newest go first, by the provider's clock",
    inWorld(async (world) => {
      await write(world, fleet(2));
      await scale(world, 2);
      const old = living(world.simulator);
      await scale(world, 4);
      const down = await scale(world, 2, "-o", "json");
      expect(answerOf(down.stdout)).toMatchObject({ operation: "scale-down", terminated: 2 });
      expect(living(world.simulator)).toEqual(old);
    }),
  );
});

describe("a total over several groups", () => {
  it(
    "is spread in proportion to their counts by largest remainder, and says so",
    inWorld(async (world) => {
      await write(world, twoGroups(2, 1));
      const ran = await scale(world, 5);
      expect(ran.stdout).toContain("largest remainders first: web 3, batch 2");
      expect(ran.stdout).toContain("Done: scale-up: 5 of 5 there (web 3 of 3, batch 2 of 2)");
    }),
  );

  it(
    "goes to the first group where all counts are 0, and says so",
    inWorld(async (world) => {
      await write(world, twoGroups(0, 0));
      const ran = await scale(world, 2);
      expect(ran.stdout).toContain("so all 2 go to the first, web");
      expect(ran.stdout).toContain("(web 2 of 2, batch 0 of 0)");
    }),
  );
});

describe("an override", () => {
  it(
    "has an author, a reason and an end, stands in the audit, and says what happens then",
    inWorld(async (world) => {
      await write(world, fleet(1));
      const ran = await scale(world, 3, "--for", "2h", "--reason", "the sale", "-o", "json");
      const { override, messages } = answerOf(ran.stdout);
      const end = Date.parse(override!.until) - Date.now();
      expect(end).toBeGreaterThan(7_100_000);
      expect(end).toBeLessThanOrEqual(7_200_000);
      expect(override).toMatchObject({
        desired: 3,
        by: expect.stringMatching(/^ann@/u) as string,
        reason: "the sale",
        counts: [{ group: "web", count: 3, instead: 1 }],
        afterwards: "2 members are removed, the newest first (web 2)",
      });
      const told = messages.join("\n");
      expect(told).toContain("no daemon keeps this fleet, so nothing undoes it until the next");
      expect(told).toContain("a daemon announces a removal one interval before");
      const kept = audit(world);
      expect(kept).toContain('"action":"scale"');
      expect(kept).toContain('"text":"the sale"');
    }),
  );

  it(
    "is not fought by apply, and ends with the document's own number",
    inWorld(async (world) => {
      const file = await write(world, fleet(1));
      await scale(world, 3);
      const store = ["--store", `sqlite:${world.at("f/.web.state.db")}`];
      expect((await world.inside(["apply", file, ...store])).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(3);
      const ended = await scale(world, 1);
      expect(ended.stdout).toContain("the override is ended: the document asks for 1 itself");
      expect(living(world.simulator)).toHaveLength(1);
      const status = await world.inside(["fleet", "status", "-f", file, "-o", "json"]);
      expect(JSON.parse(status.stdout)).toMatchObject({ override: null, desired: 1 });
    }),
  );

  it(
    "ends when a count in the document changes",
    inWorld(async (world) => {
      const file = await write(world, fleet(1));
      await scale(world, 3);
      await write(world, fleet(2));
      const store = ["--store", `sqlite:${world.at("f/.web.state.db")}`];
      expect((await world.inside(["apply", file, ...store])).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(2);
    }),
  );
});

describe("--dry-run", () => {
  it(
    "shows the plan and writes nothing: no record, no ledger, no store",
    inWorld(async (world) => {
      await write(world, fleet(1));
      const ran = await scale(world, 3, "--dry-run");
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain("+ create   web-3.1");
      expect(ran.stdout).toContain("nothing was changed: a dry run");
      expect(world.files("f")).toEqual(["fleet.yaml"]);
      await scale(world, 2);
      const before = audit(world);
      const ledger = readFileSync(world.at("f/.web.state.json"), "utf8");
      const json = await scale(world, 0, "--dry-run", "-o", "json");
      expect(JSON.parse(json.stdout)).toMatchObject({
        dryRun: true,
        plan: { plans: [{ changes: [{ action: "remove" }, { action: "remove" }] }] },
      });
      expect(audit(world)).toBe(before);
      expect(readFileSync(world.at("f/.web.state.json"), "utf8")).toBe(ledger);
      expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
    }),
  );
});

describe("State Tracking", () => {
  it(
    "JSON file adjacent to config (.fleetName.state.json) unless overridden via --state",
    inWorld(async (world) => {
      await write(world, fleet(2));
      const first = await scale(world, 2);
      expect(first.stdout).toContain("add .web.state.* to .gitignore");
      const file = world.at("f/.web.state.json");
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({
        fleet: "web",
        instances: [
          { group: "web", status: "active", name: expect.any(String) as string },
          { group: "web", status: "active", createdAt: expect.any(String) as string },
        ],
      });
      const less = await scale(world, 1);
      expect(less.stdout).not.toContain(".gitignore");
      const { instances } = JSON.parse(readFileSync(file, "utf8")) as {
        instances: ReadonlyArray<{ id: string; status: string }>;
      };
      expect(instances.map(({ status }) => status)).toEqual(["active", "terminated"]);
      expect([instances[0]!.id]).toEqual(living(world.simulator));
      expect(world.files("f").filter((name) => name.includes("draft"))).toEqual([]);

      await scale(world, 1, "--state", world.at("elsewhere.json"));
      expect(world.files("").filter((name) => name.startsWith("elsewhere"))).toHaveLength(1);
    }),
  );

  it(
    "never writes over a file that is no ledger, and says so before anything is done",
    inWorld(async (world) => {
      const file = await write(world, fleet(1));
      const ran = await scale(world, 1, "--state", file);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain("is no ledger, and would be written over");
      expect(accepted(world.simulator).launches).toBe(0);
      expect(readFileSync(file, "utf8")).toBe(fleet(1));
    }),
  );

  it(
    "counts how many to remove by discovery, whatever the ledger and the store say",
    inWorld(async (world) => {
      await write(world, fleet(4));
      await scale(world, 4);
      const empty = ["--state", world.at("empty/.json")];
      await world.write("empty/keep", "");
      const ran = await scale(world, 2, "-o", "json", ...empty);
      expect(answerOf(ran.stdout)).toMatchObject({ actual: 2, terminated: 2 });
      // A ledger of before that knows one machine, which is long gone.
      const record = { id: "ocid1.instance.oc1.phx.gone", group: "web", status: "active" };
      const stale = await world.write("stale/.json", JSON.stringify({ records: [record] }));
      const again = await scale(world, 1, "-o", "json", "--state", stale);
      expect(answerOf(again.stdout)).toMatchObject({ actual: 1, terminated: 1 });
    }),
  );
});

describe("verifyActualMatches", () => {
  it(
    "polls discovery until actual equals desired or timeout, and says what happens then",
    inWorld(async (world) => {
      await write(world, fleet(1));
      for (const name of ["a", "b"]) {
        world.simulator.addForeign({
          displayName: name,
          freeformTags: { "fleetctl-fleet": "web" },
        });
      }
      const looks = () =>
        world.simulator.requests().filter(({ operation }) => operation === "ListInstances").length;
      const before = looks();
      const late = await scale(world, 1, "--verify-for", "1s", "-o", "json");
      expect(late.code).toBe(2);
      expect(answerOf(late.stdout)).toMatchObject({
        desired: 1,
        actual: 2,
        verdict: "infrastructure failed",
      });
      expect(late.stderr).toContain("after 1 s discovery still shows web 2 instead of 1");
      expect(late.stderr).toContain("2 of them have no owner");
      expect(looks() - before).toBeGreaterThan(5);
    }),
  );

  it(
    "launches again what died since",
    inWorld(async (world) => {
      await write(world, fleet(2));
      await scale(world, 2);
      world.simulator.kill(living(world.simulator)[0]!);
      const ran = await scale(world, 2, "-o", "json");
      expect(answerOf(ran.stdout)).toMatchObject({ verdict: "done", launched: 1, actual: 2 });
      expect(living(world.simulator)).toHaveLength(2);
    }),
  );
});

describe("what goes wrong", () => {
  it(
    "is told with its remedy, keeps what was launched in the ledger, and ends with 2",
    inWorld(async (world) => {
      await write(world, fleet(1));
      world.simulator.faults.set([
        {
          operation: "LaunchInstance",
          nth: 2,
          times: 1,
          answer: { status: 400, code: "InvalidParameter", message: "no more of these" },
        },
      ]);
      const ran = await world.fleetctl(["--config", world.at("f/fleet.yaml"), "--scale", "3"]);
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain("no more of these");
      const ledger = readFileSync(world.at("f/.web.state.json"), "utf8");
      for (const id of living(world.simulator)) expect(ledger).toContain(id);
      expect(living(world.simulator).length).toBeGreaterThan(0);
      world.simulator.faults.clear();
      expect((await scale(world, 3)).code).toBe(0);
      expect(living(world.simulator)).toHaveLength(3);
    }),
  );

  it(
    "and cannot be looked at then takes nobody out of the ledger, and is no number",
    inWorld(async (world) => {
      await write(world, fleet(2));
      await scale(world, 2);
      const there = living(world.simulator);
      const told: Array<number | undefined> = [];
      for (const nth of [2, 3, 4, 5, 6]) {
        world.simulator.faults.set([
          {
            operation: "LaunchInstance",
            answer: { status: 400, code: "InvalidParameter", message: "no more of these" },
          },
          {
            operation: "ListInstances",
            nth,
            answer: { status: 404, code: "NotAuthorizedOrNotFound", message: "not for you" },
          },
        ]);
        const ran = await scale(world, 3, "-o", "json");
        expect(ran.code).not.toBe(0);
        const ledger = readFileSync(world.at("f/.web.state.json"), "utf8");
        for (const id of there) expect(ledger).toContain(id);
        expect(ledger.match(/"active"/gu)).toHaveLength(2);
        expect(answerOf(ran.stdout).desired).toBe(3);
        told.push(answerOf(ran.stdout).actual);
      }
      // The look at the end is one of them, and of the others each tells two.
      expect(new Set(told)).toEqual(new Set([2, undefined]));
    }),
  );

  it(
    "before the start leaves no record behind",
    inWorld(async (world) => {
      await write(world, fleet(1));
      world.simulator.faults.set([
        {
          operation: "ListInstances",
          answer: { status: 404, code: "NotAuthorizedOrNotFound", message: "not for you" },
        },
      ]);
      const ran = await scale(world, 3);
      expect(ran.code).toBe(2);
      expect(ran.stderr).toContain("not for you");
      expect(audit(world)).not.toContain('"action":"scale"');
      expect(accepted(world.simulator).launches).toBe(0);
    }),
  );

  it(
    "of another owner is refused, with its name and the ways out",
    inWorld(async (world) => {
      await write(world, fleet(1));
      await scale(world, 1, "--owner", "team b", "--state", world.at("theirs.json"));
      const ran = await scale(world, 0);
      expect(ran.code).toBe(5);
      expect(ran.stderr).toContain('has live members of "team b"; nothing is touched');
      expect(ran.stderr).toContain("muster adopt web --from 'team b' --reason TEXT");
      expect(living(world.simulator)).toHaveLength(1);
    }),
  );
});

describe("a busy fleet", () => {
  it(
    "ends another operation with 2, naming process and operation, and goes on when it is free",
    inWorld(
      async (world) => {
        await write(world, fleet(1));
        const file = world.at("f/fleet.yaml");
        const first = world.startFleetctl(["--config", file, "--scale", "2"]);
        await first.until("create web-1.1: ");
        await first.until("create web-2.1: ");
        const busy = await world.fleetctl(["--config", file, "--rolling-restart"]);
        // Nobody is there yet, so there is nothing to restart until the lease says otherwise.
        expect(busy.code).toBe(2);
        expect(busy.stderr).toContain("fleetctl: the fleet is busy: ann@");
        expect(busy.stderr).toContain(`process ${first.pid} on`);
        expect(busy.stderr).toContain("is at scale-up");
        world.simulator.advance(60_000);
        expect((await first.ended).code).toBe(0);
        expect((await scale(world, 2)).code).toBe(0);
        expect(accepted(world.simulator).launches).toBe(2);
      },
      { launchDelayMs: 50_000 },
    ),
  );
});

describe("a store that other fleets are in", () => {
  it(
    "keeps them as they are: they have not vanished",
    inWorld(async (world) => {
      await world.write("all/api.yaml", fleet(1, { name: "api" }));
      await write(world, fleet(1));
      const store = ["--store", `sqlite:${world.at("shared.db")}`];
      await world.inside(["apply", world.at("all"), ...store]);
      expect((await scale(world, 2, ...store)).code).toBe(0);
      const status = await world.inside(["status", "-o", "json", ...store]);
      const { documents } = JSON.parse(status.stdout) as {
        documents: ReadonlyArray<{ document: string; orphanedAt: string | null; state: string }>;
      };
      expect(documents).toMatchObject([
        { document: "FleetConfig/api", orphanedAt: null, state: "ready" },
        { document: "FleetConfig/web", orphanedAt: null, state: "ready" },
      ]);
    }),
  );
});
