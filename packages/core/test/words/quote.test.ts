// What a person sees of text that somebody else chose.

import { assert, describe, it } from "@effect/vitest";
import { escapeText, quote } from "../../src/words/quote.ts";

describe("quote", () => {
  it("escapes what steers a terminal or cannot be seen", () => {
    assert.strictEqual(quote("a\u001b[2Jb"), '"a\\u{1b}[2Jb"');
    assert.strictEqual(quote("\u202egnp.exe"), '"\\u{202e}gnp.exe"');
    assert.strictEqual(quote("\u009b31m\r\n\t"), '"\\u{9b}31m\\u{d}\\u{a}\\u{9}"');
    assert.strictEqual(quote("a\u{e0041}\ud800"), '"a\\u{e0041}\\u{d800}"');
    assert.strictEqual(escapeText("a\u001b[2Jb"), "a\\u{1b}[2Jb");
    assert.strictEqual(escapeText("\u007f"), "\\u{7f}");
    assert.strictEqual(escapeText("two\nlines\n"), "two\\u{a}lines\\u{a}");
  });

  it("escapes its own marks, and leaves ordinary text of any script alone", () => {
    assert.strictEqual(quote('say "hi" \\ bye'), '"say \\"hi\\" \\\\ bye"');
    assert.strictEqual(quote("Grüße, 東京 👋"), '"Grüße, 東京 👋"');
  });

  it("is cut by characters, not by code units", () => {
    assert.strictEqual(quote("👋👋👋", 2), '"👋👋…"');
    assert.strictEqual(escapeText("abc", 3), "abc");
    assert.strictEqual(escapeText("abcd", 3), "abc…");
  });
});
