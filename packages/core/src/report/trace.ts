// Turns a step into a span: its error named, also where the step tells it as a value and goes on.

import * as Cause from "effect/Cause";
import * as Clock from "effect/Clock";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Metric from "effect/Metric";
import type * as Tracer from "effect/Tracer";
import { attributes } from "./telemetry.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** What went wrong in a step that goes on all the same. */
export interface Fault {
  /** One of few words, such as the reason of an error. */
  readonly type: string;
  /** Escaped, and free of secrets. */
  readonly message: string;
}

export interface Traced<A> {
  /** Default `internal`. */
  readonly kind?: Tracer.SpanKind;
  readonly attributes?: Attributes;
  /** Where it hangs, when that is not the span around it. */
  readonly span?: Pick<Tracer.SpanOptionsNoTrace, "links" | "parent" | "root">;
  /** What the span says of the value, beside what is known before. */
  readonly tells?: (value: A) => Attributes;
  /** Makes the span one of an error although the step succeeds with this value. */
  readonly faultOf?: (value: A) => Fault | null;
}

/** Carries a value past the end of its span, which ends as an error. */
class Recorded<A> extends Error {
  readonly value: A;
  constructor(value: A, { type, message }: Fault) {
    super(message);
    this.name = type;
    this.value = value;
    // What leads here is always this file; a stack trace would tell nothing of the fault.
    this.stack = `${type}: ${message}`;
  }
}

/** The step as a span of this name. Changes nothing of what it does or answers. */
export const traced =
  <A>(name: string, options: Traced<A> = {}) =>
  <E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    step.pipe(
      Effect.onExit((exit) =>
        Exit.isFailure(exit)
          ? Effect.annotateCurrentSpan(attributes.errorType, errorType(exit.cause))
          : Effect.void,
      ),
      Effect.flatMap((value): Effect.Effect<A, Recorded<A>> => {
        const fault = options.faultOf?.(value) ?? null;
        const told = {
          ...options.tells?.(value),
          ...(fault === null ? {} : { [attributes.errorType]: fault.type }),
        };
        return Effect.andThen(
          Effect.annotateCurrentSpan(told),
          fault === null ? Effect.succeed(value) : Effect.fail(new Recorded(value, fault)),
        );
      }),
      Effect.withSpan(
        name,
        { ...options.span, kind: options.kind ?? "internal", attributes: options.attributes ?? {} },
        // The line that made the span tells nothing, and finding it costs more than the span.
        { captureStackTrace: false },
      ),
      // Only this very span's own: a step never fails with one.
      Effect.catch((error) =>
        error instanceof Recorded ? Effect.succeed(error.value) : Effect.fail(error),
      ),
    ) as Effect.Effect<A, E, R>;

/** Ends a span that was made by hand as an error. */
export const faultExit = (fault: Fault): Exit.Exit<never, Error> =>
  Exit.fail(new Recorded(undefined, fault));

/** The span of the run that something belongs to, wherever below it one stands. */
export const RunSpan: Context.Reference<Tracer.Span | null> = Context.Reference<Tracer.Span | null>(
  "@muster/core/report/trace/RunSpan",
  { defaultValue: () => null },
);

/** Hangs what outlives the step that begins it below the run itself. */
export const underRun = <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(RunSpan, (span) =>
    span === null
      ? work
      : (Effect.withParentSpan(work, span, { captureStackTrace: false }) as Effect.Effect<A, E, R>),
  );

/** A pure decision as a span. */
export const tracedSync = <A>(
  name: string,
  decide: () => A,
  options: Traced<A> = {},
): Effect.Effect<A> => Effect.sync(decide).pipe(traced(name, options));

/** One of few words: the reason of an error, else its tag. */
export const errorType = (cause: Cause.Cause<unknown>): string => {
  if (Cause.hasInterruptsOnly(cause)) return "Interrupted";
  const error = Cause.findErrorOption(cause);
  if (error._tag === "None") return "Defect";
  const { reason, _tag } = (error.value ?? {}) as { readonly reason?: unknown; _tag?: unknown };
  if (typeof reason === "string") return reason;
  return typeof _tag === "string" ? _tag : "_OTHER";
};

/** Measures how long a step takes, in seconds, with labels that its end decides. */
export const timed =
  <A, E>(
    metric: Metric.Metric<number, unknown>,
    labels: (exit: Exit.Exit<A, E>) => Readonly<Record<string, string>>,
  ) =>
  <R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Clock.currentTimeMillis, (began) =>
      Effect.onExit(step, (exit) =>
        Effect.flatMap(Clock.currentTimeMillis, (ended) =>
          Metric.update(Metric.withAttributes(metric, labels(exit)), (ended - began) / 1_000),
        ),
      ),
    );

/** The label of a failed step; none for one that went well. */
export const errorLabel = (exit: Exit.Exit<unknown, unknown>): Readonly<Record<string, string>> =>
  Exit.isFailure(exit) ? { [attributes.errorType]: errorType(exit.cause) } : {};

/** Adds to a metric under these labels. */
export const count = (
  metric: Metric.Metric<number, unknown>,
  labels: Readonly<Record<string, string>>,
  by = 1,
): Effect.Effect<void> => Metric.update(Metric.withAttributes(metric, labels), by);
