// Holds how OpenTelemetry's variables are read, and that what is wrong with them is said without the value.

import { assert, describe, it } from "@effect/vitest";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import * as Tracer from "effect/Tracer";
import * as Context from "effect/Context";
import { parentFrom } from "../../src/telemetry/parent.ts";
import { sampling } from "../../src/telemetry/sampler.ts";
import { asksForTelemetry, telemetrySettings } from "../../src/telemetry/settings.ts";

const read = (env: Record<string, string>) => {
  const settings = telemetrySettings(env);
  assert.isTrue(Result.isSuccess(settings), String(settings));
  return Result.getOrThrow(settings);
};

const fault = (env: Record<string, string>): string =>
  Result.match(telemetrySettings({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://h:1", ...env }), {
    onSuccess: () => "",
    onFailure: (message) => message,
  });

describe("the variables", () => {
  it("ask for nothing when no address is set, or the SDK is disabled", () => {
    assert.isFalse(asksForTelemetry({ OTEL_EXPORTER_OTLP_ENDPOINT: " " }));
    assert.isTrue(asksForTelemetry({ OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://h" }));
    assert.isNull(read({ OTEL_SERVICE_NAME: "x" }));
    assert.isNull(read({ OTEL_SDK_DISABLED: "TRUE", OTEL_EXPORTER_OTLP_ENDPOINT: "http://h" }));
    const none = { OTEL_TRACES_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" };
    assert.isNull(
      read({ ...none, OTEL_METRICS_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://h" }),
    );
  });

  it("say where each signal goes, its own word before the common one", () => {
    const settings = read({
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector:4318/base/",
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://logs:1/in",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20a%3Db, x=1",
      OTEL_EXPORTER_OTLP_LOGS_HEADERS: "y=2",
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=a,deployment.environment.name=prod",
    })!;
    const { traces, metrics, logs } = settings.destinations;
    assert.strictEqual(traces?.url, "https://collector:4318/base/v1/traces");
    assert.strictEqual(metrics?.url, "https://collector:4318/base/v1/metrics");
    assert.strictEqual(logs?.url, "http://logs:1/in");
    assert.deepStrictEqual(traces?.headers, { authorization: "Bearer a=b", x: "1" });
    assert.deepStrictEqual(logs?.headers, { y: "2" });
    assert.deepStrictEqual([traces?.protocol, metrics?.protocol], ["http/protobuf", "http/json"]);
    assert.strictEqual(settings.serviceName, "a");
    assert.deepStrictEqual(settings.resource, { "deployment.environment.name": "prod" });
  });

  it("are said to be wrong by name", () => {
    assert.match(fault({ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }), /PROTOCOL is "grpc"/u);
    assert.match(fault({ OTEL_TRACES_SAMPLER: "jaeger_remote" }), /SAMPLER is/u);
    assert.match(
      fault({ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" }),
      /ARG/u,
    );
    assert.match(fault({ OTEL_EXPORTER_OTLP_TIMEOUT: "soon" }), /TIMEOUT is no number/u);
    assert.match(fault({ OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://h" }), /ENDPOINT is no http/u);
    const secret = fault({ OTEL_EXPORTER_OTLP_HEADERS: "Bearer SECRET" });
    assert.match(secret, /HEADERS is no list/u);
    assert.notInclude(secret, "SECRET");
  });
});

describe("a sampler", () => {
  const kept = (sampler: { parentBased: boolean; ratio: number }, parent?: Tracer.AnySpan) =>
    sampling(Tracer.nativeTracer, sampler).span({
      name: "x",
      parent: Option.fromNullishOr(parent),
      annotations: Context.empty(),
      links: [],
      startTime: 0n,
      kind: "internal",
      root: false,
      sampled: true,
    });
  const outside = (traceId: string, sampled: boolean) =>
    Tracer.externalSpan({ traceId, spanId: "b2".repeat(8), sampled });

  it("decides where a trace enters, and the rest follows", () => {
    const none = kept({ parentBased: true, ratio: 0 });
    assert.isFalse(none.sampled);
    assert.isFalse(kept({ parentBased: false, ratio: 1 }, none).sampled);
    assert.isTrue(kept({ parentBased: true, ratio: 1 }).sampled);
    assert.isTrue(
      kept({ parentBased: true, ratio: 0 }, outside("0".repeat(31) + "1", true)).sampled,
    );
    assert.isFalse(kept({ parentBased: true, ratio: 1 }, outside("f".repeat(32), false)).sampled);
  });

  it("by ratio decides from the trace, as all others do", () => {
    const half = { parentBased: false, ratio: 0.5 };
    assert.isTrue(kept(half, outside(`${"f".repeat(19)}${"0".repeat(13)}`, false)).sampled);
    assert.isFalse(kept(half, outside("f".repeat(32), true)).sampled);
  });
});

describe("TRACEPARENT", () => {
  const id = "a1".repeat(16);
  const span = "b2".repeat(8);

  it("is taken as it is defined, and otherwise not at all", () => {
    assert.deepInclude(parentFrom(`00-${id}-${span}-01`), {
      traceId: id,
      spanId: span,
      sampled: true,
    });
    assert.isFalse(parentFrom(`00-${id}-${span}-00`)?.sampled);
    assert.isNotNull(parentFrom(`01-${id}-${span}-01-more`));
    const zero = "0".repeat(32);
    for (const text of [undefined, "", "x", `ff-${id}-${span}-01`, `00-${zero}-${span}-01`]) {
      assert.isNull(parentFrom(text));
    }
    assert.isNull(parentFrom(`00-${id}-${span}-01-more`));
    assert.isNull(parentFrom(`00-${id.toUpperCase()}-${span}-01`));
  });
});
