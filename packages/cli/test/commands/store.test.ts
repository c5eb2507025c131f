// Checks `muster store migrate` where there is nothing to migrate; how it does it stands in a how-to, which is run.

import { describe, expect, it } from "@effect/vitest";
import * as Option from "effect/Option";
import { recordWords } from "../../src/records.ts";
import { inWorld } from "../world.ts";

describe("muster store migrate", () => {
  it.each([[[]], [["--store", "sqlite:store.db"]], [["--store", "memory:"]]])(
    "wants a store on Postgres, not %j",
    (store) =>
      inWorld(async (world) => {
        const ran = await world.muster(["store", "migrate", ...store]);
        expect(ran.code).toBe(1);
        expect(ran.stdout).toBe("");
        expect(ran.stderr).toMatch(/only a store on Postgres.*\n {2}name it with --store/u);
        expect(world.files(".")).not.toContain("store.db");
      })(),
  );

  it(
    "ends with 2 when nobody answers, and shows no password",
    inWorld(async (world) => {
      const place = "postgres://owner:hunter2@127.0.0.1:9/fleet";
      for (const more of [[], ["-o", "json"], ["--grant", "muster"]]) {
        const ran = await world.muster(["store", "migrate", "--store", place, ...more]);
        expect(ran.code).toBe(2);
        expect(ran.stderr).toContain("the server refuses connections");
        expect(ran.stdout + ran.stderr).not.toContain("hunter2");
      }
    }),
  );
});

it("a command that is suggested names the store without its password", () => {
  const none = Option.none<string>();
  const flags = { owner: none, config: none, repo: none, env: "default", file: "." };
  const words = recordWords({ ...flags, store: Option.some("postgres://a:hunter2@db/x") });
  expect(words).toBe(" --store 'postgres://a@db/x'");
});
