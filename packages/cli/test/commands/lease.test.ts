// Checks `muster lease`: who holds it, and that stealing it fences a real holder and is audited.

import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "@effect/vitest";
import { fleet } from "../fleet.ts";
import { openRepository } from "../repository.ts";
import { inWorld, type World } from "../world.ts";

const here = (world: World) => ["--store", `sqlite:${world.at("store.db")}`];
const show = (world: World, ...args: ReadonlyArray<string>) =>
  world.inside(["lease", "show", ...args]);
const steal = (world: World, ...args: ReadonlyArray<string>) =>
  world.inside(["lease", "steal", "--reason", "it hangs", ...args]);

interface Entry {
  readonly phase: string;
  readonly action: string;
  readonly outcome: string | null;
  readonly reason: { readonly text: string };
  readonly parameters: { readonly from?: number | null; readonly version?: number };
}

const thefts = (file: string): ReadonlyArray<Entry> => {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare("SELECT json FROM audit ORDER BY seq").all();
  database.close();
  return rows
    .map((row) => JSON.parse(String(row["json"])) as Entry)
    .filter(({ action }) => action === "steal lease");
};

const slow = { launchDelayMs: 50_000 };

describe("muster lease, in the store", () => {
  it(
    "shows a real apply at work, and once stolen that apply writes nothing more",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const apply = ["apply", file, ...here(world)];
      const started = world.start(apply);
      await started.until("create web-1.1: ");
      const held = await show(world, ...here(world));
      expect(held.code).toBe(0);
      expect(held.stdout).toMatch(/^held {2}sqlite:.*store\.db {2}version \d+\n {2}by ann@\S+ /u);
      expect(held.stdout).toContain("muster lease steal --reason TEXT");

      const unasked = await steal(world, ...here(world));
      expect(unasked.code).toBe(1);
      expect(unasked.stderr).toContain("nobody sits at a terminal to confirm this\n");
      expect(thefts(world.at("store.db"))).toEqual([]);

      const stolen = await steal(world, "--yes", ...here(world), "-o", "json");
      expect(stolen).toMatchObject({ code: 0, stderr: "" });
      const told = JSON.parse(stolen.stdout) as { readonly version: number };
      expect(told).toMatchObject({ stolen: true, reason: "it hangs", from: { state: "held" } });
      world.simulator.advance(60_000);
      const ended = await started.ended;
      expect(ended.code).not.toBe(0);
      expect(ended.stderr).toMatch(/lease/u);

      const [intent, outcome] = thefts(world.at("store.db"));
      expect(intent).toMatchObject({ phase: "intent", reason: { text: "it hangs" } });
      expect(outcome).toMatchObject({ phase: "outcome", outcome: "done" });
      expect(outcome!.parameters.version).toBe(told.version);
      expect((await show(world, ...here(world))).stdout).toMatch(/^free {2}/u);
      expect((await world.inside(apply)).code).toBe(0);
      expect((await world.inside(["audit", "verify", ...here(world)])).code).toBe(0);
    }, slow),
  );

  it(
    "says of a free one that there is nothing to steal, and refuses without reason or store",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(1));
      const none = await show(world, ...here(world));
      expect(none.code).toBe(1);
      expect(none.stderr).toContain("there is no store at sqlite:");
      await world.inside(["apply", file, ...here(world)]);
      const free = await steal(world, "--yes", ...here(world));
      expect(free.code).toBe(0);
      expect(free.stdout).toContain("nothing to steal: the next run claims it");
      expect(thefts(world.at("store.db"))).toEqual([]);
      const blank = await world.inside(["lease", "steal", "--reason= ", "--yes", ...here(world)]);
      expect(blank.code).toBe(1);
      expect(blank.stderr).toContain("the reason is empty");
      const without = await world.inside(["lease", "steal", "--yes", ...here(world)]);
      expect(without.code).toBe(1);
      expect(without.stderr).toContain("reason");
      expect((await world.inside(["lease", "steal", "--help"])).stdout).toContain("EXAMPLES");
    }),
  );
});

describe("muster lease, in git", () => {
  it(
    "shows a real run at work; once stolen it pushes no status, and the next run does",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const at = ["--repo", repository.url];
      expect((await show(world, ...at)).stdout).toMatch(
        /^never held {2}muster\/lease\/default of /u,
      );
      const run = ["run", ...at, "--once", "--allow-profile", "DEFAULT"];
      const started = world.start(run);
      await started.until("create web-1.1: ");
      const held = JSON.parse((await show(world, ...at, "-o", "json")).stdout) as object;
      expect(held).toMatchObject({ lease: "git", state: "held", version: 1, fault: null });
      const ask = ["lease", "steal", "--reason", "it hangs", ...at];
      const declined = await world.inside(ask, { answer: false });
      expect(declined.code).toBe(1);
      expect(declined.stderr).toMatch(
        /^held {2}muster\/lease\/default (?:.*\n)+muster: not confirmed/u,
      );
      const stolen = await world.inside(ask, { answer: true });
      expect(stolen.code).toBe(0);
      expect(stolen.stdout).toContain(
        "stolen and free: version 2 of muster/lease/default of file:",
      );
      world.simulator.advance(60_000);
      const ended = await started.ended;
      expect(ended.code).not.toBe(0);
      expect(repository.refs()).not.toContain("muster/status");
      expect(await world.inside(run)).toMatchObject({ code: 0 });
      expect(repository.refs()).toContain("muster/status");
      const free = JSON.parse((await show(world, ...at, "-o", "json")).stdout) as object;
      expect(free).toMatchObject({ state: "free" });
    }, slow),
  );

  it(
    "tells a poisoned branch with its remedy, and repairs it",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(0) });
      repository.git("push", "-q", "origin", "HEAD:refs/heads/muster/lease/default");
      const at = ["--repo", repository.url];
      const seen = await show(world, ...at);
      expect(seen.code).toBe(5);
      expect(seen.stdout).toMatch(/^unreadable {2}/u);
      expect(seen.stdout).toContain("stop every runner of this environment");
      expect(await steal(world, "--yes", ...at)).toMatchObject({ code: 0 });
      const mended = await show(world, ...at);
      expect(mended.code).toBe(0);
      expect(mended.stdout).toMatch(/^free {2}.*\n {2}last held by ann@/u);
    }),
  );
});
