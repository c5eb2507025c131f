// The place of a store on Postgres: what a URL says, what is refused, and that the password shows nowhere.

import { inspect } from "node:util";
import { assert, describe, it } from "@effect/vitest";
import * as Redacted from "effect/Redacted";
import * as Result from "effect/Result";
import { parseStorePlace, withoutPassword } from "../src/place.ts";
import { formatPostgresPlace, type PostgresPlace } from "../src/postgres-place.ts";

const read = (text: string): PostgresPlace => {
  const place = Result.getOrThrow(parseStorePlace(text));
  assert(place._tag === "Postgres");
  return place;
};

describe("parseStorePlace, of Postgres", () => {
  it("reads user, password, host, port, database and schema", () => {
    const place = read("postgresql://ann%40b:p%2Fw%25@db.example:6432/fl%20eet?schema=team_a");
    assert.deepStrictEqual(
      [place.user, place.host, place.port, place.database, place.schema],
      ["ann@b", "db.example", 6432, "fl eet", "team_a"],
    );
    assert(place.password !== null);
    assert.strictEqual(Redacted.value(place.password), "p/w%");
    assert.isNull(read("postgres://ann@db.example/fleet").password);
    assert.strictEqual(read("postgres://ann@[::1]/fleet").host, "::1");
    const socket = read("postgres://ann@localhost/fleet?host=/run/postgresql");
    assert.deepStrictEqual(
      [socket.host, socket.port, socket.schema],
      ["/run/postgresql", 5432, "muster"],
    );
  });

  it("turns TLS off for the same machine only, and otherwise as it is told", () => {
    for (const [text, tls] of [
      ["postgres://a@db.example/x", "verify-full"],
      ["postgres://a@127.example/x", "verify-full"],
      ["postgres://a@localhost.example/x", "verify-full"],
      ["postgres://a@localhost/x", "disable"],
      ["postgres://a@127.0.0.1/x", "disable"],
      ["postgres://a@[::1]/x", "disable"],
      ["postgres://a@localhost/x?host=/run", "disable"],
      ["postgres://a@localhost/x?sslmode=require", "require"],
      ["postgres://a@db/x?sslmode=disable", "disable"],
      ["postgres://a@db/x?sslmode=verify-ca&sslrootcert=/ca.pem", "verify-ca"],
    ] as const) {
      assert.strictEqual(read(text).tls, tls, text);
    }
  });

  it("shows the place without password and files, in every way", () => {
    const text = "postgres://ann:hunter2@db.example/fleet?schema=s&sslkey=/hunter2";
    const place = read(text);
    assert.strictEqual(formatPostgresPlace(place), "postgres://ann@db.example:5432/fleet?schema=s");
    const { key: _, ...rest } = place;
    for (const shown of [inspect(rest), JSON.stringify(rest), inspect(place.password)]) {
      assert.notInclude(shown, "hunter2");
    }
    const shown = [
      "postgres://a@[::1]:5432/x",
      "postgres://a@localhost:5432/x?host=/run/postgresql",
      "postgres://a%20b@db:5432/x",
    ];
    for (const place of shown) assert.strictEqual(formatPostgresPlace(read(place)), place);
  });

  it("says a place again without its password", () => {
    for (const [text, shown] of [
      ["postgres://a:hunter2@db/x?schema=s", "postgres://a@db/x?schema=s"],
      ["Postgresql://a:hunter2@db:1/x", "postgresql://a@db:1/x"],
      ["postgres://a:hunter2@d b/x", "postgres:"],
      ["sqlite:a:b@c", "sqlite:a:b@c"],
    ] as const) {
      assert.strictEqual(withoutPassword(text), shown);
    }
  });

  for (const [text, message] of [
    ["postgres://", "one host"],
    ["postgres://:hunter2@db/x", "the user is missing"],
    ["postgres://db/x", "the user is missing"],
    ["postgres://a:hunter2@db", "one database"],
    ["postgres://a:hunter2@db/x/y", "one database"],
    ["postgres://a:hunter2@one,two/x", "one host"],
    ["postgres://a:hunter2@db/x?host=/run", "one host"],
    ["postgres://a:hunter2@localhost/x?host=run", "one host"],
    ["postgres://a:hunter2%ZZ@db/x", "cannot be read"],
    ["postgres://a:hunter2@db:99999/x", "cannot be read"],
    ["postgres://a:hunter2@d b/x", "cannot be read"],
    ["postgres://a:hunter2%00@db/x", "no NUL"],
    ["postgres://a:hunter2@db/x?sslmode=prefer", "sslmode is one of disable, require"],
    ["postgres://a:hunter2@db/x?sslmode=hunter2", "sslmode is one of"],
    ["postgres://a:hunter2@db/x?password=hunter2", "an unknown parameter"],
    ["postgres://a:hunter2@db/x?schema=a;b", "small letters"],
    ["postgres://a:hunter2@db/x?schema=pg_catalog", "small letters"],
    ["postgres://a:hunter2@db/x?schema=", "small letters"],
  ] as const) {
    it(`says what is wrong with ${text}`, () => {
      const place = parseStorePlace(text);
      assert.include(Result.isFailure(place) ? place.failure : "", message);
      assert.notInclude(Result.isFailure(place) ? place.failure : "", "hunter2");
    });
  }
});
