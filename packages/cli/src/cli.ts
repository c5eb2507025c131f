// Runs the command line as an Effect: parses, dispatches, and tells what went wrong in one place.

import * as NodeServices from "@effect/platform-node/NodeServices";
import * as Effect from "effect/Effect";
import * as CliError from "effect/cli/CliError";
import * as Command from "effect/cli/Command";
import { endingOf } from "./exit.ts";
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
    command.pipe(
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

const tell = (error: unknown): Effect.Effect<void> => {
  const { message, remedy } = endingOf(error);
  return message === undefined ? Effect.void : sayError(message, remedy);
};
