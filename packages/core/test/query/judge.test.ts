// What a query says of a row, with what was never observed kept apart from what is not there.

import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { hostFields } from "../../src/query/host-fields.ts";
import { makeJudge, selectRows } from "../../src/query/judge.ts";
import type { Truth } from "../../src/query/judge.ts";
import { parseQuery } from "../../src/query/parse.ts";
import type { Row } from "../../src/query/row.ts";
import { inDefaultScope } from "../../src/query/scope.ts";
import type { Query } from "../../src/query/tree.ts";
import type { Vocabulary } from "../../src/query/vocabulary.ts";

const vocabulary: Vocabulary = {
  ...hostFields,
  fields: { ...hostFields.fields, tags: { type: "list" } },
};

const queryOf = (text: string): Query => {
  const result = parseQuery(text, vocabulary);
  if (Result.isSuccess(result)) return result.success;
  assert.fail(`${text}: ${JSON.stringify(result.failure)}`);
};

const now = Date.UTC(2026, 10, 25, 12);
const hour = 3_600_000;

const judge = (text: string, row: Row): Truth => makeJudge(queryOf(text), now)(row);

describe("makeJudge", () => {
  it.each<readonly [string, Row, Truth]>([
    // Known to have no value, has one, never observed.
    ["expected_role:null", { expected_role: null }, true],
    ["expected_role:null", { expected_role: "x" }, false],
    ["expected_role:null", {}, "unknown"],
    ["expected_role:null", { expected_role: undefined }, "unknown"],
    ["expected_role:*", { expected_role: null }, false],
    ["expected_role:*", { expected_role: "x" }, true],
    ["expected_role:*", {}, "unknown"],
    ["expected_role:unknown", {}, true],
    ["expected_role:unknown", { expected_role: null }, false],
    ["NOT expected_role:unknown", {}, false],
    ['role:"null"', { role: "null" }, true],
    ['role:"null"', { role: null }, false],
    ['role:"*"', { role: "x" }, false],
    ['role:"unknown"', {}, "unknown"],
    // Nobody who was not probed is swept in by a negation.
    ["NOT role:x", {}, "unknown"],
    ["role!=x", {}, "unknown"],
    ["role!~x", {}, "unknown"],
    ["NOT role:x", { role: null }, true],
    ["role!=x", { role: "y" }, true],
    ["role!=x", { role: "x" }, false],
    // Three values.
    ["role:x AND os:linux", { role: "y" }, false],
    ["role:x AND os:linux", { role: "x" }, "unknown"],
    ["os:linux AND role:x", { role: "y" }, false],
    ["role:x OR os:linux", { role: "x" }, true],
    ["os:linux OR role:x", { role: "x" }, true],
    ["role:x OR os:linux", { role: "y" }, "unknown"],
    ["NOT (role:x OR os:linux)", { role: "y" }, "unknown"],
    ["NOT (role:x AND os:linux)", { role: "y" }, true],
    // Text.
    ["role:abc", { role: "ABC" }, false],
    ["role:a*c", { role: "abbc" }, true],
    ["role:a*c", { role: "abcd" }, false],
    ["role:a?c", { role: "a😀c" }, true],
    ["role:a?c", { role: "ac" }, false],
    ['role:"a*c"', { role: "abc" }, false],
    ["role~b", { role: "abc" }, true],
    ["role~B", { role: "abc" }, false],
    ["role:(x, a*)", { role: "abc" }, true],
    ["role:5.0", { role: "5" }, false],
    ["label.rack:a", { "label.rack": "a" }, true],
    ["label.rack:null", {}, "unknown"],
    // Enums, booleans, numbers.
    ["os:LINUX", { os: "Linux" }, true],
    ["os:linux", { os: "plan9" }, false],
    ["sshable:true", { sshable: true }, true],
    ["sshable:false", { sshable: null }, false],
    ["stage:2", { stage: 2 }, true],
    ["stage>2", { stage: 2 }, false],
    ["stage>=2", { stage: 2 }, true],
    ["stage<2", { stage: 10 }, false],
    ["stage<=2", { stage: null }, false],
    ["NOT stage<=2", { stage: null }, true],
    ["stage:[1 TO 2]", { stage: 2 }, true],
    ["stage:[1 TO 2]", { stage: 2.5 }, false],
    // What is of another type says nothing, and so does what no database could keep.
    ["role:5", { role: 5 }, "unknown"],
    ["role:unknown", { role: 5 }, true],
    ["stage:5", { stage: "5" }, "unknown"],
    ["stage>0", { stage: Number.NaN }, "unknown"],
    ["sshable:true", { sshable: "true" }, "unknown"],
    ["role:a*", { role: "a\0" }, "unknown"],
    ["role:a*", { role: "a\ud800" }, "unknown"],
    ["drift:role", { drift: "role" }, "unknown"],
    ["tags:a", { tags: ["a", 5 as unknown as string] }, "unknown"],
    // Times and ages.
    ["age(last_seen) > 24h", { last_seen: now - 25 * hour }, true],
    ["age(last_seen) > 24h", { last_seen: now - 24 * hour }, false],
    ["age(last_seen) >= 24h", { last_seen: now - 24 * hour }, true],
    ["age(last_seen) > 24h", { last_seen: null }, false],
    ["age(last_seen) > 24h", {}, "unknown"],
    ["last_seen:<24h", { last_seen: now - hour }, true],
    ["last_seen:<24h", { last_seen: now - 24 * hour }, false],
    ["last_seen:<=24h", { last_seen: now - 24 * hour }, true],
    ["last_seen:[1h TO 2h]", { last_seen: now - 1.5 * hour }, true],
    ["last_seen:[1h TO 2h]", { last_seen: now - 2.5 * hour }, false],
    ["last_seen:[1h TO 2h]", { last_seen: now - 0.5 * hour }, false],
    ["last_seen>2026-11-25T11:00:00Z", { last_seen: now }, true],
    ["last_seen<2026-11-25T11:00:00Z", { last_seen: now }, false],
    ["last_seen:2026-11-25T13:00:00+01:00", { last_seen: now }, true],
    // Lists.
    ["drift:override", { drift: ["role", "Override"] }, true],
    ["drift:override", { drift: [] }, false],
    ["drift:any", { drift: ["role"] }, true],
    ["drift:any", { drift: [] }, false],
    ["drift:any", { drift: null }, false],
    ["drift:any", {}, "unknown"],
    ["drift:null", { drift: [] }, true],
    // Lists of which a part is known.
    ["drift:role", { drift: { known: ["role"], unknown: ["override"] } }, true],
    ["drift:override", { drift: { known: ["role"], unknown: ["override"] } }, "unknown"],
    ["drift:tc-missing", { drift: { known: ["role"], unknown: ["override"] } }, false],
    ["NOT drift:override", { drift: { known: ["role"], unknown: ["override"] } }, "unknown"],
    ["NOT drift:tc-missing", { drift: { known: [], unknown: ["override"] } }, true],
    ["drift:tc-*", { drift: { known: [], unknown: ["tc-missing"] } }, "unknown"],
    ["drift:(role, override)", { drift: { known: ["role"], unknown: ["override"] } }, true],
    ["drift:any", { drift: { known: ["role"], unknown: ["override"] } }, true],
    ["drift:any", { drift: { known: [], unknown: ["override"] } }, "unknown"],
    ["drift:any", { drift: { known: [], unknown: [] } }, false],
    ["drift:null", { drift: { known: ["role"], unknown: ["override"] } }, false],
    ["drift:null", { drift: { known: [], unknown: ["override"] } }, "unknown"],
    ["drift:null", { drift: { known: [], unknown: [] } }, true],
    ["drift:unknown", { drift: { known: ["role"], unknown: ["override"] } }, false],
    ["drift:unknown", { drift: { known: [], unknown: ["override"] } }, true],
    ["drift:unknown", { drift: { known: [], unknown: [] } }, false],
    ["drift:role", { drift: { known: ["role"], unknown: ["\0"] } }, "unknown"],
    ["role:x", { role: { known: ["x"], unknown: [] } }, "unknown"],
    ["drift!=override", { drift: ["role"] }, true],
    ["drift!=override", { drift: ["role", "override"] }, false],
    ["drift:tc-*", { drift: ["tc-missing"] }, true],
    ["tags:a", { tags: ["A"] }, false],
    ["tags~b", { tags: ["x", "abc"] }, true],
    ["", {}, true],
  ])("%s of %j", (text, row, truth) => {
    assert.strictEqual(judge(text, row), truth);
  });
});

