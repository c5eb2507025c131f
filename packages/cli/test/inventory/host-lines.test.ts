// What a host prints is shown line by line, whatever it prints.

import { describe, expect, it } from "@effect/vitest";
import { makeHostLines, viewHostLine } from "../../src/inventory/host-lines.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("the lines of a host", () => {
  it("are whole, however they come in pieces, each stream by itself", () => {
    const lines = makeHostLines();
    const whole = bytes("grün\r\nzwei\n");
    const shown = [...whole].flatMap((byte) => lines.add("stdout", Uint8Array.of(byte)));
    expect(shown.map(({ text }) => text)).toEqual(["grün", "zwei"]);
    expect(lines.add("stdout", bytes("a"))).toEqual([]);
    expect(lines.add("stderr", bytes("b\n"))).toEqual([{ stream: "stderr", text: "b" }]);
    expect(lines.end()).toEqual([{ stream: "stdout", text: "a" }]);
    expect(lines.end()).toEqual([]);
  });

  it("are cut when they are too long, and never held back without end", () => {
    const lines = makeHostLines();
    const shown = lines.add("stdout", bytes("x".repeat(20_000)));
    expect(shown.map(({ text }) => text.length)).toEqual([8_192, 8_192, 3_616]);
    expect(lines.end()).toEqual([]);
  });

  it("are shown up to a bound over both streams, and counted beyond it", () => {
    const lines = makeHostLines(10);
    expect(lines.add("stdout", bytes("1234\n")).length).toBe(1);
    expect(lines.add("stderr", bytes("1234\n")).length).toBe(1);
    expect(lines.add("stdout", bytes("1\n2\n"))).toEqual([]);
    expect(lines.dropped()).toBe(4);
  });

  it("say nothing to a terminal but tabs", () => {
    expect(viewHostLine("a\tb\u001b[2J\u202Ec\u009b\u0007")).toBe(
      "a\tb\\u{1b}[2J\\u{202e}c\\u{9b}\\u{7}",
    );
  });
});
