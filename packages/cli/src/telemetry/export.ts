// Sends traces, metrics and logs by OTLP over HTTP. Loaded only when the environment asks for it.

import * as Cause from "effect/Cause";
import * as ConfigProvider from "effect/ConfigProvider";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Layer from "effect/Layer";
import * as Scope from "effect/Scope";
import * as Tracer from "effect/Tracer";
import * as FetchHttpClient from "effect/http/FetchHttpClient";
import * as HttpClient from "effect/http/HttpClient";
import * as OtlpLogger from "effect/observability/OtlpLogger";
import * as OtlpMetrics from "effect/observability/OtlpMetrics";
import * as OtlpSerialization from "effect/observability/OtlpSerialization";
import * as OtlpTracer from "effect/observability/OtlpTracer";
import { version } from "../version.ts";
import { sampling } from "./sampler.ts";
import type { Destination, TelemetrySettings } from "./settings.ts";

/** How long the end of a command waits for what is still to be sent, in milliseconds. */
export const lastWaitMillis = 2_000;

/** Told once that, and why, telemetry does not arrive. Nothing else ever comes of it. */
type Tell = (message: string) => Effect.Effect<void>;

/**
 * Runs a program with its telemetry sent. A collector that is down, slow or unwilling changes
 * nothing of the program: batches are dropped, and its end waits `lastWaitMillis` at most.
 */
export const exporting =
  (settings: TelemetrySettings, tell: Tell) =>
  <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const courier: Courier = { closing: false, told: false };
      return Effect.acquireUseRelease(
        Effect.flatMap(Scope.make(), (scope) =>
          Effect.map(Layer.buildWithScope(layerOf(settings, courier, tell), scope), (services) => ({
            scope,
            services: withSampler(services, settings),
          })),
        ),
        ({ services }) => Effect.provideContext(program, services),
        ({ scope }, exit) =>
          Effect.gen(function* () {
            courier.closing = true;
            // What hangs is left behind: the process ends, and takes it along.
            const sending = yield* Effect.forkDetach(Scope.close(scope, exit));
            yield* Effect.timeoutOption(
              Effect.interruptible(Fiber.await(sending)),
              lastWaitMillis + 500,
            );
          }),
      ) as Effect.Effect<A, E, R>;
    });

const withSampler = (
  services: Context.Context<never>,
  { sampler }: TelemetrySettings,
): Context.Context<never> =>
  Context.add(services, Tracer.Tracer, sampling(Context.get(services, Tracer.Tracer), sampler));

interface Courier {
  /** From now on what fails is not tried again. */
  closing: boolean;
  told: boolean;
}

const layerOf = (settings: TelemetrySettings, courier: Courier, tell: Tell): Layer.Layer<never> => {
  const resource = {
    serviceName: settings.serviceName,
    serviceVersion: version,
    attributes: settings.resource,
  };
  const shutdownTimeout = lastWaitMillis;
  const via = <A>(
    to: Destination | null,
    layer: (common: Common) => Layer.Layer<A, never, Needs>,
  ): Layer.Layer<never> => {
    if (to === null) return Layer.empty;
    const { url, headers, compression } = to;
    return layer({ url, headers, compression, resource, shutdownTimeout }).pipe(
      Layer.provide(serializationOf(to)),
      Layer.provide(clientOf(to, courier, tell)),
      // Its flusher is of no use to others; tracer and loggers are references.
    );
  };
  const { traces, metrics, logs } = settings.destinations;
  const exportInterval = settings.metricsMillis;
  return Layer.mergeAll(
    via(traces, (common) => OtlpTracer.layer(common)),
    via(metrics, (common) => OtlpMetrics.layer({ ...common, exportInterval })),
    via(logs, (common) => OtlpLogger.layer({ ...common, excludeLogSpans: true })),
  ).pipe(
    // All that is read from the environment was read before.
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown({}))),
  );
};

type Needs = HttpClient.HttpClient | OtlpSerialization.OtlpSerialization;

interface Common extends Pick<Destination, "url" | "headers" | "compression"> {
  readonly resource: {
    readonly serviceName: string;
    readonly serviceVersion: string;
    readonly attributes: Record<string, unknown>;
  };
  readonly shutdownTimeout: number;
}

const serializationOf = ({ protocol }: Destination) =>
  protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf;

/** Bounded in time, tells the first failure, and tries nothing again once the end has come. */
const clientOf = (
  { url, timeoutMillis }: Destination,
  courier: Courier,
  tell: Tell,
): Layer.Layer<HttpClient.HttpClient> => {
  const { origin } = new URL(url);
  const tellOnce = (why: string) =>
    Effect.suspend(() => {
      if (courier.told) return Effect.void;
      courier.told = true;
      return tell(`telemetry does not arrive at ${origin}: ${why}; the work goes on without it`);
    });
  return Layer.effect(
    HttpClient.HttpClient,
    Effect.map(
      HttpClient.HttpClient,
      HttpClient.transform((response) =>
        response.pipe(
          Effect.timeout(timeoutMillis),
          Effect.tap(({ status }) =>
            status < 400 ? Effect.void : tellOnce(`it answers ${status}`),
          ),
          Effect.tapError((error) =>
            tellOnce(Cause.isTimeoutError(error) ? "it does not answer" : "it cannot be reached"),
          ),
          Effect.catch((error) =>
            courier.closing || Cause.isTimeoutError(error)
              ? Effect.die("it is not tried again")
              : Effect.fail(error),
          ),
        ),
      ),
    ),
  ).pipe(Layer.provide(FetchHttpClient.layer));
};
