// Which files are read, and what becomes of their bytes.

import { describe, expect, it } from "@effect/vitest";
import { decodeSource, isDocumentFile } from "../../src/read/read.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("isDocumentFile", () => {
  it.each(["a.yaml", "a.yml", "a.json", "x/y/a.YAML", "./a.yaml", "../a.yaml"])("%s is", (path) => {
    expect(isDocumentFile(path)).toBe(true);
  });
  it.each([
    "a.md",
    "yaml",
    ".github/workflows/a.yaml",
    "x/.git/a.json",
    ".a.yaml",
    "node_modules/p/a.json",
    "a.yaml.bak",
  ])("%s is not", (path) => {
    expect(isDocumentFile(path)).toBe(false);
  });
});

describe("decodeSource", () => {
  it("takes UTF-8 with and without a byte order mark", () => {
    expect(decodeSource("a.yaml", bytes("\u{feff}a: ü"))).toEqual({ file: "a.yaml", text: "a: ü" });
  });

  it.each([
    [Uint8Array.of(0x61, 0, 0x62), "the file is binary, not text", 1],
    [Uint8Array.of(0xff, 0xfe, 0x61, 0), "the file is UTF-16 text, not UTF-8", 1],
    [Uint8Array.of(0x61, 0x0a, 0xff), "the file is not UTF-8 text", 2],
  ])("refuses %s", (input, summary, line) => {
    expect(decodeSource("a.yaml", input)).toMatchObject({ severity: "error", summary, line });
  });

  it("refuses 50 MB at once, whatever is in it", () => {
    const input = new Uint8Array(50_000_000);
    const start = performance.now();
    expect(decodeSource("a.yaml", input)).toMatchObject({
      summary: "the file has 50000000 bytes, more than the 1 MiB that are read",
    });
    expect(performance.now() - start).toBeLessThan(50);
  });

  it("takes a limit", () => {
    expect(decodeSource("a.yaml", bytes("ab"), { fileSize: 1 })).toHaveProperty("severity");
    expect(decodeSource("a.yaml", bytes("ab"), { fileSize: 2 })).toHaveProperty("text");
  });
});
