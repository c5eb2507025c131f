// Checks `muster history`: what each run did, by whom and how it ended, and what persons recorded.

import { describe, expect, it } from "@effect/vitest";
import { fleet } from "../fleet.ts";
import { openRepository } from "../repository.ts";
import { inWorld } from "../world.ts";

interface Told {
  readonly hidden: number;
  readonly history: ReadonlyArray<{
    readonly what: string;
    readonly id: string;
    readonly verdict?: string | null;
    readonly revision?: string | null;
    readonly documents?: ReadonlyArray<object>;
  }>;
}

describe("muster history", () => {
  it(
    "lists runs and what persons recorded, the newest first, and each change of one run",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      const first = await repository.commit({ "web.yaml": fleet(2) });
      const at = ["--repo", repository.url];
      const run = ["run", ...at, "--once", "--allow-profile", "DEFAULT"];
      const history = (...args: ReadonlyArray<string>) => world.inside(["history", ...args, ...at]);
      await world.inside(run);
      await world.inside(["approve", "3f".repeat(20), "--reason", "looked \u202eat it", ...at]);
      const second = await repository.commit({ "web.yaml": fleet(1) });
      await world.inside(run);

      const json = JSON.parse((await history("-o", "json")).stdout) as Told;
      expect(json.hidden).toBe(0);
      expect(json.history).toMatchObject([
        {
          ...{ what: "run", verdict: "done", revision: second },
          documents: [{ document: "FleetConfig/web", done: 1, failed: 0, trouble: null }],
        },
        { what: "note", action: "approve", reason: "looked \u202eat it" },
        { what: "run", verdict: "done", revision: first, documents: [{ done: 2 }] },
      ]);
      const told = await history();
      expect(told).toMatchObject({ code: 0, stderr: "" });
      const lines = told.stdout.split("\n");
      expect(lines[0]).toMatch(/^TIME +TOOK +RUN +VERDICT +REVISION +BY$/u);
      expect(lines[1]).toMatch(/^\S+Z {2}\d+ s +[0-9a-f]{8} +done +[0-9a-f]{12} {2}ann@/u);
      expect(lines[2]).toBe("  FleetConfig/web  1 done");
      expect(lines[4]).toBe("  looked \\u{202e}at it");

      const id = json.history[0]!.id;
      const one = await history(id.slice(0, 8));
      expect(one.stdout).toContain(`run ${id}\n`);
      expect(one.stdout).toMatch(/Z {2}done {5}remove web-2\.1 ocid1\.instance\.\S+\n {4}\S/u);
      const cut = JSON.parse((await history("--limit", "1", "-o", "json")).stdout) as Told;
      expect([cut.hidden, cut.history.length]).toEqual([2, 1]);
      expect((await history("web", "-o", "json")).stdout).not.toContain('"note"');
      const nothing = await history("api");
      expect(nothing.code).toBe(1);
      expect(nothing.stderr).toContain("it knows FleetConfig/web; ");
      expect((await history("--limit", "0")).code).toBe(1);
    }),
  );
});
