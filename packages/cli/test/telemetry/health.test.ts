// Holds that what the loop tells of its turns is what a supervisor and a scraper read.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Logger from "effect/Logger";
import { listening, makeHealth } from "../../src/telemetry/health.ts";

const statusOf = (url: string) => Effect.promise(async () => (await fetch(url)).status);

describe("the health of a loop", () => {
  it.live("is not ready before its first turn, nor after a failed one", () =>
    Effect.gen(function* () {
      const health = yield* makeHealth(60_000);
      const { url } = yield* listening(":0", health);
      const ready = statusOf(`${url}/readyz`);
      assert.strictEqual(yield* ready, 503);
      const units = { total: 1, failing: 0 };
      yield* health.ended({ error: null, units });
      assert.strictEqual(yield* ready, 200);
      yield* health.ended({ error: "the remote is away", units });
      assert.strictEqual(yield* ready, 503);
      assert.strictEqual(yield* statusOf(`${url}/healthz`), 200);
      const text = yield* Effect.promise(async () => (await fetch(`${url}/metrics`)).text());
      assert.include(text, 'muster_ticks_total{muster_result="failed"} 1\n');
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
  );
});
