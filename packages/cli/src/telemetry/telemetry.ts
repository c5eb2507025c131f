// Puts telemetry around a command: sent when the environment asks for it, logged as the command line asks.

import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import type * as Layer from "effect/Layer";
import * as Logger from "effect/Logger";
import * as Result from "effect/Result";
import * as Flag from "effect/cli/Flag";
import * as GlobalFlag from "effect/cli/GlobalFlag";
import { attributes, spans } from "@muster/core/report/telemetry";
import { traced } from "@muster/core/report/trace";
import { CommandEnd, endingOf } from "../exit.ts";
import { Out, type OutShape, sayError } from "../screen/out.ts";
import { type LogFormat, logTurn, makeLogger } from "./log.ts";
import { parentFrom } from "./parent.ts";
import { asksForTelemetry, telemetrySettings } from "./settings.ts";

export const LogFormatFlag = GlobalFlag.Setting("log-format")({
  flag: Flag.Literals("log-format", ["text", "json"]).pipe(
    Flag.withDescription("How what happens is told on stderr: json is one object a line"),
    Flag.withDefault("text" as const),
  ),
});

/** Read before the command line is: what is wrong with it is told in this format too. */
export const logFormatIn = (args: ReadonlyArray<string>): LogFormat => {
  const flags = args.slice(0, args.includes("--") ? args.indexOf("--") : args.length);
  const at = flags.lastIndexOf("--log-format");
  return (at >= 0 && flags[at + 1] === "json") || flags.includes("--log-format=json")
    ? "json"
    : "text";
};

/** The log on stderr. `run` turns it on as text when it stays; else only JSON is asked for. */
export const logging = (format: LogFormat, out: OutShape): Layer.Layer<never> =>
  Logger.layer([writingTo(format, out)], { mergeWithExisting: true });

const writingTo = (format: LogFormat, out: OutShape) =>
  makeLogger(format, (line) => Effect.runSync(out.say(line)));

/** Everything that a command tells of itself, around it. */
export const withTelemetry =
  (args: ReadonlyArray<string>) =>
  <A, E, R>(command: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const out = yield* Out;
      const format = logFormatIn(args);
      return yield* command.pipe(
        Effect.provideService(Out, toldIn(format, out)),
        exported(out),
        // Effect's own logger writes on stdout, which belongs to results.
        Effect.provide(Logger.layer(format === "json" ? [writingTo(format, out)] : [])),
      );
    });

const toldIn = (format: LogFormat, out: OutShape): OutShape => {
  const { progress } = out;
  if (format === "text") {
    return {
      ...out,
      progress: {
        ...progress,
        onEvent: (event) => Effect.andThen(progress.onEvent(event), logTurn(event)),
      },
    };
  }
  return {
    ...out,
    say: (text) => Effect.logInfo(text),
    sayError: (message, remedy) =>
      Effect.logError(message).pipe(
        Effect.annotateLogs(remedy === undefined ? {} : { "muster.remedy": remedy }),
      ),
    progress: { onEvent: logTurn, note: (text) => Effect.logInfo(text), end: Effect.void },
  };
};

const exported =
  ({ env }: OutShape) =>
  <A, E, R>(command: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
    if (!asksForTelemetry(env)) return command;
    const settings = telemetrySettings(env);
    if (Result.isFailure(settings)) {
      return Effect.andThen(warn(`telemetry is off: ${settings.failure}`), command);
    }
    const found = settings.success;
    if (found === null) return command;
    const parent = parentFrom(env["TRACEPARENT"]);
    const hung = parent === null ? command : Effect.withParentSpan(command, parent);
    return Effect.flatMap(
      Effect.promise(() => import("./export.ts")),
      ({ exporting }) => exporting(found, warn)(hung),
    );
  };

const warn = (message: string): Effect.Effect<void> => sayError(message, undefined);

/** A command on local documents as one trace, as `run` makes one of each run. */
export const tracedCommand =
  (name: string) =>
  <A, E, R>(command: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    command.pipe(
      Effect.result,
      Effect.onExit((exit) =>
        Exit.isFailure(exit)
          ? Effect.annotateCurrentSpan(attributes.pipelineResult, "cancellation")
          : Effect.void,
      ),
      traced(`${spans.command} muster ${name}`, {
        kind: "server",
        attributes: {
          [attributes.pipelineName]: `muster ${name}`,
          [attributes.pipelineAction]: spans.command,
        },
        tells: (result) => ({ [attributes.pipelineResult]: resultOf(result) }),
        faultOf: (result) =>
          resultOf(result) === "success" || Result.isSuccess(result)
            ? null
            : { type: typeOf(result.failure), message: endingOf(result.failure).message ?? "" },
      }),
      Effect.flatMap(Effect.fromResult),
    );

/** Changes that wait are what was asked for. */
const changesWaiting = 4;

const resultOf = (result: Result.Result<unknown, unknown>): "success" | "failure" | "error" => {
  if (Result.isSuccess(result)) return "success";
  const { code } = endingOf(result.failure);
  if (code === changesWaiting) return "success";
  return code === 1 || code === 5 || code === 6 ? "failure" : "error";
};

const typeOf = (error: unknown): string => {
  if (error instanceof CommandEnd) return `exit ${error.code}`;
  const { reason, _tag } = (error ?? {}) as { readonly reason?: string; readonly _tag?: string };
  return reason ?? _tag ?? "_OTHER";
};
