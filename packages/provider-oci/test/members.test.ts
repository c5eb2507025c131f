// Holds that a list is read to its end or not at all.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type { OciApi, OciInstance, Page } from "../src/api.ts";
import { listInstances } from "../src/members.ts";

const instance = (id: string, lifecycleState = "RUNNING"): OciInstance => ({
  id,
  displayName: id,
  lifecycleState,
  timeCreated: "2026-01-01T00:00:00.000Z",
  availabilityDomain: "AD",
  faultDomain: null,
  freeformTags: {},
  etag: null,
});

const apiOf = (pages: (page: string | null) => Page<OciInstance>): OciApi =>
  ({
    listInstances: ({ page }: { readonly page: string | null }) => Effect.sync(() => pages(page)),
  }) as unknown as OciApi;

describe("a list of instances", () => {
  it.effect("goes on over empty pages, and keeps what was read last", () =>
    Effect.gen(function* () {
      const pages: Readonly<Record<string, Page<OciInstance>>> = {
        first: { items: [instance("a"), instance("b")], next: "second" },
        second: { items: [], next: "third" },
        third: { items: [instance("b", "TERMINATED")], next: null },
      };
      const found = yield* listInstances(
        apiOf((page) => pages[page ?? "first"]!),
        "c",
      );
      assert.deepStrictEqual(
        found.map(({ id, lifecycleState }) => [id, lifecycleState]),
        [
          ["a", "RUNNING"],
          ["b", "TERMINATED"],
        ],
      );
    }),
  );

  it.effect("is refused when a page names itself, or pages never end", () =>
    Effect.gen(function* () {
      const circle = apiOf((page) => ({ items: [], next: page === "x" ? "y" : "x" }));
      const twice = yield* Effect.flip(listInstances(circle, "c"));
      assert.strictEqual(twice.reason, "Unreachable");
      assert.include(twice.message, "twice");
      let count = 0;
      const endless = apiOf(() => ({ items: [], next: `p${(count += 1)}` }));
      assert.include((yield* Effect.flip(listInstances(endless, "c"))).message, "1000 pages");
    }),
  );
});
