// Keeps the trace of the run that the loop is in: from the tick that opens it until nobody works any more.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Metric from "effect/Metric";
import type * as Scope from "effect/Scope";
import type * as Tracer from "effect/Tracer";
import type { Outcome } from "@muster/core/apply/outcome";
import { attributes, metrics, spans } from "@muster/core/report/telemetry";
import { count, type Fault, faultExit, RunSpan } from "@muster/core/report/trace";
import { aboutRun, linkTo, pipeline, pipelineName, type Source } from "./trace.ts";

export interface LoopTraces {
  /** A part of the loop within the open trace; it opens one, and closes it when nobody works. */
  readonly within: <A, E, R>(
    source: Source,
    part: Effect.Effect<A, E, R>,
  ) => Effect.Effect<A, E, R>;
  /** That somebody works, and what the run is called. */
  readonly noteWork: (run: string) => Effect.Effect<void>;
  /** What went wrong; the first one is told as that of the whole. */
  readonly noteFault: (fault: Fault) => Effect.Effect<void>;
  readonly noteOutcomes: (outcomes: ReadonlyArray<Outcome>) => Effect.Effect<void>;
}

interface OpenTrace {
  readonly span: Tracer.Span;
  /** Milliseconds. */
  readonly began: number;
  worked: boolean;
  fault: Fault | null;
}

/** `isOpen`: whether somebody works, or holds the lease. What is open at the end was cancelled. */
export const makeLoopTraces = (
  isOpen: () => boolean,
): Effect.Effect<LoopTraces, never, Scope.Scope> =>
  Effect.gen(function* () {
    const starter = yield* Effect.orElseSucceed(Effect.currentParentSpan, () => null);
    let current: OpenTrace | null = null;

    const open = Effect.fnUntraced(function* (source: Source) {
      const span = yield* Effect.makeSpan(`${spans.run} ${pipelineName}`, {
        kind: "server",
        // Below whoever started the loop it would be one trace of weeks.
        root: true,
        links: starter === null ? [] : [linkTo(starter, "started by")],
        attributes: aboutRun(source),
      });
      return { span, began: yield* Clock.currentTimeMillis, worked: false, fault: null };
    });

    const close = (cancelled: boolean): Effect.Effect<void> =>
      Effect.suspend(() => {
        const ended = current;
        current = null;
        return ended === null ? Effect.void : tellEnd(ended, cancelled);
      });

    yield* Effect.addFinalizer(() => close(true));
    return {
      within: <A, E, R>(source: Source, part: Effect.Effect<A, E, R>) =>
        Effect.gen(function* () {
          current ??= yield* open(source);
          const { span } = current;
          return yield* part.pipe(
            Effect.provideService(RunSpan, span),
            Effect.withParentSpan(span, { captureStackTrace: false }),
            Effect.ensuring(Effect.suspend(() => (isOpen() ? Effect.void : close(false)))),
          );
        }) as Effect.Effect<A, E, R>,
      noteWork: (run) =>
        Effect.sync(() => {
          if (current === null) return;
          current.worked = true;
          current.span.attribute(attributes.pipelineRunId, run);
        }),
      noteFault: (fault) =>
        Effect.sync(() => {
          if (current !== null) current.fault ??= fault;
        }),
      noteOutcomes: (outcomes) =>
        Effect.sync(() => {
          const failed = outcomes.find(({ result }) => result === "failed" || result === "unknown");
          if (current === null || failed === undefined) return;
          current.fault ??= { type: failed.code ?? failed.result, message: failed.message };
        }),
    };
  });

const tellEnd = Effect.fnUntraced(function* (ended: OpenTrace, cancelled: boolean) {
  const { span, began, fault } = ended;
  const result = resultOf(ended, cancelled);
  span.attribute(attributes.pipelineResult, result);
  if (fault !== null) {
    span.attribute(attributes.errorType, fault.type);
    yield* count(metrics.runErrors, { ...pipeline, [attributes.errorType]: fault.type });
  }
  yield* Metric.update(
    Metric.withAttributes(metrics.runDuration, {
      ...pipeline,
      [attributes.pipelineRunState]: "executing",
      [attributes.pipelineResult]: result,
    }),
    ((yield* Clock.currentTimeMillis) - began) / 1_000,
  );
  span.end(yield* Clock.currentTimeNanos, fault === null ? Exit.void : faultExit(fault));
});

/** A tick that found nothing to do is a run that was skipped. */
const resultOf = ({ worked, fault }: OpenTrace, cancelled: boolean): string => {
  if (fault !== null) return "error";
  if (cancelled) return "cancellation";
  return worked ? "success" : "skip";
};
