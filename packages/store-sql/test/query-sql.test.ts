// The SQL of a query gives the same answers as the query in memory, on SQLite itself.

import { assert, describe, it } from "@effect/vitest";
import { makeJudge } from "@muster/core/query/judge";
import type { Truth } from "@muster/core/query/judge";
import { queryLimit } from "@muster/core/query/parse";
import type { Row } from "@muster/core/query/row";
import { positionAt } from "@muster/core/query/tree";
import type { Query } from "@muster/core/query/tree";
import { dice, sampleNow, sampleVocabulary } from "@muster/testkit/query/random";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { encodeFields, queryToSql } from "../src/query-sql.ts";
import { openSession } from "../src/sqlite.ts";
import type { SqliteSession } from "../src/sqlite.ts";
import {
  cases,
  compare,
  type Evaluator,
  parsed as parsedOf,
  rowsOfRound,
  sampleHosts,
  sampleRows,
  seed,
  timeout,
} from "./query-rounds.ts";

const session: Effect.Effect<SqliteSession, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const opened = openSession(":memory:", { readOnly: false, waitMillis: 0 });
    opened.exec("CREATE TABLE hosts (id INTEGER PRIMARY KEY, fields TEXT NOT NULL) STRICT");
    return opened;
  }),
  (opened) => Effect.sync(() => opened.close()),
);

const keep = (hosts: SqliteSession, columns: ReadonlyArray<string>): void => {
  hosts.run("DELETE FROM hosts");
  for (const [id, fields] of columns.entries()) {
    hosts.run("INSERT INTO hosts (id, fields) VALUES (?, ?)", id, fields);
  }
};

const parsed = (text: string): Query => parsedOf(text, sampleVocabulary);

/** What SQLite says of each row, in the order of their ids. */
const answersOf = (hosts: SqliteSession, query: Query): ReadonlyArray<Truth> => {
  const { sql, parameters } = queryToSql(query, { dialect: "sqlite", now: sampleNow });
  return hosts
    .all(`SELECT ${sql} AS truth FROM hosts ORDER BY id`, ...parameters)
    .map(({ truth }) => (truth === null ? "unknown" : truth === 1));
};

const sqlite: Effect.Effect<Evaluator, never, Scope.Scope> = Effect.map(session, (hosts) => ({
  name: "SQLite",
  keep: (columns) => Effect.sync(() => keep(hosts, columns)),
  ask: (query) => Effect.sync(() => answersOf(hosts, query)),
}));

describe(`queries drawn with MUSTER_QUERY_SEED=${seed}`, () => {
  it.effect(
    `${cases} say the same of ${rowsOfRound} rows each, in memory and in SQLite`,
    () =>
      Effect.flatMap(sqlite, (hosts) => compare(hosts, sampleRows, dice(seed))).pipe(Effect.scoped),
    timeout,
  );

  it.effect(
    `${cases} say the same of ${rowsOfRound} hosts each, in memory and in SQLite`,
    () =>
      Effect.flatMap(sqlite, (hosts) => compare(hosts, sampleHosts, dice(seed + 1))).pipe(
        Effect.scoped,
      ),
    timeout,
  );
});

