// Runs the command line as an Effect: parses, dispatches, and tells what went wrong in one place.

import * as NodeServices from "@effect/platform-node/NodeServices";
import * as Effect from "effect/Effect";
import * as Console from "effect/Console";
import * as CliError from "effect/cli/CliError";
import * as CliOutput from "effect/cli/CliOutput";
import * as Command from "effect/cli/Command";
import type { HelpDoc } from "effect/cli/HelpDoc";
import { quote } from "@muster/core/words/quote";
import { type CommandEnd, endingOf, wrongInput } from "./exit.ts";
import { muster } from "./program.ts";
import { Program, sayError } from "./screen/out.ts";
import { withTelemetry } from "./telemetry/telemetry.ts";
import { version } from "./version.ts";

/** Fails with the error that `teardown` turns into an exit code, after telling it. */
export const runCli = (args: ReadonlyArray<string>): Effect.Effect<void, unknown> =>
  Command.runWith(muster, { version })(args).pipe(telling(args));

/** Everything around a program of ours: its errors told, its telemetry sent, its platform there. */
export const telling =
  (args: ReadonlyArray<string>, program = "muster") =>
  <E>(command: Effect.Effect<void, E, NodeServices.NodeServices>): Effect.Effect<void, unknown> =>
    refuseFlagLike(args).pipe(
      Effect.andThen(command),
      Effect.provideService(CliOutput.Presenter, presenterOf(program)),
      Effect.tapError((error) => (CliError.isCliError(error) ? Effect.void : tell(error))),
      Effect.tapDefect((defect) =>
        sayError(
          `internal error: ${defect instanceof Error ? (defect.stack ?? defect.message) : String(defect)}`,
          "this is a fault in muster: please report it with the lines above",
        ),
      ),
      withTelemetry(args),
      Effect.provideService(Program, program),
      Effect.provide(NodeServices.layer),
    );

/**
 * `--for -1h` would be the flags 1 and h, and so show the help and call that a success. No flag
 * begins with a digit: what looks like that is a value, and has to say whose.
 */
const refuseFlagLike = (args: ReadonlyArray<string>): Effect.Effect<void, CommandEnd> => {
  const end = args.indexOf("--");
  const odd = (end < 0 ? args : args.slice(0, end)).find(
    (arg) => /^-[0-9]/u.test(arg) && Number.isNaN(Number(arg)),
  );
  return odd === undefined
    ? Effect.void
    : Effect.fail(
        wrongInput(
          `${quote(odd)} looks like a flag and is none`,
          "hand a value that begins with a hyphen on as --FLAG=VALUE",
        ),
      );
};

/** The help for a wrong call goes to stderr: on stdout it would look like a result. */
const presenterOf = (program: string): CliOutput.Presenter => ({
  present: (event) => {
    const presented = CliOutput.defaultPresenter.present(
      "helpDoc" in event ? { ...event, helpDoc: calledAs(program, event.helpDoc) } : event,
    );
    return event._tag === "InvalidInvocation"
      ? Effect.updateService(presented, Console.Console, toStderr)
      : presented;
  },
});

/** Commands that stand under two programs: whoever called one gets its examples for that. */
const calledAs = (program: string, { examples = [], ...doc }: HelpDoc): HelpDoc => ({
  ...doc,
  examples: examples.map((example) => ({
    ...example,
    command: example.command.replace(
      /^muster (?=(?:host|inventory|population|converge|reboot) )/u,
      `${program} `,
    ),
  })),
});

const toStderr = (console: Console.Console): Console.Console =>
  Object.assign(Object.create(console) as Console.Console, {
    log: (...words: ReadonlyArray<unknown>) => console.error(...words),
  });

const tell = (error: unknown): Effect.Effect<void> => {
  const { message, remedy } = endingOf(error);
  return message === undefined ? Effect.void : sayError(message, remedy);
};
