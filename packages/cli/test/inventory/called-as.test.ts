// The help of a command shows examples of the program that was called.

import { describe, expect, it } from "@effect/vitest";
import { inWorld } from "../world.ts";

describe("the help of a command that stands under two programs", () => {
  it(
    "has the examples of each",
    inWorld(async (world) => {
      const words = ["host", "list", "--help"];
      const roll = await world.fleetroll(words);
      expect(roll.code).toBe(0);
      expect(roll.stdout).toContain("fleetroll host list --drift-type override");
      expect(roll.stdout).not.toContain("muster host");
      const muster = await world.muster(words);
      expect(muster.stdout).toContain("muster host list --drift-type override");
      expect(muster.stdout).not.toContain("fleetroll host");
      // For a wrong call, too.
      const wrong = await world.fleetroll(["inventory", "seed", "add"]);
      expect([wrong.code, wrong.stdout]).toEqual([1, ""]);
      expect(wrong.stderr).toContain("fleetroll inventory seed add t-linux64-001.test.example");
    }),
  );
});
