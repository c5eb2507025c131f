// What a query means, and what is said of one that means nothing: each fault in its place.

import { assert, describe, it } from "@effect/vitest";
import * as Result from "effect/Result";
import { hostFields } from "../../src/query/host-fields.ts";
import { parseQuery } from "../../src/query/parse.ts";
import { printQuery } from "../../src/query/print.ts";
import type { Query } from "../../src/query/tree.ts";
import type { Vocabulary } from "../../src/query/vocabulary.ts";

const parsed = (text: string, vocabulary: Vocabulary = hostFields): Query => {
  const result = parseQuery(text, vocabulary);
  if (Result.isSuccess(result)) return result.success;
  assert.fail(`${text}: ${JSON.stringify(result.failure)}`);
};

/** `COLUMN SUMMARY; HINT` of each fault. */
const faultsOf = (text: string, vocabulary: Vocabulary = hostFields): ReadonlyArray<string> => {
  const result = parseQuery(text, vocabulary);
  if (Result.isSuccess(result)) assert.fail(`${text} was taken`);
  return result.failure.map(
    ({ at, summary, hint }) => `${at.column} ${summary}${hint === undefined ? "" : `; ${hint}`}`,
  );
};

describe("parseQuery", () => {
  it("reads the queries of the specification", () => {
    const isNull = {
      type: "term",
      field: "expected_role",
      fieldType: "text",
      test: { type: "null" },
    };
    assert.deepStrictEqual(parsed("expected_role:null"), {
      where: { ...isNull, at: { offset: 0, column: 1 } },
      sort: [],
    } as Query);
    const talos = { type: "among", operands: [{ type: "exact", value: "gecko_t_linux_talos" }] };
    assert.deepStrictEqual(parsed("role:gecko_t_linux_talos AND expected_role:null"), {
      where: {
        type: "and",
        parts: [
          {
            type: "term",
            field: "role",
            fieldType: "text",
            test: talos,
            at: { offset: 0, column: 1 },
          },
          { ...isNull, at: { offset: 29, column: 30 } },
        ],
      },
      sort: [],
    } as Query);
    assert.deepStrictEqual(parsed("expected_role:gecko_t_linux_talos").where, {
      type: "term",
      field: "expected_role",
      fieldType: "text",
      test: talos,
      at: { offset: 0, column: 1 },
    } as Query["where"]);
    assert.strictEqual(printQuery(parsed("drift:override")), "drift:override");
    assert.strictEqual(printQuery(parsed("drift:any")), "drift:*");
  });

  it.each([
    // What binds how.
    ["role:a os:linux OR host:b", "role:a AND os:linux OR host:b"],
    ["role:a OR os:linux host:b", "role:a OR os:linux AND host:b"],
    ["(role:a OR os:linux) host:b", "(role:a OR os:linux) AND host:b"],
    ["NOT role:a os:linux", "NOT role:a AND os:linux"],
    ["-(role:a OR os:linux)", "NOT (role:a OR os:linux)"],
    ["- role:tc-a", "NOT role:tc-a"],
    ["((role:a))", "role:a"],
    ["(role:a os:linux) host:b", "(role:a AND os:linux) AND host:b"],
    // Operators.
    ["role=a role!=b role~c role !~ d", "role:a AND NOT role:b AND role~c AND NOT role~d"],
    ["NOT role!=a", "role:a"],
    ["stage>1 stage:>=2 stage < 3 stage:<= 4", "stage:>1 AND stage:>=2 AND stage:<3 AND stage:<=4"],
    ["stage:[1 TO 5]", "stage:[1 TO 5]"],
    ["role:(a,b|c OR d)", "role:(a, b, c, d)"],
    // Ages, in whatever unit.
    ["age(last_seen) > 24h", "last_seen:>1d"],
    ["last_seen:<24h", "last_seen:<1d"],
    ["age(last_seen):[90m TO 1w36h]", "last_seen:[1h30m TO 1w1d12h]"],
    ["last_seen>=2026-08-01T20:00+02:00", "last_seen:>=2026-08-01T18:00:00.000Z"],
    ["last_seen:2026-08-01T18:00:00Z", "last_seen:2026-08-01T18:00:00.000Z"],
    // What stands for itself, and what does not.
    ["role:null role:unknown role:*", "role:null AND role:unknown AND role:*"],
    [
      'role:"null" role:"*" role:("unknown", x)',
      'role:"null" AND role:"*" AND role:("unknown", x)',
    ],
    ["role:** role:a**b?", "role:* AND role:a*b?"],
    ['role:"a*b"', 'role:"a*b"'],
    ['role:"say \\"hi\\" \\\\ \\u{1b}[0m"', 'role:"say \\"hi\\" \\\\ \\u{1b}[0m"'],
    ["ip:fe80::1 host:a=b", 'ip:"fe80::1" AND host:"a=b"'],
    ["role:24h role:5.0 role:true", "role:24h AND role:5.0 AND role:true"],
    ["os:LINUX sshable:True drift:(Override,any)", "os:linux AND sshable:true AND drift:*"],
    ["drift:tc-* drift~disabled", "drift:(tc-missing, tc-mismatch) AND drift:disabled-active"],
    ["label.rack:a label.x.y-z:b", "label.rack:a AND label.x.y-z:b"],
    // Order.
    ["role:a sort:last_seen:desc,host , os:asc", "role:a sort:last_seen:desc,host,os"],
    ["sort:host", "sort:host"],
    [" \n\t", ""],
  ])("reads %j", (text, printed) => {
    assert.strictEqual(printQuery(parsed(text)), printed);
  });

  it.each([
    // Fields.
    ["rol:x", '1 there is no field "rol"; did you mean "role"?'],
    ["os:linux Role:x", '10 there is no field "Role"; did you mean "role"?'],
    ["lable.rack:x", '1 there is no field "lable.rack"; did you mean "label.rack"?'],
    ["label.:x", '1 there is no field "label."; fields: host, ip, os,'],
    ["constructor:x", '1 there is no field "constructor"; fields: host,'],
    // Nothing where a value should be.
    ["role:", '6 there is no value behind ":"; no value is null, such as role:null'],
    ["role: os:linux", '6 there is no value behind ":"'],
    ["role =", '7 there is no value behind "="'],
    ["role~ AND os:linux", '7 there is no value before AND; if that word is meant, write "AND"'],
    ["stage:> ", '8 there is no value behind ">"'],
    ['role:""', "6 the text is empty; no value is role:null"],
    ['role~""', "6 the text is empty"],
    ["role:(a,)", '9 there is no value behind ","'],
    ["role:()", '7 there is no value behind "("'],
    [
      "role:os:linux",
      '6 "os:linux" is a condition, not a value; if it is a value, put it in quotes',
    ],
    ["role = label.x=y", '8 "label.x=y" is a condition, not a value'],
    // Words of the language in the place of text.
    ["role=null", '6 "null" is no text here; write role:null, or "null" for the word itself'],
    ["role!=*", '7 "*" is no text here; write role:*'],
    ["role:(a, unknown)", '10 "unknown" is no text here'],
    ["role:NULL", '6 "NULL" is no text here; write role:null'],
    ["role~a*", "6 behind ~ there are no wildcards; write role:a*"],
    // Types.
    ["os:linus", '4 os is never "linus"; did you mean "linux"?'],
    ["os:(linux, plan9)", '12 os is never "plan9"; values: linux, macos, other, windows'],
    ["drift:bsd-*", '7 drift is never "bsd-*"; values: any, disabled-active'],
    ["drift~x", '7 no value of drift holds "x"'],
    ["os>linux", "4 os is one of a few words, and has no order"],
    ["sshable:yes", '9 sshable is true or false, not "yes"'],
    ['sshable:"true"', '9 sshable is true or false, not "true"'],
    ["sshable~true", "9 sshable is true or false, and holds no text"],
    ["stage:one", '7 stage is a number, not "one"; such as 5 or -0.25'],
    ["stage:1e3", '7 stage is a number, not "1e3"'],
    ["stage>2h", '7 stage is a number, not "2h"'],
    ["stage:[5 TO 1]", "8 nothing lies in this range; the lower end comes first"],
    ["role>5", "6 role is text, and has no order"],
    ["last_seen:24h", "11 nothing is exactly so old; such as last_seen:<24h"],
    ["last_seen:>yesterday", '12 last_seen is a time, not "yesterday"; a time in ISO 8601'],
    ["last_seen>9999-12-31T23:59:59-23:59", "11 last_seen is a time, not"],
    ["last_seen>200000w", "11 last_seen is a time, not"],
    [
      "last_seen:[1h TO 2026-08-01T18:00Z]",
      "18 a range goes between two times or between two ages",
    ],
    ["age(role) > 1h", "11 role is text, and has no age"],
    ["age(last_seen) = 1h", "16 an age is compared; such as age(last_seen) > 24h"],
    ["age(last_seen) > 2026-08-01T18:00Z", "17 an age is compared with an age"],
    ["age(last_seen > 1h", "5 an age is that of one field; such as age(last_seen) > 24h"],
    ["sort:drift", "6 drift has many values, and so no order"],
    // What does not stand where it may.
    ["web1", '1 "web1" says nothing of a value; a condition is FIELD:VALUE'],
    ["disabled", '1 "disabled" says nothing of a value; such as disabled:true'],
    ["role:x and os:linux", '8 "and" says nothing of a value; write AND in capitals'],
    ["role:x OR", "10 a condition was expected, not the end of the query"],
    ["AND role:x", '1 a condition was expected, not "AND"'],
    ["NOT NOT role:x", '5 a condition was expected, not "NOT"'],
    ['role:x "OR" os:linux', '8 a condition was expected, not "OR"'],
    ["()", '2 a condition was expected, not ")"'],
    ["(role:x", '8 ")" was expected, not the end of the query'],
    ["role:x)", '7 ")" was not expected here; there is no "(" that it closes'],
    ["role:x,y", '7 "," was not expected here; a list stands in parentheses: field:(a, b)'],
    ["role:(a b)", '9 "," or ")" was expected, not "b"'],
    ["role:(a", '8 "," or ")" was expected, not the end of the query'],
    ["role=(a, b)", '5 a list stands behind ":", not behind "="'],
    ["stage:[1 5]", '10 TO was expected, not "5"; such as [1 TO 5]'],
    ["stage:[1 TO 5", '14 "]" was expected, not the end of the query'],
    ["sort:host os:linux", '11 "os" was not expected here; sort: stands at the end'],
    ["NOT sort:host", '5 "sort" is no condition; sort: stands at the end'],
    ["sort:host:up", '11 "up" is no order; orders: asc, desc'],
    ['role:"x', '6 the quote is not closed; add a " at its end'],
    ['role:"\\n"', "7 a backslash stands before nothing that it marks"],
    ['role:"\\u{0}"', "6 the text has a character that no text can have"],
    ['role:"\\u{d800}"', "6 the text has a character that no text can have"],
    ['role:"\\u{110000}"', "7 a backslash stands before nothing"],
    ["role:a\u001bb", '6 "a\\u{1b}b" has characters that do not show; put it in quotes'],
    ["!role:x", '1 "!" is no operator; operators are : = != ~ !~ > >= < <='],
  ])("says what is wrong with %j", (text, expected) => {
    const faults = faultsOf(text);
    assert.isTrue(faults[0]!.startsWith(expected), faults.join("\n"));
  });

  it("says all that is wrong at once, in order, and not without end", () => {
    assert.deepStrictEqual(
      faultsOf("rol:x AND (os:linus OR stage:one) sort:hots").map(Number.parseFloat),
      [1, 15, 30, 40],
    );
    assert.lengthOf(faultsOf("x ".repeat(100)), 20);
    // What follows from a fault is none of its own.
    assert.lengthOf(faultsOf("role: os:linux"), 1);
    assert.lengthOf(faultsOf("((role:x"), 1);
  });

  it("knows no field but those of its vocabulary", () => {
    const tasks: Vocabulary = { fields: { tags: { type: "list" } }, open: [] };
    assert.strictEqual(printQuery(parsed("tags:(a, b*) tags~c", tasks)), "tags:(a, b*) AND tags~c");
    assert.deepStrictEqual(faultsOf("host:x", tasks), ['1 there is no field "host"; fields: tags']);
    assert.include(faultsOf("label.x:y", tasks)[0], "there is no field");
  });
});
