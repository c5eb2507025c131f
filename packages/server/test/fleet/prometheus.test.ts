// Holds that Prometheus understands a fleet's metrics: the text, its own linter, and a real scrape.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import { metrics } from "@muster/core/report/telemetry";
import { count } from "@muster/core/report/trace";
import type { FleetMetrics } from "@muster/sdk/fleet-contract";
import { wantsExposition } from "../../src/fleet/series.ts";
import { type Family, parseExposition } from "../exposition.ts";
import { override } from "./fake-control.ts";
import { open } from "./opened.ts";

/** Debian's package brings both. */
const isThere = ["promtool", "prometheus"].every(
  (name) => spawnSync(name, ["--version"]).error === undefined,
);
if (!isThere) {
  if (process.env["CI"]) throw new Error("prometheus and promtool must be installed on CI");
  console.warn("metrics are not tested with Prometheus: it is not installed");
}

/** What Prometheus 2.42 sends. */
const scraper =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

const busy = (fleet: FleetMetrics): FleetMetrics => ({
  ...fleet,
  remoteActive: 4,
  control: { ...fleet.control, override, lastError: "no answer" },
  actions: {
    ...fleet.actions,
    operation: "rolling-restart",
    phase: "launch",
    launchRequested: 2,
    launchSucceeded: 1,
    terminateFailed: 1,
    rollingRestartIndex: 2,
    rollingRestartTotal: 3,
  },
});

const valueOf = (
  families: ReadonlyMap<string, Family>,
  name: string,
  label?: string,
): number | undefined =>
  families
    .get(name)
    ?.samples.find(({ labels }) => label === undefined || Object.values(labels).includes(label))
    ?.value;

describe("a fleet's series", () => {
  it.effect("tell what /metrics tells, and what is not known has none", () =>
    Effect.gen(function* () {
      const { get, set } = yield* open();
      const scrape = Effect.map(get("/metrics", { accept: scraper }), (answer) => {
        assert.strictEqual(
          answer.headers["content-type"],
          "text/plain; version=0.0.4; charset=utf-8",
        );
        assert.strictEqual(answer.headers.vary, "Accept");
        return parseExposition(answer.body);
      });
      const calm = yield* scrape;
      assert.strictEqual(valueOf(calm, "muster_fleet_members", "ledger"), 3);
      assert.strictEqual(valueOf(calm, "muster_fleet_members", "discovered"), 3);
      assert.strictEqual(valueOf(calm, "muster_fleet_desired"), 3);
      assert.strictEqual(valueOf(calm, "muster_fleet_loop_enabled"), 1);
      assert.strictEqual(valueOf(calm, "muster_fleet_loop_failing"), 0);
      assert.strictEqual(calm.get("muster_fleet_loop_turns_total")?.type, "counter");
      const tick = Date.parse("2026-11-25T10:00:00Z") / 1_000;
      assert.strictEqual(valueOf(calm, "muster_fleet_loop_tick_timestamp_seconds"), tick);
      assert.isUndefined(calm.get("muster_fleet_loop_reload_timestamp_seconds"));
      assert.isUndefined(calm.get("muster_fleet_override_desired"));
      assert.strictEqual(valueOf(calm, "muster_fleet_operation_running", "rolling-restart"), 0);
      for (const [name, family] of calm) {
        if (!name.startsWith("muster_fleet_")) continue;
        assert.isNotNull(family.help, name);
        for (const { labels } of family.samples) {
          assert.strictEqual(labels["muster_document_name"], "web-fleet", name);
        }
      }
      yield* set(busy);
      const restarting = yield* scrape;
      assert.strictEqual(valueOf(restarting, "muster_fleet_members", "discovered"), 4);
      assert.strictEqual(valueOf(restarting, "muster_fleet_override_desired"), 5);
      const end = Date.parse(override.until) / 1_000;
      assert.strictEqual(valueOf(restarting, "muster_fleet_override_end_timestamp_seconds"), end);
      assert.strictEqual(valueOf(restarting, "muster_fleet_loop_failing"), 1);
      const running = restarting.get("muster_fleet_operation_running")?.samples ?? [];
      assert.deepStrictEqual(
        running.filter(({ value }) => value === 1).map(({ labels }) => labels["muster_operation"]),
        ["rolling-restart"],
      );
      assert.strictEqual(valueOf(restarting, "muster_fleet_operation_phase", "launch"), 1);
      assert.strictEqual(valueOf(restarting, "muster_fleet_operation_launches", "succeeded"), 1);
      assert.strictEqual(valueOf(restarting, "muster_fleet_operation_terminations", "failed"), 1);
      assert.strictEqual(valueOf(restarting, "muster_fleet_restart_position"), 2);
      assert.strictEqual(valueOf(restarting, "muster_fleet_restart_members"), 3);
      yield* set(({ remoteActive: _unknown, ...fleet }) => ({
        ...fleet,
        fleet: 'a"b\\c\nd',
        control: { ...fleet.control, override: null },
        actions: { ...fleet.actions, phase: "done" },
      }));
      const after = yield* scrape;
      assert.isUndefined(valueOf(after, "muster_fleet_members", "discovered"));
      assert.isUndefined(after.get("muster_fleet_override_desired"));
      assert.strictEqual(valueOf(after, "muster_fleet_operation_running", "rolling-restart"), 0);
      assert.strictEqual(valueOf(after, "muster_fleet_desired", 'a"b\\c\nd'), 3);
    }).pipe(Effect.scoped),
  );

  it("come to those who ask for Prometheus' types, and JSON to all others", () => {
    const texts = [
      scraper,
      "text/plain;version=0.0.4",
      "text/plain; version=0.0.4;q=1,*/*;q=0.1",
      "application/openmetrics-text",
      "application/openmetrics-text;version=1.0.0;charset=utf-8, application/json;q=0.5",
      "TEXT/PLAIN;version=1.0.0;escaping=allow-utf-8",
    ];
    for (const accept of texts) assert.isTrue(wantsExposition(accept), accept);
    const others = [
      undefined,
      "",
      "*/*",
      "application/json",
      "application/json, text/plain",
      "application/json, text/plain;version=0.0.4;q=0.5",
      "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
      "text/*",
      "text/plain;q=0",
      "text/plain;q=x",
      ",;q=,;",
    ];
    for (const accept of others) assert.isFalse(wantsExposition(accept), accept);
  });
});

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "muster-prometheus-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true })),
);

