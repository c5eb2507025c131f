// Holds what is answered over real HTTP, what is refused, and that nobody is waited for for ever.

import { connect } from "node:net";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { metrics } from "@muster/core/report/telemetry";
import { count } from "@muster/core/report/trace";
import * as Metric from "effect/Metric";
import { type HealthState, serve, ServerError } from "../src/index.ts";
import { connectionLimit } from "../src/listener.ts";
import { type Asked, ask } from "./asking.ts";
import { parseExposition } from "./exposition.ts";

const now = Date.now();
const healthy: HealthState = {
  startedAt: now - 60_000,
  lastTickAt: now,
  lastTickOk: true,
  lastError: null,
  stuckAfterMillis: 600_000,
  units: { total: 2, failing: 0 },
};

const open = (
  state: () => HealthState = () => healthy,
  more: { names?: ReadonlyArray<string> } = {},
) => serve({ address: ":0", health: Effect.sync(state), ...more });

describe("health and readiness", () => {
  it.live("say how the loop is, and why not", () =>
    Effect.gen(function* () {
      let state = healthy;
      const { port, url } = yield* open(() => state);
      assert.strictEqual(url, `http://127.0.0.1:${port}`);
      const both = Effect.all([ask(port), ask(port, { path: "/readyz" })]);
      const statuses = Effect.map(both, (answers) => answers.map(({ status }) => status));
      assert.deepStrictEqual(yield* statuses, [200, 200]);
      state = { ...healthy, lastTickAt: null, lastTickOk: null };
      assert.deepStrictEqual(yield* statuses, [200, 503]);
      state = { ...healthy, lastTickOk: false, lastError: "denied \u001b[2J" };
      const [, ready] = yield* both;
      assert.strictEqual(ready.status, 503);
      assert.include(ready.body, "the last turn failed: denied");
      assert.notInclude(ready.body, "\u001b");
      assert.notInclude(ready.body, "u001b");
      state = { ...healthy, lastTickAt: Date.now() - 700_000, startedAt: 0 };
      const [alive] = yield* both;
      assert.strictEqual(alive.status, 503);
      assert.match(alive.body, /no turn of the loop has ended for 7\d\d s/u);
    }).pipe(Effect.scoped),
  );
});

describe("the metrics", () => {
  it.live("are Prometheus text as it is defined, whatever stands in a label", () =>
    Effect.gen(function* () {
      const { port } = yield* open();
      yield* count(metrics.changes, {
        "muster.change.action": 'a"b\\c\nd',
        "muster.result": "done",
      });
      yield* Metric.update(
        Metric.withAttributes(metrics.changeDuration, { "muster.result": "x" }),
        3,
      );
      yield* Metric.update(metrics.leaseHeld, 1);
      const { status, headers, body } = yield* ask(port, { path: "/metrics" });
      assert.strictEqual(status, 200);
      assert.strictEqual(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
      const families = parseExposition(body);
      assert.strictEqual(families.get("muster_changes_total")?.type, "counter");
      const [sample] = families.get("muster_changes_total")?.samples ?? [];
      assert.strictEqual(sample?.labels["muster_change_action"], 'a"b\\c\nd');
      assert.strictEqual(families.get("muster_change_duration_seconds")?.type, "histogram");
      assert.strictEqual(families.get("muster_lease_held")?.samples[0]?.value, 1);
      const head = yield* ask(port, { path: "/metrics", method: "HEAD" });
      assert.deepStrictEqual([head.status, head.body], [200, ""]);
      assert.isAbove(Number(head.headers["content-length"]), 100);
    }).pipe(Effect.scoped),
  );
});

describe("what is not offered", () => {
  it.live("is refused: other paths, methods, names, bodies and heads", () =>
    Effect.gen(function* () {
      const { port } = yield* open(() => healthy, { names: ["muster.internal"] });
      const status = (asked: Asked) => Effect.map(ask(port, asked), (answer) => answer.status);
      const host = (name: string) => status({ headers: { host: name } });
      for (const path of ["/", "/healthz/", "/metrics/x", "/__proto__", "/toString", "//healthz"]) {
        assert.strictEqual(yield* status({ path }), 404, path);
      }
      assert.strictEqual(yield* status({ path: "/healthz?x=1" }), 200);
      for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"]) {
        assert.strictEqual(yield* status({ method }), 405, method);
      }
      assert.strictEqual(yield* status({ method: "POST", body: "x".repeat(100_000) }), 413);
      assert.strictEqual(yield* status({ headers: { x: "y".repeat(10_000) } }), 431);
      for (const name of [
        "evil.example",
        "evil.example:80",
        "127.0.0.1.evil.example",
        "2130706433",
      ]) {
        assert.strictEqual(yield* host(name), 421, name);
      }
      for (const name of [
        "localhost",
        "LOCALHOST:1",
        "10.1.2.3:9464",
        "[::1]:80",
        "muster.internal",
      ]) {
        assert.strictEqual(yield* host(name), 200, name);
      }
    }).pipe(Effect.scoped),
  );

  it.live("is an address where nothing can listen", () =>
    Effect.gen(function* () {
      const { port } = yield* open();
      const health = Effect.succeed(healthy);
      const failing = (address: string) => Effect.flip(Effect.scoped(serve({ address, health })));
      const taken = yield* failing(`127.0.0.1:${port}`);
      assert.instanceOf(taken, ServerError);
      assert.strictEqual(taken.reason, "Unavailable");
      assert.include(taken.message, "EADDRINUSE");
      assert.strictEqual((yield* failing("9464")).reason, "Invalid");
    }).pipe(Effect.scoped),
  );
});

describe("the end", () => {
  it.live("waits for nobody who only holds a connection, and bounds how many can", () =>
    Effect.gen(function* () {
      const closed = new Set<unknown>();
      const began = yield* Effect.scoped(
        Effect.gen(function* () {
          const { port } = yield* open();
          const sockets = Array.from({ length: connectionLimit + 10 }, () => {
            const socket = connect(port, "127.0.0.1", () => socket.write("GET /healthz HT"));
            socket.on("error", () => undefined);
            socket.on("close", () => closed.add(socket));
            return socket;
          });
          yield* Effect.promise(async () => {
            while (closed.size < 10) await new Promise((resolve) => setImmediate(resolve));
          });
          assert.strictEqual(sockets.length - closed.size, connectionLimit);
          return Date.now();
        }),
      );
      assert.isBelow(Date.now() - began, 3_000);
    }),
  );
});
