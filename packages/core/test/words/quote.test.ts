// What a person sees of text that somebody else chose.

import { assert, describe, it } from "@effect/vitest";
import { escapeJson, escapeText, quote } from "../../src/words/quote.ts";

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

describe("escapeJson", () => {
  it("escapes what JSON lets through and a terminal may act on, and it is the same JSON", () => {
    const text =
      "\u001b[2J\u0007\u009b31m\u007f\u202eab\u2028\ufeff\u{e0041}\ud800 Grüße, 東京 👋\n";
    const json = JSON.stringify({ [text]: text });
    const shown = escapeJson(json);
    assert.deepStrictEqual(JSON.parse(shown), { [text]: text });
    assert.notMatch(shown, /[^ -~üß東京👋]/u);
    assert.include(
      shown,
      "\\u009b31m\\u007f\\u202eab\\u2028\\ufeff\\udb40\\udc41\\ud800 Grüße, 東京 👋",
    );
    assert.strictEqual(escapeJson("\u001b[31mred\u001b[0m\nnext"), "\u001b[31mred\u001b[0m\nnext");
  });
});