const hosts: ReadonlyArray<Row> = [
  { host: "c", stage: 1, disabled: false },
  { host: "a", disabled: false },
  { host: "b", stage: null, disabled: true, drift: ["disabled-active"] },
  { host: "d", stage: 1, disabled: false, drift: ["role"] },
  { host: "e", stage: 10, disabled: null },
];

const namesOf = (query: Query): string =>
  selectRows(query, hosts, (row) => row, now)
    .map(({ host }) => (typeof host === "string" ? host : "?"))
    .join("");

describe("selectRows", () => {
  it.each([
    ["", "cabde"],
    ["stage:*", "cde"],
    ["NOT stage:1", "be"],
    ["sort:host", "abcde"],
    ["sort:host:desc", "edcba"],
    // The same stage: as they came. No stage, then an unknown one: last, whatever the order is.
    ["sort:stage", "cdeba"],
    ["sort:stage:desc", "ecdba"],
    ["sort:stage:desc,host:desc", "edcba"],
    ["sort:disabled,host:desc", "dcabe"],
  ])("%s", (text, names) => {
    assert.strictEqual(namesOf(queryOf(text)), names);
  });
});

describe("inDefaultScope", () => {
  it.each([
    ["", "cade"],
    ["host:(a, b)", "a"],
    ["host:a OR host:b", "a"],
    ["stage:null", ""],
    // Named, in whatever way.
    ["disabled:*", "cabd"],
    ["host:(a, b) AND disabled:true", "b"],
    ["NOT disabled:false", "be"],
    ["sort:disabled,host", "acdbe"],
    // Only a disabled host has this drift; who excludes it does not ask for the disabled.
    ["drift:disabled-active", "b"],
    ["drift:(role, disabled-active)", "bd"],
    ["NOT drift:disabled-active", "d"],
    ["drift:any", "d"],
  ])("%s", (text, names) => {
    assert.strictEqual(namesOf(inDefaultScope(queryOf(text), vocabulary)), names);
  });

  it("leaves the disabled out where only their drift is excluded", () => {
    const query = inDefaultScope(queryOf("NOT drift:disabled-active"), vocabulary);
    assert.isFalse(makeJudge(query, now)({ disabled: true, drift: ["role"] }));
    assert.isTrue(makeJudge(query, now)({ disabled: false, drift: ["role"] }));
  });

  it("leaves out nothing where a vocabulary does not say so", () => {
    const { scope: _, ...rest } = vocabulary;
    assert.strictEqual(namesOf(inDefaultScope(queryOf(""), rest)), "cabde");
  });
});
