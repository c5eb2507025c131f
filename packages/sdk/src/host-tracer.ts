// Joins the tracer of the application around us: our spans become children of its active span.
//
// `@opentelemetry/api` is the application's, if it has one; it is loaded when first needed, and only
// here. `@effect/opentelemetry` does the same and more, but asks for SDK packages below version 3,
// which an application with the current NodeSDK cannot give it.

import type * as Otel from "@opentelemetry/api";
import * as Cause from "effect/Cause";
import type * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import * as Tracer from "effect/Tracer";

/** Our tracer in the application's context, as it was when the call was made. */
export interface Host {
  readonly tracer: Tracer.Tracer;
}

type Api = typeof Otel;

let loading: Promise<Api | null> | undefined;

const loadApi = (): Promise<Api | null> =>
  (loading ??= import("@opentelemetry/api").then(
    (api) => api,
    () => null,
  ));

/**
 * The tracer to join; nothing when the application has none. To be called where the application's
 * context still holds: at the very start of a call, before anything is awaited.
 */
export const findHost = async (): Promise<Host | null> => {
  const api = await loadApi();
  if (api === null) return null;
  const provider = api.trace.getTracerProvider();
  // Without a provider behind it the proxy would make spans that go nowhere.
  if (provider instanceof api.ProxyTracerProvider) {
    if (provider.getDelegateTracer("muster") === undefined) return null;
  }
  const around = api.context.active();
  return { tracer: makeTracer(api, provider.getTracer("muster"), around) };
};

/** Runs with the host's tracer, unless whoever runs it has put a tracer of Effect there. */
export const joining =
  (host: Host | null) =>
  <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    host === null ? call : Effect.provideService(call, Tracer.Tracer, host.tracer);

/** Whether a tracer of Effect is there already: then it is the one that counts. */
export const hasTracer: Effect.Effect<boolean> = Effect.map(
  Tracer.Tracer,
  (tracer) => tracer !== Tracer.nativeTracer,
);

const makeTracer = (api: Api, tracer: Otel.Tracer, around: Otel.Context): Tracer.Tracer =>
  Tracer.make({
    span: (options) => new HostSpan(api, tracer, around, options),
    // What a provider sends from within is the child of the span that it is sent in.
    context: (primitive, fiber) => {
      const span = fiber.cache.span;
      const evaluate = () => primitive["~effect/Effect/evaluate"](fiber);
      return span instanceof HostSpan ? api.context.with(span.context, evaluate) : evaluate();
    },
  });

type SpanOptions = Parameters<Tracer.Tracer["span"]>[0];

class HostSpan implements Tracer.Span {
  readonly _tag = "Span";
  readonly name: string;
  readonly spanId: string;
  readonly traceId: string;
  readonly parent: Option.Option<Tracer.AnySpan>;
  readonly annotations: Context.Context<never>;
  readonly attributes = new Map<string, unknown>();
  readonly links: Array<Tracer.SpanLink>;
  readonly sampled: boolean;
  readonly kind: Tracer.SpanKind;
  readonly context: Otel.Context;
  status: Tracer.SpanStatus;
  readonly #api: Api;
  readonly #span: Otel.Span;

  constructor(api: Api, tracer: Otel.Tracer, around: Otel.Context, options: SpanOptions) {
    const { name, parent, annotations, links, kind, startTime } = options;
    this.name = name;
    this.parent = parent;
    this.annotations = annotations;
    this.kind = kind;
    this.links = [...links];
    this.status = { _tag: "Started", startTime };
    this.#api = api;
    const above = contextAbove(api, around, options);
    this.#span = tracer.startSpan(
      name,
      { kind: kindOf(api, kind), startTime: timeOf(startTime), links: links.map(linkOf(api)) },
      above,
    );
    this.context = api.trace.setSpan(above, this.#span);
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    this.traceId = traceId;
    this.spanId = spanId;
    this.sampled = (traceFlags & api.TraceFlags.SAMPLED) !== 0;
  }

  attribute(key: string, value: unknown): void {
    this.attributes.set(key, value);
    this.#span.setAttribute(key, plain(value));
  }

  event(name: string, startTime: bigint, attributes: Record<string, unknown> = {}): void {
    this.#span.addEvent(name, plainAll(attributes), timeOf(startTime));
  }

  addLinks(links: ReadonlyArray<Tracer.SpanLink>): void {
    this.links.push(...links);
    this.#span.addLinks(links.map(linkOf(this.#api)));
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    if (this.status._tag === "Ended") return;
    this.status = { ...this.status, _tag: "Ended", endTime, exit };
    this.#tellExit(timeOf(endTime), exit);
    this.#span.end(timeOf(endTime));
  }

  #tellExit(time: Otel.HrTime, exit: Exit.Exit<unknown, unknown>): void {
    const { OK, ERROR } = this.#api.SpanStatusCode;
    if (Exit.isSuccess(exit)) return void this.#span.setStatus({ code: OK });
    if (Cause.hasInterruptsOnly(exit.cause)) {
      return void this.#span.setAttribute("effect.fiber.interrupted", true);
    }
    const errors = Cause.prettyErrors(exit.cause);
    for (const error of errors) this.#span.recordException(error, time);
    this.#span.setStatus({ code: ERROR, message: errors[0]?.message ?? "" });
  }
}

const contextAbove = (
  api: Api,
  around: Otel.Context,
  { parent, root }: SpanOptions,
): Otel.Context => {
  if (root) return api.trace.deleteSpan(around);
  if (Option.isNone(parent)) return around;
  return parent.value instanceof HostSpan
    ? parent.value.context
    : api.trace.setSpanContext(around, spanContextOf(api, parent.value));
};

const spanContextOf = (
  api: Api,
  { traceId, spanId, sampled }: Tracer.AnySpan,
): Otel.SpanContext => ({
  traceId,
  spanId,
  traceFlags: sampled ? api.TraceFlags.SAMPLED : api.TraceFlags.NONE,
});

const linkOf =
  (api: Api) =>
  ({ span, attributes }: Tracer.SpanLink): Otel.Link => ({
    context: spanContextOf(api, span),
    attributes: plainAll(attributes),
  });

const kindOf = (api: Api, kind: Tracer.SpanKind): Otel.SpanKind =>
  ({
    internal: api.SpanKind.INTERNAL,
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    producer: api.SpanKind.PRODUCER,
    consumer: api.SpanKind.CONSUMER,
  })[kind];

const timeOf = (nanos: bigint): Otel.HrTime => [
  Number(nanos / 1_000_000_000n),
  Number(nanos % 1_000_000_000n),
];

const plain = (value: unknown): Otel.AttributeValue =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? value
    : String(value);

const plainAll = (attributes: Readonly<Record<string, unknown>>): Otel.Attributes =>
  Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, plain(value)]));
