// Holds the reference of queries against the language: its grammar is the parser's, its examples are the specification's.

import { readFileSync } from "node:fs";
import * as path from "node:path";
import * as Result from "effect/Result";
import { describe, expect, it } from "vitest";
import { hostFields } from "@muster/core/query/host-fields";
import { nestingLimit, parseQuery, queryLimit } from "@muster/core/query/parse";
import { examples } from "../../scripts/reference/queries-text.ts";

const root = path.resolve(import.meta.dirname, "../..");
const page = readFileSync(path.join(root, "docs/reference/queries.md"), "utf8");
const grammar = /```text\n(query [^`]*)```/u.exec(page)?.[1] ?? "";

const reads = (text: string): boolean => Result.isSuccess(parseQuery(text, hostFields));

describe("the reference of queries", () => {
  it("has the queries of the specification word for word, and all of its examples read", () => {
    const asked = examples.map(([query]) => query);
    expect(asked).toEqual(
      expect.arrayContaining([
        ...["expected_role:null", "role:gecko_t_linux_talos AND expected_role:null"],
        ...["expected_role:gecko_t_linux_talos"],
        ...["drift:override", "drift:tc-missing", "drift:any"],
      ]),
    );
    expect(asked.filter((query) => !reads(query))).toEqual([]);
    for (const query of asked) expect(page).toContain(`\`${query.replaceAll("|", "\\|")}\``);
  });

  it("says how long and how deep a query may be", () => {
    expect(page).toContain(`at most ${queryLimit.toLocaleString("en")} characters`);
    expect(page).toContain(`up to ${nestingLimit} deep`);
    expect(reads(`${"(".repeat(nestingLimit)}role:x${")".repeat(nestingLimit)}`)).toBe(true);
    expect(reads(`${"(".repeat(nestingLimit + 1)}role:x${")".repeat(nestingLimit + 1)}`)).toBe(
      false,
    );
  });

  // Each operator and each word in quotes of the grammar, in a query that is read because of it.
  it.each([
    ['"OR"', "role:x OR role:y"],
    ['"AND"', "role:x AND role:y"],
    ['"NOT"', "NOT role:x"],
    ['"-"', "-role:x"],
    ['"("', "(role:x)"],
    ['":"', "role:x"],
    ['"age("', "age(last_seen) > 1d12h"],
    ['"="', "role=x"],
    ['"!="', "role!=x"],
    ['"~"', "role~x"],
    ['"!~"', "role!~x"],
    ['">"', "stage>1"],
    ['">="', "stage>=1"],
    ['"<"', "last_seen:<24h"],
    ['"<="', "last_seen<=2026-05-01T00:00:00Z"],
    ['"null"', "role:null"],
    ['"unknown"', "role:unknown"],
    ['"*"', "role:*"],
    ['","', "role:(x, y)"],
    ['"|"', "role:(x | y)"],
    ['"["', "stage:[1 TO 2]"],
    ['"TO"', "stage:[1 TO 2]"],
    ['"true"', "sshable:true"],
    ['"false"', "sshable:false"],
    ['"."', "label.net.vlan:x"],
    ['"sort:"', "sort:role:asc,host"],
    ['"asc"', "sort:role:asc"],
    ['"desc"', "role:x sort:role:desc, host"],
  ])("has %s in its grammar", (symbol, query) => {
    expect(grammar).toContain(symbol);
    expect(reads(query), query).toBe(true);
  });

  it("has no symbol in its grammar that is not tried above", () => {
    const symbols = new Set(grammar.match(/"[^"]+"/gu));
    expect([...symbols].toSorted()).toEqual(
      [
        ...['"!="', '"!~"', '"("', '")"', '"*"', '","', '"-"', '"."', '":"', '"<"', '"<="', '"="'],
        ...['">"', '">="', '"AND"', '"NOT"', '"OR"', '"TO"', '"["', '"]"', '"age("', '"asc"'],
        ...['"desc"', '"false"', '"null"', '"sort:"', '"true"', '"unknown"', '"|"', '"~"'],
      ].toSorted(),
    );
  });
});
