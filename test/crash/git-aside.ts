// Starts the git processes of a sweep from a small process aside: to fork the large one takes far longer than git does.

import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import { Git, GitError, type GitOptions } from "@muster/gitops-runner";
import type { AsideAnswer, AsideRequest } from "./git-aside-main.ts";

const mainFile = fileURLToPath(new URL("git-aside-main.ts", import.meta.url));

type Run = (typeof Git.Service)["run"];

/** The real git, all but the place where it is started. */
export const gitAside = (options: GitOptions): Layer.Layer<Git, GitError> =>
  Layer.effect(
    Git,
    Effect.map(Git, (git) => ({ ...git, run: runAside(options) })),
  ).pipe(Layer.provide(Git.layer(options)));

const runAside =
  (options: GitOptions): Run =>
  (request) =>
    Effect.callback((resume) => {
      const id = (asked += 1);
      waiting.set(id, (answer) => {
        waiting.delete(id);
        if ("fault" in answer) return resume(Effect.die(new Error(answer.fault)));
        resume(
          "error" in answer
            ? Effect.fail(new GitError(answer.error))
            : Effect.succeed({ code: answer.code, output: Buffer.from(answer.output) }),
        );
      });
      tell({ id, options, request });
      return Effect.callback<void>((stopped) => {
        waiting.set(id, () => {
          waiting.delete(id);
          stopped(Effect.void);
        });
        tell({ id, stop: true });
      });
    });

const waiting = new Map<number, (answer: AsideAnswer) => void>();
let asked = 0;
let aside: ChildProcess | undefined;

const tell = (request: AsideRequest): void => {
  aside ??= start();
  aside.send(request);
};

const start = (): ChildProcess => {
  const child = fork(mainFile, {
    // What it holds is copied for each process it starts, so it keeps little.
    execArgv: ["--conditions=muster-source", "--max-semi-space-size=1", "--max-old-space-size=64"],
    serialization: "advanced",
  });
  child.on("message", (answer: AsideAnswer) => waiting.get(answer.id)?.(answer));
  child.on("exit", (code) => {
    aside = undefined;
    for (const [id, settle] of waiting) settle({ id, fault: `git's process ended with ${code}` });
  });
  // It ends with the channel, and keeps nobody from ending.
  child.unref();
  child.channel?.unref();
  return child;
};
