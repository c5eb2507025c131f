// Durable names: what is written is read back, and each fact changes the token.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import { compareMembers, formatMember, launchToken, parseMember } from "../../src/words/member.ts";

const number = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 999_999_999 }));
const set = Schema.Literals(["web", "web-1", "a-1.2", "x.y", "-"]);
const document = { kind: "FakeFleet", name: "site" };

describe("member names", () => {
  it.effect.prop(
    "are read back as they were written",
    { set, slot: number, generation: number },
    (name) =>
      Effect.sync(() => {
        assert.deepStrictEqual(parseMember(formatMember(name)), { ...name });
        assert.strictEqual(compareMembers(name, parseMember(formatMember(name))!), 0);
      }),
  );

  it("are refused in any other spelling", () => {
    for (const text of [
      "",
      "web",
      "web-1",
      "web-0.1",
      "web-01.1",
      "web-1.0",
      "-1.1",
      "web-1.1 ",
      "web-1.1\n",
      "web-1e9.1",
    ]) {
      assert.strictEqual(parseMember(text), undefined, JSON.stringify(text));
    }
  });

  it("give another token for each fact that differs, and the same for the same", () => {
    const member = { set: "web", slot: 1, generation: 1 };
    const tokens = [
      launchToken("us", document, member, "a"),
      launchToken("them", document, member, "a"),
      launchToken("us", { ...document, kind: "Other" }, member, "a"),
      launchToken("us", { ...document, name: "other" }, member, "a"),
      launchToken("us", document, { ...member, set: "db" }, "a"),
      launchToken("us", document, { ...member, slot: 2 }, "a"),
      launchToken("us", document, { ...member, generation: 2 }, "a"),
      launchToken("us", document, { set: "web", slot: 11, generation: 1 }, "a"),
      launchToken("us", document, member, "b"),
    ];
    assert.strictEqual(new Set(tokens).size, tokens.length);
    assert.strictEqual(launchToken("us", document, { ...member }, "a"), tokens[0]);
    for (const token of tokens) assert.match(token, /^[0-9a-f]{64}$/u);
  });
});
