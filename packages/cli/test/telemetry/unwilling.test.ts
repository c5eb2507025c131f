// Holds that telemetry never stands in the way: a collector that is down, silent or unwilling costs one line.

import { describe, expect, it } from "@effect/vitest";
import { type Collector, openCollector } from "../collector.ts";
import { fleet } from "../fleet.ts";
import { inWorld, type Ran } from "../world.ts";

const planned = (env: Readonly<Record<string, string>>, check: (ran: Ran) => void) =>
  inWorld(async (world) => {
    const file = await world.write("web.yaml", fleet(1));
    check(await world.inside(["plan", file], { env }));
  })();

/** The plan as always, and one line about telemetry. */
const unharmed =
  (line: RegExp) =>
  ({ code, stdout, stderr }: Ran): void => {
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("create");
    expect(stderr.trimEnd().split("\n")).toEqual([expect.stringMatching(line)]);
  };

const against = async (collector: Collector, check: (ran: Ran) => void, env = {}) => {
  try {
    await planned({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...env }, check);
  } finally {
    await collector.close();
  }
};

describe("a collector that", () => {
  it("is not there is told once, and not waited for", () =>
    planned(
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:SECRET-01@127.0.0.1:1" },
      unharmed(/^muster: telemetry does not arrive at http:\/\/127\.0\.0\.1:1: it cannot be/u),
    ));

  it("refuses is told once", async () =>
    against(await openCollector(401), unharmed(/^muster: telemetry .* it answers 401; /u)));

  it("never answers delays the end by no more than its bound", async () => {
    const began = Date.now();
    await against(await openCollector(null), ({ code, stdout }) => {
      expect(code).toBe(0);
      expect(stdout).toContain("create");
    });
    expect(Date.now() - began).toBeLessThan(6_000);
  });

  it("cannot be understood from the environment is told, and the rest goes on", async () =>
    against(
      await openCollector(),
      unharmed(/^muster: telemetry is off: OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"/u),
      { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
    ));

  it("is not asked for hears nothing", async () => {
    const collector = await openCollector();
    const hush = { OTEL_SDK_DISABLED: "true" };
    await against(collector, ({ code, stderr }) => expect([code, stderr]).toEqual([0, ""]), hush);
    expect(collector.requests()).toEqual([]);
  });

  it("keeps no traces by the sampler gets only the rest", async () => {
    const collector = await openCollector();
    const none = { OTEL_TRACES_SAMPLER: "parentbased_always_off" };
    await against(collector, ({ code }) => expect(code).toBe(0), none);
    expect(collector.requests().map(({ path }) => path)).toEqual(["/v1/metrics"]);
  });
});
