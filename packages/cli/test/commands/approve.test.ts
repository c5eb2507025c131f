// Checks `muster approve`: consent to refused removals lets exactly these go.

import type { StoreRecord } from "@muster/core";
import { openSqliteStore } from "@muster/store-sql";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";

const here = (world: World) => ["--store", `sqlite:${world.at("store.db")}`];

/** Plants members with our own marks that no number ever asked for. */
const plantSurplus = (world: World, slots: ReadonlyArray<number>) => {
  const first = world.simulator.instances()[0]!;
  return slots.map(
    (slot) =>
      world.simulator.addForeign({
        displayName: `web-${slot}`,
        freeformTags: { ...first.freeformTags, "muster-member": `web-${slot}.1` },
      }).id,
  );
};

interface Planned {
  readonly plans: ReadonlyArray<{
    readonly refusals: ReadonlyArray<{ readonly consent?: string }>;
  }>;
}

describe("muster approve", () => {
  it(
    "lets apply remove exactly the members that the refusal named",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(2));
      await world.inside(["apply", file, ...here(world)]);
      const ours = living(world.simulator);
      const tags = world.simulator.instances()[0]!.freeformTags;
      expect(tags["muster-member"]).toMatch(/^web-\d\.1$/u);
      const planted = plantSurplus(world, [3, 4, 5]);

      const refused = await world.inside(["apply", file, ...here(world)]);
      expect(refused.code).toBe(5);
      expect(refused.stdout).toContain("3 of set web would go and nobody asked for it");
      expect(accepted(world.simulator).terminations).toBe(0);
      const plan = await world.inside(["plan", file, "-o", "json", ...here(world)]);
      const consent = (JSON.parse(plan.stdout) as Planned).plans[0]!.refusals[0]!.consent!;
      expect(refused.stdout).toContain(`muster approve ${consent} --reason TEXT`);

      const reason = ["--reason", "left over from the test"];
      const approved = await world.muster(["approve", consent, ...reason, ...here(world)]);
      expect(approved.code).toBe(0);
      expect(approved.stdout).toContain(`approved ${consent}`);
      expect(approved.stdout).toContain("store.db; the next apply or run removes exactly these");

      expect((await world.inside(["apply", file, ...here(world)])).code).toBe(0);
      expect(living(world.simulator)).toEqual(ours);
      const gone = world.simulator.journal().filter((one) => one.operation === "TerminateInstance");
      expect(gone.map((one) => one.instanceId).sort()).toEqual([...planted].sort());

      // The consent was for these: others need their own.
      plantSurplus(world, [6, 7]);
      expect((await world.inside(["apply", file, ...here(world)])).code).toBe(5);
      expect(accepted(world.simulator).terminations).toBe(3);
    }),
  );

  it.each(["yes", "sha256:abc", `sha256:${"A".repeat(64)}`, `sha256:${"0".repeat(63)}`, ""])(
    "refuses %j as a digest or commit",
    (digest) =>
      inWorld(async (world) => {
        const ran = await world.inside(["approve", digest, "--reason", "x", ...here(world)]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("is neither a digest nor a full commit id\n  copy it from");
        expect(world.files(".")).not.toContain("store.db");
      })(),
  );

  it(
    "says as JSON what was recorded, and of a commit that the next run acts on it",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      await world.inside(["apply", file, ...here(world)]);
      const approve = (what: string, ...args: ReadonlyArray<string>) =>
        world.inside(["approve", what, "--reason", "looked at", ...here(world), ...args]);
      const digest = `sha256:${"0".repeat(64)}`;
      const removals = await approve(digest, "-o", "json");
      expect(removals).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(removals.stdout)).toMatchObject({
        approved: digest,
        what: "removals",
        reason: "looked at",
        store: `sqlite:${world.at("store.db")}`,
      });
      const commit = "3f".repeat(20);
      const head = await approve(commit);
      expect(head.code).toBe(0);
      expect(head.stdout).toContain("this head is accepted, and the next run acts on it");
      expect(head.stdout).not.toContain("removes");
      const json = await approve(commit, "-o", "json");
      expect(JSON.parse(json.stdout)).toMatchObject({ approved: commit, what: "head" });
      const help = await world.inside(["approve", "--help"]);
      expect(help.stdout).toContain("accepts that head of the watched branch");
      expect((await world.inside(["--help"])).stdout).toContain("accept a refused head");
    }),
  );

  it(
    "has an input in quarantine tried again, however far ahead the runner's clock was",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      await world.inside(["apply", file, ...here(world)]);
      const inputDigest = `sha256:${"a".repeat(64)}`;
      const since = new Date(Date.now() + 60_000).toISOString();
      const approvals = (put: ReadonlyArray<StoreRecord>) =>
        Effect.runPromise(
          openSqliteStore({ path: world.at("store.db") }).pipe(
            Effect.tap((store) => store.commit({ owner: "cli", puts: put })),
            Effect.flatMap((store) => store.load("cli")),
            Effect.map((records) => records.filter((record) => record._tag === "Approval")),
            Effect.scoped,
          ),
        );
      await approvals([
        {
          _tag: "Quarantine",
          document: { kind: "FleetConfig", name: "web" },
          inputDigest,
          message: "no such image",
          remedy: null,
          at: since,
        },
      ]);
      const args = ["approve", inputDigest, "--reason", "the image is there", ...here(world)];
      const approved = await world.inside(args);
      expect(approved).toMatchObject({ code: 0, stderr: "" });
      expect(approved.stdout).toContain("the next run tries again what was refused as invalid");
      expect(approved.stdout).not.toContain("removes");
      const json = await world.inside([...args, "-o", "json"]);
      expect(JSON.parse(json.stdout)).toMatchObject({ approved: inputDigest, what: "input" });
      const [approval] = await approvals([]);
      expect(Date.parse(approval!.at)).toBeGreaterThan(Date.parse(since));
    }),
  );

  it(
    "refuses a store that does not know the fleet, and names it",
    inWorld(async (world) => {
      await world.write("fleets/web.yaml", fleet(1));
      const digest = `sha256:${"0".repeat(64)}`;
      const args = ["approve", digest, "--reason", "x", "--file", world.at("fleets")];
      const ran = await world.muster(args);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toContain(`the store sqlite:${world.at("state", "muster")}`);
      expect(ran.stderr).toContain("does not know any fleet of owner cli");
      expect(ran.stderr).toContain("name the right store with --store, --repo or --file");
      const blank = await world.inside(["approve", digest, "--reason= "]);
      expect(blank.code).toBe(1);
      expect(blank.stderr).toContain("the reason is empty\n  say why: --reason TEXT");
      const without = await world.inside(["approve", digest]);
      expect(without.code).toBe(1);
      expect(without.stderr).toContain("reason");
    }),
  );
});
