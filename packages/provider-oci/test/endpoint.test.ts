// Holds where signed requests may be sent.

import { assert, describe, it } from "@effect/vitest";
import { readEndpoint } from "../src/endpoint.ts";

describe("a base address", () => {
  it("is https anywhere, http only here", () => {
    const good = [
      ["https://iaas.example.com/", "https://iaas.example.com"],
      ["http://127.0.0.1:8080", "http://127.0.0.1:8080"],
      ["http://localhost:1/base//", "http://localhost:1/base"],
      ["http://[::1]:2", "http://[::1]:2"],
    ] as const;
    for (const [text, url] of good) assert.deepStrictEqual(readEndpoint(text), { ok: true, url });
  });

  it("is refused otherwise", () => {
    for (const text of [
      "http://example.com",
      "http://127.0.0.1.example.com",
      "http://localhost.example.com",
      "ftp://127.0.0.1",
      "https://u:p@example.com",
      "https://example.com?x=1",
      "https://example.com#x",
      "nothing",
    ]) {
      assert.isFalse(readEndpoint(text).ok, text);
    }
  });
});
