import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { longestLabel, readLabels } from "../../src/inventory/labels.ts";
import { hostFields } from "../../src/query/host-fields.ts";
import { parseQuery } from "../../src/query/parse.ts";

describe("labels", () => {
  it("are set by KEY=VALUE and removed by KEY-", () => {
    const read = readLabels(["rack=3", "net.vlan-", "a-b=", "x==y", "end--"]);
    if ("fault" in read) return assert.fail(read.fault);
    assert.deepStrictEqual(Array.from(read.changes), [
      ["rack", "3"],
      ["net.vlan", null],
      ["a-b", ""],
      ["x", "=y"],
      ["end-", null],
    ]);
  });

  it.each([
    ["rack", '"rack" is no label'],
    ["=3", 'a label cannot be called ""'],
    ["-", 'a label cannot be called ""'],
    ["a b=3", 'a label cannot be called "a b"'],
    ["a.=3", 'a label cannot be called "a."'],
    ["a:b-", 'a label cannot be called "a:b"'],
    [`${"a".repeat(129)}=3`, "a label cannot be called "],
    ["rack=a\nb", 'the label "rack" cannot have that value'],
    ["rack=\u001b[0m", 'the label "rack" cannot have that value'],
    [`rack=${"a".repeat(longestLabel + 1)}`, 'the label "rack" cannot have that value'],
  ])("cannot be %j", (word, fault) => {
    const read = readLabels(["fine=1", word]);
    assert.isTrue("fault" in read && read.fault.startsWith(fault), JSON.stringify(read));
  });

  it("are given once", () => {
    const read = readLabels(["rack=3", "rack-"]);
    assert.strictEqual("fault" in read && read.fault, 'the label "rack" is given twice');
  });

  // Every key of up to three characters that matter: what may be set can be asked for, and nothing else.
  it("can be called what a query can name", () => {
    const characters = ["a", "0", "_", "-", ".", ":", "=", " ", "é", '"'];
    const keys = characters.flatMap((a) =>
      characters.flatMap((b) => characters.map((c) => a + b + c)),
    );
    for (const key of keys) {
      const named = Result.isSuccess(parseQuery(`label.${key}:*`, hostFields));
      const set = readLabels([`${key}=1`]);
      const isSet = "changes" in set && set.changes.has(key);
      if (isSet) assert.isTrue(named, key);
      // What an operator cuts off is another query, and another label.
      else if (!/[:= ]/u.test(key)) assert.isFalse(named, key);
    }
  });
});
