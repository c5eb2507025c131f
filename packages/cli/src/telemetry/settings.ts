// Decides from the environment what telemetry is sent, where and how: OpenTelemetry's own variables.

import * as Result from "effect/Result";
import { quote } from "@muster/core/words/quote";

type Env = Readonly<Record<string, string | undefined>>;

type Signal = "traces" | "metrics" | "logs";

export interface Destination {
  readonly url: string;
  /** Often a credential: never shown. */
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: "http/protobuf" | "http/json";
  readonly compression: "gzip" | "none";
  /** The time that one request may take, in milliseconds; 10 000 when not given. */
  readonly timeoutMillis: number;
}

export interface Sampler {
  readonly parentBased: boolean;
  /** The share of traces that are kept, 0 to 1. */
  readonly ratio: number;
}

export interface TelemetrySettings {
  readonly destinations: Readonly<Record<Signal, Destination | null>>;
  readonly serviceName: string;
  readonly resource: Readonly<Record<string, string>>;
  readonly sampler: Sampler;
  /** Milliseconds between two reports of the metrics; 10 000 when not given. */
  readonly metricsMillis: number;
}

const signals: ReadonlyArray<Signal> = ["traces", "metrics", "logs"];

/** Nothing when nothing is to be sent; a failure says which variable cannot be read. */
export const telemetrySettings = (env: Env): Result.Result<TelemetrySettings | null, string> => {
  if (said(env, "OTEL_SDK_DISABLED")?.toLowerCase() === "true") return Result.succeed(null);
  return Result.gen(function* () {
    const [traces, metrics, logs] = [
      yield* destinationOf(env, "traces"),
      yield* destinationOf(env, "metrics"),
      yield* destinationOf(env, "logs"),
    ];
    if (traces === null && metrics === null && logs === null) return null;
    const resource = yield* pairsOf(env, "OTEL_RESOURCE_ATTRIBUTES");
    const { "service.name": named, ...others } = resource;
    return {
      destinations: { traces, metrics, logs },
      serviceName: said(env, "OTEL_SERVICE_NAME") ?? named ?? "muster",
      resource: others,
      sampler: yield* samplerOf(env),
      metricsMillis: yield* numberOf(env, "OTEL_METRIC_EXPORT_INTERVAL", 10_000),
    };
  });
};

/** Whether any variable asks for telemetry: what decides that its code is loaded at all. */
export const asksForTelemetry = (env: Env): boolean =>
  ["", ...signals.map((signal) => `${signal.toUpperCase()}_`)].some(
    (part) => said(env, `OTEL_EXPORTER_OTLP_${part}ENDPOINT`) !== undefined,
  );

const destinationOf = (env: Env, signal: Signal): Result.Result<Destination | null, string> =>
  Result.gen(function* () {
    const own = signal.toUpperCase();
    const exporter = said(env, `OTEL_${own}_EXPORTER`) ?? "otlp";
    if (exporter === "none") return null;
    if (exporter !== "otlp") {
      return yield* Result.fail(`OTEL_${own}_EXPORTER is ${quote(exporter)}: otlp and none serve`);
    }
    const url = yield* urlOf(env, signal);
    if (url === null) return null;
    const either = (name: string) =>
      said(env, `OTEL_EXPORTER_OTLP_${own}_${name}`) === undefined
        ? `OTEL_EXPORTER_OTLP_${name}`
        : `OTEL_EXPORTER_OTLP_${own}_${name}`;
    return {
      url,
      headers: yield* pairsOf(env, either("HEADERS")),
      protocol: yield* oneOf(env, either("PROTOCOL"), ["http/protobuf", "http/json"]),
      compression: yield* oneOf(env, either("COMPRESSION"), ["none", "gzip"]),
      timeoutMillis: yield* numberOf(env, either("TIMEOUT"), 10_000),
    };
  });

/** The signal's own address is taken as it is; the common one is the root of three. */
const urlOf = (env: Env, signal: Signal): Result.Result<string | null, string> => {
  const ownName = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`;
  const own = said(env, ownName);
  const common = said(env, "OTEL_EXPORTER_OTLP_ENDPOINT");
  const text = own ?? common;
  if (text === undefined) return Result.succeed(null);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/u.test(url.protocol)) {
    return Result.fail(
      `${own === undefined ? "OTEL_EXPORTER_OTLP_ENDPOINT" : ownName} is no http or https address`,
    );
  }
  if (own === undefined) url.pathname = `${url.pathname.replace(/\/+$/u, "")}/v1/${signal}`;
  return Result.succeed(url.href);
};

const samplerOf = (env: Env): Result.Result<Sampler, string> => {
  const name = said(env, "OTEL_TRACES_SAMPLER") ?? "parentbased_always_on";
  const parentBased = name.startsWith("parentbased_");
  const bare = name.replace(/^parentbased_/u, "");
  if (bare === "always_on") return Result.succeed({ parentBased, ratio: 1 });
  if (bare === "always_off") return Result.succeed({ parentBased, ratio: 0 });
  if (bare !== "traceidratio") {
    return Result.fail(
      `OTEL_TRACES_SAMPLER is ${quote(name)}: always_on, always_off and traceidratio serve, each also with parentbased_ before it`,
    );
  }
  const ratio = Number(said(env, "OTEL_TRACES_SAMPLER_ARG") ?? "1");
  return ratio >= 0 && ratio <= 1
    ? Result.succeed({ parentBased, ratio })
    : Result.fail("OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1");
};

/** `a=b,c=d`, percent-encoded. What is wrong with it is not quoted: it may be a credential. */
const pairsOf = (env: Env, name: string): Result.Result<Record<string, string>, string> => {
  const pairs: Record<string, string> = {};
  for (const part of (said(env, name) ?? "").split(",")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    const decoded = Result.try(() =>
      [part.slice(0, at), part.slice(at + 1)].map((text) => decodeURIComponent(text.trim())),
    );
    const [key = "", value = ""] = Result.isSuccess(decoded) ? decoded.success : [];
    if (at < 1 || key === "") return Result.fail(`${name} is no list of key=value`);
    pairs[key] = value;
  }
  return Result.succeed(pairs);
};

const oneOf = <const A extends string>(
  env: Env,
  name: string,
  allowed: readonly [A, ...ReadonlyArray<A>],
): Result.Result<A, string> => {
  const text = said(env, name);
  if (text === undefined) return Result.succeed(allowed[0]);
  const found = allowed.find((one) => one === text);
  return found === undefined
    ? Result.fail(`${name} is ${quote(text)}: ${allowed.join(" and ")} serve`)
    : Result.succeed(found);
};

const numberOf = (env: Env, name: string, otherwise: number): Result.Result<number, string> => {
  const text = said(env, name);
  if (text === undefined) return Result.succeed(otherwise);
  const number = Number(text);
  return Number.isFinite(number) && number >= 1 && number <= 3_600_000
    ? Result.succeed(number)
    : Result.fail(`${name} is no number of milliseconds from 1 to 3600000`);
};

/** The conventions treat an empty variable as one that is not set. */
const said = (env: Env, name: string): string | undefined => {
  const text = env[name]?.trim();
  return text === "" ? undefined : text;
};
