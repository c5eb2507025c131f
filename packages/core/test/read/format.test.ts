// How diagnostics look, and that nothing in them acts on a terminal.

import { describe, expect, it } from "@effect/vitest";
import { codeFrame, formatDiagnostic } from "../../src/read/read.ts";
import { escapeText, quote } from "../../src/words/quote.ts";

describe("formatDiagnostic", () => {
  it("is one line, and the hint below", () => {
    const fault = {
      file: "a.yaml",
      line: 7,
      column: 5,
      severity: "error",
      summary: "wrong",
    } as const;
    expect(formatDiagnostic(fault)).toBe("a.yaml:7:5: error: wrong");
    expect(formatDiagnostic({ ...fault, file: "\u001b]0;a", hint: "h\u0007" })).toBe(
      "\\u{1b}]0;a:7:5: error: wrong\n  hint: h\\u{7}",
    );
  });
});

describe("codeFrame", () => {
  it("puts a caret under the column", () => {
    expect(codeFrame("a: 1\r\nbc: x\n", { line: 2, column: 5 })).toBe("2 | bc: x\n  |     ^");
  });
  it("counts an escaped character by what is shown, a tab as one", () => {
    expect(codeFrame("\u001b\ta", { line: 1, column: 3 })).toBe("1 | \\u{1b} a\n  |        ^");
  });
  it("cuts a long line around the place, and shows nothing past the end", () => {
    const [line, caret] = codeFrame(`${"x".repeat(500)}!${"y".repeat(500)}`, {
      line: 1,
      column: 501,
    }).split("\n");
    expect(line!.length).toBeLessThan(110);
    expect(line![caret!.indexOf("^")]).toBe("!");
    expect(codeFrame("a", { line: 9, column: 3 })).toBe("9 | \n  | ^");
  });
});

describe("quote", () => {
  it.each([
    ["plain ü 😀", '"plain ü 😀"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ["\u001b[2J\r\n\u0085\u009b", '"\\u{1b}[2J\\u{d}\\u{a}\\u{85}\\u{9b}"'],
    ["\u202eabc\u2066\u200b\ufeff\u{e0041}", '"\\u{202e}abc\\u{2066}\\u{200b}\\u{feff}\\u{e0041}"'],
    ["\ud800x", '"\\u{d800}x"'],
  ])("%j", (text, shown) => {
    expect(quote(text)).toBe(shown);
  });
  it("cuts at 80 characters, not within one", () => {
    expect(quote("😀".repeat(80))).toBe(`"${"😀".repeat(80)}"`);
    expect(escapeText("😀".repeat(81))).toBe(`${"😀".repeat(80)}…`);
  });
});
