// One spelling per value, one digest per spelling, and no difference between telling and spelling.

import { createHash } from "node:crypto";
import { assert, describe, it } from "@effect/vitest";
import * as Schema from "effect/Schema";
import {
  canonicalJson,
  digestOf,
  digestOfTexts,
  sameJson,
  sha256Hex,
} from "../../src/words/canonical.ts";

const Value = Schema.Json;

/** Every object with its members the other way round, and one that is not there. */
const turned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(turned);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).map(([key, member]) => [key, turned(member)] as const);
  return Object.fromEntries([["not there", undefined], ...members.toReversed()]);
};

describe("canonicalJson", () => {
  it("sorts keys by code unit, however many and whatever they look like", () => {
    assert.strictEqual(canonicalJson({ b: 1, a: 2, B: 3 }), '{"B":3,"a":2,"b":1}');
    assert.strictEqual(canonicalJson({ "9": 1, "10": 2, a: 3 }), '{"10":2,"9":1,"a":3}');
    assert.strictEqual(canonicalJson({ "\uff00": 1, "\ud83d\ude00": 2 }), '{"😀":2,"\uff00":1}');
    const many = Array.from({ length: 100 }, (_, index) => `key-${(index * 37) % 100}`);
    const keys = Object.keys(
      JSON.parse(canonicalJson(Object.fromEntries(many.map((key) => [key, 0])))) as object,
    );
    assert.deepStrictEqual(keys, many.toSorted());
  });

  it("leaves out what is undefined, and refuses what JSON cannot say", () => {
    assert.strictEqual(canonicalJson({ a: undefined, b: [null] }), '{"b":[null]}');
    for (const value of [Number.NaN, 1n, () => 0, [undefined]]) {
      assert.throws(() => canonicalJson(value), TypeError);
    }
  });

  it.prop(
    "is JSON of the same value, and the same text in any order",
    { value: Value },
    ({ value }) => {
      assert.deepStrictEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      assert.strictEqual(canonicalJson(turned(value)), canonicalJson(value));
    },
  );
});

describe("sameJson", () => {
  it.prop("tells what the spellings tell", { a: Value, b: Value }, ({ a, b }) => {
    for (const [one, other] of [
      [a, b],
      [a, turned(a)],
      [turned(a), a],
      [[a], [a, b]],
      [{ a }, { a, b }],
      [{ a, b }, { a }],
      [
        { a, b },
        { a, b: undefined },
      ],
      [{ a }, { b: a }],
      [
        { x: a, y: b },
        { x: a, y: a },
      ],
    ]) {
      assert.strictEqual(sameJson(one, other), canonicalJson(one) === canonicalJson(other));
    }
  });

  it("takes a list for no object, and what all objects have for no member", () => {
    assert.isFalse(sameJson([], {}));
    assert.isFalse(sameJson({}, []));
    assert.isFalse(sameJson({ a: null }, {}));
    assert.isFalse(sameJson(JSON.parse('{"__proto__":{}}'), {}));
    assert.isFalse(sameJson({}, JSON.parse('{"__proto__":{}}')));
    assert.isFalse(sameJson({ toString: 1 }, { valueOf: 1 }));
  });
});

describe("digests", () => {
  const hexOf = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex");

  it("are those of the text in UTF-8, of any length", () => {
    for (const text of [
      "",
      "abc",
      "ü".repeat(8_191),
      "😀".repeat(20_000),
      `x${"😀".repeat(4_097)}`,
    ]) {
      assert.strictEqual(sha256Hex(text), hexOf(text));
    }
    assert.strictEqual(digestOf({ b: 1, a: 2 }), `sha256:${hexOf('{"a":2,"b":1}')}`);
  });

  it("of lists tell where one text ends", () => {
    assert.strictEqual(digestOfTexts(["a", "b"]), digestOfTexts(["a", "b"]));
    assert.notStrictEqual(digestOfTexts(["ab", ""]), digestOfTexts(["a", "b"]));
    assert.notStrictEqual(digestOfTexts(["a", "b"]), digestOfTexts(["b", "a"]));
    assert.notStrictEqual(digestOfTexts(["1:a"]), digestOfTexts(["", "a"]));
  });
});
