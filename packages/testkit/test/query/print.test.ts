// A query that was printed reads as the same one; and no text whatsoever makes the parser throw.

import { assert, describe, it } from "@effect/vitest";
import { hostFields } from "@muster/core/query/host-fields";
import { nestingLimit, parseQuery, queryLimit } from "@muster/core/query/parse";
import { printQuery } from "@muster/core/query/print";
import type { Query } from "@muster/core/query/tree";
import * as Result from "effect/Result";
import { dice, randomQuery, sampleVocabulary } from "../../src/query/random.ts";
import type { Dice } from "../../src/query/random.ts";

const cases = Number(process.env["MUSTER_QUERY_CASES"] ?? 5_000);
const seed = Number(process.env["MUSTER_QUERY_SEED"] ?? Math.floor(Math.random() * 2 ** 32));

/** Milliseconds; many cases take longer than a test may by default. */
const timeout = Math.max(300_000, cases * 100);

/** The tree without its places, which alone a printed query may change. */
const withoutPlaces = (query: Query): unknown =>
  JSON.parse(JSON.stringify(query, (key, value: unknown) => (key === "at" ? undefined : value)));

const parsed = (text: string, told: string): Query => {
  const result = parseQuery(text, sampleVocabulary);
  if (Result.isSuccess(result)) return result.success;
  assert.fail(`${told}: ${text}\n${JSON.stringify(result.failure)}`);
};

const printable = /^[^\p{Cc}\p{Cs}]*$/u;

describe(`queries drawn with MUSTER_QUERY_SEED=${seed}`, () => {
  it(`${cases} are printed and read as the same`, { timeout }, () => {
    const roll = dice(seed);
    for (let index = 0; index < cases; index++) {
      const text = randomQuery(roll);
      const query = parsed(text, "drawn");
      const printed = printQuery(query);
      assert.match(printed, printable);
      const again = parsed(printed, `printed of ${text}`);
      assert.deepStrictEqual(withoutPlaces(again), withoutPlaces(query), `${text}\n${printed}`);
      assert.strictEqual(printQuery(again), printed);
    }
  });

  it(
    `${cases} that were damaged have a fault in their place, or print and read as the same`,
    { timeout },
    () => {
      const roll = dice(seed + 1);
      let faulty = 0;
      for (let index = 0; index < cases; index++) {
        const text = damaged(roll, randomQuery(roll));
        const result = parseQuery(text, sampleVocabulary);
        if (Result.isSuccess(result)) {
          const printed = printQuery(result.success);
          const again = parsed(printed, `printed of ${text}`);
          assert.deepStrictEqual(withoutPlaces(again), withoutPlaces(result.success), text);
          continue;
        }
        faulty += 1;
        assert.isNotEmpty(result.failure, text);
        for (const { at, summary } of result.failure) {
          assert.isTrue(at.offset >= 0 && at.offset <= text.length, text);
          assert.strictEqual(at.column, at.offset + 1);
          assert.match(summary, printable);
        }
      }
      assert.isAbove(faulty, cases / 10);
    },
  );
});

describe(`bytes drawn with MUSTER_QUERY_SEED=${seed}`, () => {
  it(`${cases} texts of any bytes are read or have a fault`, { timeout }, () => {
    const roll = dice(seed + 2);
    for (let index = 0; index < cases; index++) {
      const bytes = Buffer.from(Array.from({ length: roll(200) }, () => roll(256)));
      for (const encoding of ["latin1", "utf8", "utf16le"] as const) {
        // Behind a field and its colon, where they are a value, and by themselves.
        for (const before of ["", "role:", 'role:"', "drift:(", "stage:[", "sort:"]) {
          const text = before + bytes.toString(encoding);
          const result = parseQuery(text, hostFields);
          if (Result.isFailure(result)) assert.isNotEmpty(result.failure, JSON.stringify(text));
        }
      }
    }
  });
});

const pieces = [
  ...["(", ")", "[", "]", ",", "|", ":", "=", "!", "~", "<", ">", "-", '"', "\\", " ", "\n", "\0"],
  ...[
    "\ud800",
    "\u202e",
    "é",
    "😀",
    "*",
    "?",
    "AND",
    "OR",
    "NOT",
    "TO",
    "sort:",
    "age(",
    "null",
    '"OR" ',
  ],
  ...["role:", "label.", "label.x:", "24h", "__proto__:x", "constructor:x", "a".repeat(100)],
];

const damaged = (roll: Dice, text: string): string => {
  let result = text;
  for (let left = 1 + roll(4); left > 0; left--) {
    const at = roll(result.length + 1);
    const piece = roll(3) === 0 ? "" : pieces[roll(pieces.length)]!;
    result = result.slice(0, at) + piece + result.slice(at + roll(4));
  }
  return result;
};

describe("parseQuery, at its limits", () => {
  const endings = [...pieces, "x ", "x:", "role:x ", "role:(", "-(", "NOT ", "(role:x) "];

  it.each(endings)("takes %j again and again without a word of its own", (piece) => {
    const text = piece.repeat(Math.ceil((queryLimit + 1) / piece.length));
    for (const length of [1, 2, 50, 999, queryLimit - 1, queryLimit, queryLimit + 1]) {
      const result = parseQuery(text.slice(0, length), hostFields);
      if (length > queryLimit) assert.isTrue(Result.isFailure(result));
    }
  });

  it("refuses what would be too long when it is printed", () => {
    const text = "role:a ".repeat(1_400);
    assert.isBelow(text.length, queryLimit);
    const result = parseQuery(text, hostFields);
    if (Result.isSuccess(result)) assert.fail("it was taken");
    assert.include(result.failure[0]?.summary, "longer than 10000 characters");
  });

  it("takes parentheses as deep as it says, and prints them so", () => {
    const nested = (depth: number): string =>
      `${"NOT (role:x OR (".repeat(depth / 2)}os:linux AND role:y${"))".repeat(depth / 2)}`;
    const query = parsed(nested(nestingLimit), "nested");
    const again = parsed(printQuery(query), "printed");
    assert.deepStrictEqual(withoutPlaces(again), withoutPlaces(query));
    const deeper = parseQuery(nested(nestingLimit + 2), hostFields);
    if (Result.isSuccess(deeper)) assert.fail("it was taken");
    assert.include(deeper.failure[0]?.summary, "parentheses stand deeper than 32");
  });
});
