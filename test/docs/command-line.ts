// Holds commands against the real command line: they are parsed, and none is carried out.

import * as NodeServices from "@effect/platform-node/NodeServices";
import * as Cause from "effect/Cause";
import * as Console from "effect/Console";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as CliError from "effect/cli/CliError";
import * as Command from "effect/cli/Command";
import { muster } from "../../packages/cli/src/program.ts";

type AnyCommand = Command.Command<string, object, object>;

/** The same command line, with handlers that do nothing. */
const silenced = (command: Command.Command.Any): AnyCommand => {
  // Any type of a command is one that can be run, once its handlers are gone.
  const own = command as AnyCommand;
  const below = command.subcommands.flatMap((group) => group.commands.map(silenced));
  return below.length === 0
    ? Command.withHandler(own, () => Effect.void)
    : Command.withSubcommands(own, below);
};

const parser = Command.runWith(silenced(muster), { version: "0.0.0" });

/** What is wrong with the arguments, or null. */
export const commandFault = (args: ReadonlyArray<string>): Promise<string | null> =>
  Effect.runPromise(
    parser(args).pipe(
      Effect.provide(NodeServices.layer),
      Effect.provideService(Console.Console, quiet),
      Effect.exit,
      Effect.map((exit) => (Exit.isSuccess(exit) ? null : told(exit.cause))),
    ),
  );

const told = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause);
  if (!CliError.isCliError(error)) return String(error);
  if (error._tag !== "ShowHelp") return error.message;
  return error.errors.map(({ message }) => message).join("; ") || "a command is missing";
};

/** The help that a wrong command line prints. */
const quiet = new Proxy(globalThis.console, { get: () => () => undefined });
