// How far a clock may be off before that is told, and before it is a failure.

import { assert, describe, it } from "@effect/vitest";
import { clockFinding } from "../../src/words/finding.ts";

describe("the finding about a clock", () => {
  const judged = (ahead: number) => clockFinding("clock", ahead).verdict;

  it("is well within half a minute, worth a word to five, and a failure beyond", () => {
    assert.deepStrictEqual([0, 30_000, -30_000].map(judged), ["ok", "ok", "ok"]);
    assert.deepStrictEqual([30_001, -300_000].map(judged), ["warning", "warning"]);
    assert.deepStrictEqual([300_001, -300_001].map(judged), ["failed", "failed"]);
  });

  it("says which of the two is behind, and what to do", () => {
    const slow = clockFinding("clock", 400_000);
    assert.strictEqual(slow.message, "this machine's clock is 400 s behind it");
    assert.include(slow.remedy ?? "", "NTP");
    assert.strictEqual(slow.origin, "infrastructure");
    assert.strictEqual(
      clockFinding("clock", -40_000).message,
      "this machine's clock is 40 s ahead of it",
    );
    assert.strictEqual(clockFinding("clock", 900).message, "this machine's clock agrees");
  });
});
