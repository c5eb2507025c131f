// A real Postgres whose answer to a commit never comes: an edit finds out what became of it, and is done once.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { verifyChain } from "@muster/core";
import { openPostgresStore } from "@muster/store-sql";
import { proxyTo } from "@muster/testkit/postgres/cut-proxy";
import { freshSchema, sharedPostgres } from "@muster/testkit/postgres/one-server";
import { placeFor } from "./stores.ts";
import { postgresPresent } from "@muster/testkit/postgres/server";
import { inWorld } from "../world.ts";

describe.skipIf(!postgresPresent())("an edit of the roll whose commit is not answered", () => {
  const shared = sharedPostgres();

  for (const { when, what } of [
    { when: "before", what: "was not heard" },
    { when: "after", what: "was written" },
  ] as const) {
    it(
      `and ${what} is done, and audited once`,
      inWorld((world) =>
        Effect.runPromise(
          Effect.scoped(
            Effect.gen(function* () {
              const server = yield* shared;
              const schema = freshSchema();
              const proxy = yield* proxyTo(server.port);
              const store = yield* openPostgresStore({
                place: placeFor(server, "muster_owner", schema),
              });
              const through = server
                .url("muster_owner", `?schema=${schema}`)
                .replace(`:${server.port}/`, `:${proxy.port}/`);
              const add = (host: string) =>
                Effect.promise(() =>
                  world.inside(["inventory", "seed", "add", host], {
                    env: { MUSTER_STORE: through },
                  }),
                );
              expect((yield* add("a.test")).code).toBe(0);
              proxy.cutNext({ at: "COMMIT\0", when });
              expect(yield* add("b.test")).toEqual({
                code: 0,
                stdout: "1 seed added\n  b.test\n",
                stderr: "",
              });
              expect(proxy.cuts()).toBe(1);
              const entries = yield* store.auditEntries(0, 10);
              expect(entries.map(({ targets }) => targets)).toEqual([["a.test"], ["b.test"]]);
              expect(verifyChain(entries, yield* store.auditHead)).toBeUndefined();
            }),
          ),
        ),
      ),
    );
  }
});
