// One git process as one span and one measurement: its operation, and how it ended.

import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import { attributes, metrics, spans } from "@muster/core/report/telemetry";
import { count, errorLabel, timed, traced } from "@muster/core/report/trace";
import type { GitError } from "./error.ts";

/** Its arguments and its output stay out of it. */
export const tracedGit = <A extends { readonly code: number }, R>(
  { operation, reach }: { readonly operation: string; readonly reach?: string },
  run: Effect.Effect<A, GitError, R>,
): Effect.Effect<A, GitError, R> =>
  run.pipe(
    timed(metrics.gitCalls, (exit) => ({ [attributes.operation]: operation, ...errorLabel(exit) })),
    Effect.onExit((exit) =>
      operation === "push"
        ? count(metrics.pushes, { [attributes.result]: pushResult(exit), ...errorLabel(exit) })
        : Effect.void,
    ),
    traced<A>(`${spans.git} ${operation}`, {
      kind: reach === undefined || reach === "local" ? "internal" : "client",
      attributes: { [attributes.executable]: "git", [attributes.operation]: operation },
      tells: ({ code }) => ({ [attributes.exitCode]: code }),
    }),
  );

/** A push that the remote refused answers with a code of its own. */
const pushResult = (exit: Exit.Exit<{ readonly code: number }, unknown>): string => {
  if (Exit.isFailure(exit)) return "failed";
  return exit.value.code === 0 ? "done" : "rejected";
};
