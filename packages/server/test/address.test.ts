// Holds how an address to listen on is read: never all interfaces unasked.

import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { parseListenAddress } from "../src/address.ts";

const read = (text: string) => Result.getOrNull(parseListenAddress(text));

describe("an address", () => {
  it("is a host and a port; a port alone is this machine's own", () => {
    assert.deepStrictEqual(read(":9464"), { host: "127.0.0.1", port: 9464 });
    assert.deepStrictEqual(read("0.0.0.0:80"), { host: "0.0.0.0", port: 80 });
    assert.deepStrictEqual(read("[::1]:0"), { host: "::1", port: 0 });
    assert.deepStrictEqual(read("localhost:65535"), { host: "localhost", port: 65_535 });
  });

  it("is refused when it is none", () => {
    const wrong = ["", "9464", "::1:80", "[::1]", "[1.2.3.4]:80", "a:65536", "a b:1", "a:-1"];
    for (const text of [...wrong, "1.2.3:80", "http://a:80", "a:80/x", "[]:80", "-a:80"]) {
      assert.isNull(read(text), text);
    }
  });
});
