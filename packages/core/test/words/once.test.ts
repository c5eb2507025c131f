// A question is asked once about each value, whatever the answer is, and never about another.

import { assert, describe, it } from "@effect/vitest";
import { oncePer } from "../../src/words/once.ts";

describe("oncePer", () => {
  it("asks once about a value, also when the answer is nothing", () => {
    let asked = 0;
    const ask = oncePer((value: { readonly name?: string }) => {
      asked += 1;
      return value.name;
    });
    const value = {};
    assert.strictEqual(ask(value), undefined);
    assert.strictEqual(ask(value), undefined);
    assert.strictEqual(asked, 1);
  });

  it("takes an equal value for another one", () => {
    const ask = oncePer((value: { readonly name: string }) => [value.name]);
    const [one, other] = [{ name: "a" }, { name: "a" }];
    assert.strictEqual(ask(one), ask(one));
    assert.notStrictEqual(ask(one), ask(other));
    assert.deepStrictEqual(ask(other), ["a"]);
  });

  it("asks again when there was no answer", () => {
    let asked = 0;
    const ask = oncePer((value: { readonly name: string }) => {
      asked += 1;
      if (asked === 1) throw new TypeError("not now");
      return value.name;
    });
    const value = { name: "a" };
    assert.throws(() => ask(value), TypeError);
    assert.strictEqual(ask(value), "a");
  });
});