const freePort = Effect.promise(async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
});

/** A real one on this machine alone, that scrapes every second. */
const startPrometheus = (target: number) =>
  Effect.gen(function* () {
    const place = yield* folder;
    const port = yield* freePort;
    const config = join(place, "prometheus.yml");
    writeFileSync(
      config,
      JSON.stringify({
        global: { scrape_interval: "1s", scrape_timeout: "1s" },
        scrape_configs: [
          { job_name: "fleet", static_configs: [{ targets: [`127.0.0.1:${target}`] }] },
        ],
      }),
    );
    yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(
          "prometheus",
          [
            `--config.file=${config}`,
            `--storage.tsdb.path=${join(place, "data")}`,
            `--web.listen-address=127.0.0.1:${port}`,
          ],
          { stdio: "ignore" },
        ),
      ),
      (child) =>
        Effect.promise(async () => {
          const gone = once(child, "exit");
          child.kill("SIGTERM");
          await gone;
        }),
    );
    return `http://127.0.0.1:${port}`;
  });

interface Found {
  readonly data: {
    readonly result: ReadonlyArray<{
      readonly metric: Readonly<Record<string, string>>;
      readonly value: readonly [number, string];
    }>;
  };
}

/** Asks until it knows such a value: how soon is Prometheus' affair. */
const isTold = (prometheus: string, query: string, wanted: string) =>
  Effect.promise(async () => {
    for (;;) {
      const answer = await fetch(
        `${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`,
      ).catch(() => null);
      const found = answer?.ok === true ? ((await answer.json()) as Found) : null;
      const series = found?.data.result.find(({ value }) => value[1] === wanted);
      if (series !== undefined) return series.metric;
      await new Promise((resolve) => setImmediate(resolve));
    }
  });

describe.skipIf(!isThere)("Prometheus itself", () => {
  it.effect("has nothing to say against the metrics, those of the process included", () =>
    Effect.gen(function* () {
      const { get, set } = yield* open();
      yield* set(busy);
      yield* count(metrics.changes, { "muster.change.action": "create", "muster.result": "done" });
      yield* Metric.update(metrics.changeDuration, 3);
      yield* Metric.update(metrics.leaseHeld, 1);
      const { body } = yield* get("/metrics", { accept: scraper });
      assert.include(body, "muster_changes_total");
      const checked = spawnSync("promtool", ["check", "metrics"], {
        input: body,
        encoding: "utf8",
      });
      assert.deepStrictEqual([checked.status, checked.stdout, checked.stderr], [0, "", ""]);
    }).pipe(Effect.scoped),
  );

  it.live("scrapes a daemon, and tells its numbers", () =>
    Effect.gen(function* () {
      const daemon = yield* open();
      const prometheus = yield* startPrometheus(daemon.port);
      const known = yield* isTold(
        prometheus,
        'muster_fleet_members{muster_state="discovered"}',
        "3",
      );
      assert.strictEqual(known["muster_document_name"], "web-fleet");
      assert.strictEqual(known["instance"], `127.0.0.1:${daemon.port}`);
      yield* isTold(prometheus, "up", "1");
      yield* daemon.set((fleet) => ({ ...fleet, remoteActive: 42 }));
      yield* isTold(prometheus, 'muster_fleet_members{muster_state="discovered"}', "42");
    }).pipe(Effect.scoped),
  );
});
