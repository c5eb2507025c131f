import { assert, describe, it } from "@effect/vitest";
import { retryAfterMillisOf } from "../../src/words/retry-after.ts";

describe("retry-after", () => {
  it("is seconds or a date", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    assert.strictEqual(retryAfterMillisOf("7", now), 7_000);
    assert.strictEqual(retryAfterMillisOf("Thu, 01 Jan 2026 00:00:09 GMT", now), 9_000);
    assert.strictEqual(retryAfterMillisOf("Thu, 01 Jan 2025 00:00:09 GMT", now), 0);
    for (const text of [null, "", "soon", "-1"]) assert.isNull(retryAfterMillisOf(text, now));
  });
});
