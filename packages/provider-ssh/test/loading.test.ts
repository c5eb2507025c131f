// Holds that Node itself loads the library as the tests do, and not before it is needed.

import { execFileSync } from "node:child_process";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";

const source = (name: string): string =>
  pathToFileURL(join(import.meta.dirname, "..", "src", name)).href;

const printed = (text: string): string =>
  execFileSync(
    process.execPath,
    ["--conditions=muster-source", "--input-type=module", "--eval", text],
    { encoding: "utf8" },
  ).trim();

describe("Node", () => {
  it("loads what uses the library", () => {
    const text = `const all = await import("${source("client.ts")}");
      console.log(Object.keys(all).sort().join(" "), all.parsePrivateKey(Buffer.from("x"), null));`;
    expect(printed(text)).toBe("openSession parsePrivateKey holds no private key that can be read");
  });

  it("loads the library no sooner than that", () => {
    const loaded = `Object.keys((await import("node:module")).createRequire("${source("client.ts")}").cache)
      .filter((file) => file.includes("/ssh2/")).length > 0`;
    const text = (name: string): string =>
      `await import("${source(name)}"); console.log(${loaded});`;
    expect(printed(text("index.ts"))).toBe("false");
    expect(printed(text("client.ts"))).toBe("true");
  });
});