describe("queryToSql", () => {
  it.effect("keeps what another program wrote apart by its type", () =>
    Effect.gen(function* () {
      const hosts = yield* session;
      keep(hosts, [
        ...['{"role":5}', '{"role":"5"}', '{"role":true}', '{"role":null}', "{}", '{"role":[]}'],
        ...['{"stage":"5"}', '{"stage":5}', '{"stage":5.0}', '{"stage":true}'],
        ...['{"sshable":1}', '{"sshable":"true"}', '{"sshable":true}'],
        ...[
          '{"drift":"role"}',
          '{"drift":["role",5]}',
          '{"drift":["ROLE"]}',
          '{"drift":{"0":"role"}}',
        ],
        ...['{"drift":{"known":["role"]}}', '{"drift":{"known":["role"],"unknown":[5]}}'],
        '{"drift":{"known":["role"],"unknown":["tc-missing"],"x":1}}',
      ]);
      const matching = (text: string): ReadonlyArray<number> =>
        answersOf(hosts, parsed(text)).flatMap((truth, id) => (truth === true ? [id] : []));
      assert.deepStrictEqual(matching("role:5"), [1]);
      assert.deepStrictEqual(matching("role!=5"), [3]);
      assert.deepStrictEqual(matching("-role:unknown"), [1, 3]);
      assert.deepStrictEqual(matching("stage:5"), [7, 8]);
      assert.deepStrictEqual(matching("sshable:*"), [12]);
      assert.deepStrictEqual(matching("drift:*"), [15, 19]);
      assert.deepStrictEqual(matching("drift:role"), [15, 19]);
    }).pipe(Effect.scoped),
  );

  it.effect("takes the longest and the deepest query that there is", () =>
    Effect.gen(function* () {
      const hosts = yield* session;
      const row: Row = { role: "x", drift: ["role"] };
      keep(hosts, [encodeFields(row)]);
      /** As many pieces as there is room for, around the last condition. */
      const long = (piece: string, last: string, open = "", close = ""): string => {
        const room = queryLimit - open.length - last.length - close.length;
        return open + piece.repeat(Math.floor(room / piece.length)) + last + close;
      };
      const queries: ReadonlyArray<readonly [string, Truth]> = [
        [long("role:y OR ", "role:x"), true],
        [long("role:x AND ", "role:y"), false],
        [long("drift:role AND ", "drift:null"), false],
        [long("role~y OR NOT role:x OR ", "label.a:x"), "unknown"],
        [long("a, ", "x", "role:(", ")"), true],
        [long("*a*, ", "x", "role:(", ")"), true],
        [`role:${long("a*", "b").slice(5)}`, false],
        [long("role:x AND ", "os:null", "NOT (role:y OR (".repeat(16), "))".repeat(16)), "unknown"],
      ];
      for (const [text, truth] of queries) {
        assert.isAbove(text.length, queryLimit - 30);
        const query = parsed(text);
        assert.strictEqual(makeJudge(query, sampleNow)(row), truth, text.slice(0, 60));
        assert.deepStrictEqual(answersOf(hosts, query), [truth], text.slice(0, 60));
      }
    }).pipe(Effect.scoped),
  );

  it.effect("takes a pattern from elsewhere as the language does, and no database", () =>
    Effect.gen(function* () {
      const hosts = yield* session;
      keep(
        hosts,
        ["[a]x", "ax", "A"].map((role) => encodeFields({ role })),
      );
      const test = { type: "among", operands: [{ type: "glob", pattern: "[a]*" }] } as const;
      const where = {
        type: "term",
        field: "role",
        fieldType: "text",
        test,
        at: positionAt(0),
      } as const;
      assert.deepStrictEqual(answersOf(hosts, { where, sort: [] }), [true, false, false]);
    }).pipe(Effect.scoped),
  );

  it("has nothing of the query in its SQL", () => {
    const query = parsed(
      'role:("a\'b", zz*) label.zz:zz OR role~zz OR stage:77 last_seen:>77s os:linux',
    );
    for (const dialect of ["sqlite", "postgres"] as const) {
      const { sql, parameters } = queryToSql(query, { dialect, now: sampleNow });
      assert.notMatch(sql, /a'b|zz|77|linux|role|label|stage/u);
      assert.include(parameters, "a'b");
      assert.include(parameters, "77");
      const used = new Set(sql.match(/[?$]\d+/gu));
      assert.strictEqual(used.size, parameters.length);
      assert.isTrue(
        parameters.every((_, index) => used.has(`${dialect === "sqlite" ? "?" : "$"}${index + 1}`)),
      );
    }
  });
});

describe("encodeFields", () => {
  it("leaves out what is unknown, and what could not be kept", () => {
    const row: Row = {
      host: "a",
      role: null,
      os: undefined,
      ip: "a\0",
      population: "\udc00",
      stage: Number.NaN,
      drift: [],
      tags: ["\ud800"],
      "label.a": "",
    };
    assert.strictEqual(encodeFields(row), '{"host":"a","role":null,"drift":[],"label.a":""}');
  });
});
