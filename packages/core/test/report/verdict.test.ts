// Holds how a turn is called when the world moved under every try.

import { assert, describe, it } from "@effect/vitest";
import type { Outcome } from "../../src/apply/outcome.ts";
import type { CreateChange, Plan } from "../../src/words/plan.ts";
import { verdictOfApply } from "../../src/report/verdict.ts";

const document = { kind: "FleetConfig", name: "web" };

const change: CreateChange = {
  action: "create",
  key: "create:FleetConfig/web:web-1.1",
  member: { set: "web", slot: 1, generation: 1 },
  place: "AD-1",
  template: "t",
  token: "k",
  reason: { code: "Missing", text: "it is missing" },
};

const outcome = (result: Outcome["result"]): Outcome => ({
  document,
  change,
  result,
  code: null,
  message: "",
  remedy: null,
});

const left = (changes: ReadonlyArray<CreateChange>): Plan =>
  ({ document, changes, refusals: [], hold: null, seen: true, rollout: null }) as unknown as Plan;

const verdict = (results: ReadonlyArray<Outcome["result"]>, waiting: ReadonlyArray<CreateChange>) =>
  verdictOfApply({ left: [left(waiting)], outcomes: results.map(outcome), stale: false });

describe("the verdict of an apply", () => {
  it("is refused when every try found another world, and nothing was done", () => {
    assert.strictEqual(verdict(["stale", "stale"], [change]), "refused");
  });

  it("is partly done when something was, and done when nothing is left", () => {
    assert.strictEqual(verdict(["stale", "done"], [change]), "partly done");
    assert.strictEqual(verdict(["stale", "done"], []), "done");
    assert.strictEqual(verdict(["stale"], []), "done");
  });

  it("counts what came of a change in the end: another place may have had room", () => {
    assert.strictEqual(verdict(["failed", "skipped", "done"], []), "done");
    assert.strictEqual(verdict(["done", "failed"], [change]), "infrastructure failed");
  });

  it("tells what is worse before it", () => {
    assert.strictEqual(verdict(["stale", "unknown"], [change]), "outcome unknown");
    assert.strictEqual(verdict(["stale", "failed"], [change]), "infrastructure failed");
  });
});
