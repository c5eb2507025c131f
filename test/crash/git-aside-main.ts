// Runs git for the process that forked this one, by the real layer, until that process is gone.

import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Result from "effect/Result";
import { Git, type GitError, type GitOptions } from "@muster/gitops-runner";

export type AsideRequest =
  | { readonly id: number; readonly options: GitOptions; readonly request: GitRequest }
  | { readonly id: number; readonly stop: true };

type GitRequest = Parameters<(typeof Git.Service)["run"]>[0];

export type AsideAnswer = { readonly id: number } & (
  | { readonly code: number; readonly output: Uint8Array }
  | { readonly error: ConstructorParameters<typeof GitError>[0] }
  | { readonly fault: string }
);

const answerOf = (
  id: number,
  exit: Exit.Exit<{ readonly code: number; readonly output: Buffer }, GitError>,
): AsideAnswer => {
  if (Exit.isSuccess(exit)) return { id, ...exit.value };
  const failed = Cause.findError(exit.cause);
  return Result.isSuccess(failed)
    ? { id, error: { ...failed.success } }
    : { id, fault: Cause.pretty(exit.cause) };
};

const running = new Map<number, Fiber.Fiber<unknown, unknown>>();

const answer = (asked: AsideRequest): void => {
  if ("stop" in asked) {
    const fiber = running.get(asked.id);
    if (fiber !== undefined) Effect.runFork(Fiber.interrupt(fiber));
    return;
  }
  const { id, options, request } = asked;
  const work = Effect.flatMap(Git, (git) => git.run(request)).pipe(
    Effect.provide(Git.layer(options)),
    Effect.onExit((exit) =>
      Effect.sync(() => {
        running.delete(id);
        process.send?.(answerOf(id, exit));
      }),
    ),
  );
  running.set(id, Effect.runFork(work));
};

process.on("message", answer);
process.on("disconnect", () => process.exit());
