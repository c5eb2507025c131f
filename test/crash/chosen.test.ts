import { assert, describe, it } from "@effect/vitest";
import { chosenFaults } from "./chosen.ts";

const names = ["hang", "delay", "die", "a throttle"];

describe("which faults a sweep is asked for", () => {
  it("all, when nothing is asked", () => {
    assert.deepStrictEqual([...chosenFaults(names, undefined)], names);
    assert.deepStrictEqual([...chosenFaults(names, "")], names);
  });

  it("names and ranges, whose ends may be left out", () => {
    assert.deepStrictEqual([...chosenFaults(names, "die, hang")], ["die", "hang"]);
    assert.deepStrictEqual([...chosenFaults(names, "delay..die")], ["delay", "die"]);
    assert.deepStrictEqual([...chosenFaults(names, "..delay")], ["hang", "delay"]);
    assert.deepStrictEqual([...chosenFaults(names, "die..")], ["die", "a throttle"]);
  });

  it("no name that does not exist", () => {
    assert.throws(() => chosenFaults(names, "hand"), /no fault hand; there are: hang, delay/u);
  });
});
