// What a trace says of a run: one trace for each, linked to the commit that it acts on.

import { createHash } from "node:crypto";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Tracer from "effect/Tracer";
import { attributes, metrics, spans } from "@muster/core/report/telemetry";
import {
  count,
  errorLabel,
  errorType,
  type Fault,
  RunSpan,
  timed,
  traced,
} from "@muster/core/report/trace";
import { type Verdict, verdictOfApply } from "@muster/core/report/verdict";
import type { ReconcileReport } from "@muster/core/reconcileOnce";
import { hasErrors } from "@muster/core/words/diagnostic";
import { stripSecrets } from "./redact.ts";
import type { Repository } from "./url.ts";

/** The name of the pipeline that a runner is. */
export const pipelineName = "muster";

export interface Source {
  readonly repository: Repository;
  readonly branch: string;
  readonly environment: string;
}

interface TracedReport {
  readonly report: ReconcileReport;
  readonly unpublished: { readonly reason: string; readonly message: string } | null;
}

/** What the conventions call the result of a pipeline's run. */
type PipelineResult = "success" | "failure" | "error" | "cancellation";

const resultOfVerdict: Readonly<Record<Verdict, PipelineResult>> = {
  done: "success",
  "changes waiting": "success",
  "faulty documents": "failure",
  refused: "failure",
  "partly done": "failure",
  "infrastructure failed": "error",
  "outcome unknown": "error",
};

const verdictOf = ({ report }: TracedReport): Verdict =>
  hasErrors(report.diagnostics) ? "faulty documents" : verdictOfApply(report);

const resultOf = (exit: Exit.Exit<TracedReport, unknown>): PipelineResult => {
  if (Exit.isFailure(exit)) {
    return errorType(exit.cause) === "Interrupted" ? "cancellation" : "error";
  }
  const result = resultOfVerdict[verdictOf(exit.value)];
  return result === "success" && exit.value.unpublished !== null ? "error" : result;
};

const faultOf = (ran: TracedReport): Fault | null => {
  const verdict = verdictOf(ran);
  if (resultOfVerdict[verdict] !== "success") return { type: verdict, message: verdict };
  if (ran.unpublished === null) return null;
  return { type: ran.unpublished.reason, message: ran.unpublished.message };
};

/** One run as one trace, or as the child of the span that the environment names. */
export const tracedRun =
  (options: Source & { readonly run: string }) =>
  <A extends TracedReport, E, R>(run: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    run.pipe(
      Effect.onExit((exit) =>
        Effect.annotateCurrentSpan({
          [attributes.pipelineResult]: resultOf(exit),
          [attributes.taskRunResult]: resultOf(exit),
        }),
      ),
      Effect.onExit((exit) =>
        resultOf(exit) === "error"
          ? count(metrics.runErrors, { ...pipeline, ...labelOfError(exit) })
          : Effect.void,
      ),
      timed(metrics.runDuration, (exit) => ({
        ...pipeline,
        [attributes.pipelineRunState]: "executing",
        [attributes.pipelineResult]: resultOf(exit),
      })),
      (step) =>
        Effect.flatMap(Effect.orDie(Effect.currentSpan), (span) =>
          Effect.provideService(step, RunSpan, span),
        ),
      traced<A>(`${spans.run} ${pipelineName}`, {
        kind: "server",
        attributes: { ...aboutRun(options), [attributes.pipelineRunId]: options.run },
        faultOf,
      }),
    );

/** What is known of a run before it begins. */
export const aboutRun = ({ repository, branch, environment }: Source) => ({
  ...pipeline,
  [attributes.pipelineAction]: spans.run,
  [attributes.repositoryUrl]: stripSecrets(repository.url, []),
  [attributes.refName]: branch,
  [attributes.refType]: "branch",
  [attributes.environment]: environment,
});

/** The label of every run. */
export const pipeline = { [attributes.pipelineName]: pipelineName };

const labelOfError = (exit: Exit.Exit<TracedReport, unknown>): Record<string, string> => {
  if (Exit.isFailure(exit)) return errorLabel(exit);
  const fault = faultOf(exit.value);
  return fault === null ? {} : { [attributes.errorType]: fault.type };
};

export const linkTo = (span: Tracer.AnySpan, how: string): Tracer.SpanLink => ({
  span,
  attributes: { [attributes.link]: how },
});

/** The trace of this run, when somebody keeps it: what status commits and the history name. */
export const currentTrace: Effect.Effect<{ readonly trace?: string }> = Effect.map(
  RunSpan,
  (span) =>
    span === null || !span.sampled || span instanceof Tracer.NativeSpan
      ? {}
      : { trace: span.traceId },
);

/** Says which commit the run acts on, once it is known, and links the trace to it. */
export const noteHead = (source: Source, head: string): Effect.Effect<void> =>
  Effect.flatMap(RunSpan, (span) =>
    Effect.sync(() => {
      if (span === null || span.attributes.get(attributes.refRevision) === head) return;
      span.attribute(attributes.refRevision, head);
      span.addLinks([linkTo(commitSpan(source, head), "commit")]);
    }),
  );

/**
 * The span that stands for a commit in an environment. Nobody sends it: whoever knows the commit
 * computes the same, and so finds every run that acted on it.
 */
export const commitSpan = (
  { repository, environment }: Pick<Source, "repository" | "environment">,
  commit: string,
): Tracer.ExternalSpan => {
  const digest = createHash("sha256")
    .update([repository.normalised, commit, environment].join("\n"))
    .digest("hex");
  return Tracer.externalSpan({ traceId: digest.slice(0, 32), spanId: digest.slice(32, 48) });
};
