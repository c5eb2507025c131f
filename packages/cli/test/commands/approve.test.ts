// Checks `muster approve`: consent to refused removals lets exactly these go.

import { describe, expect, it } from "@effect/vitest";
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
    "refuses %j as a digest",
    (digest) =>
      inWorld(async (world) => {
        const ran = await world.inside(["approve", digest, "--reason", "x", ...here(world)]);
        expect(ran.code).toBe(1);
        expect(ran.stderr).toContain("is no digest\n  copy it from the refusal");
        expect(world.files(".")).not.toContain("store.db");
      })(),
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
