// Runs `fleetctl` as an Effect: old spellings first, then the command, and exit codes that end at 3.

import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import { telling } from "./cli.ts";
import { CommandEnd, endingOf, endWith } from "./exit.ts";
import { fleetctl, usage } from "./fleetctl-command.ts";
import { version } from "./version.ts";

/** As `runCli`, for this command. */
export const runFleetctl = (given: ReadonlyArray<string>): Effect.Effect<void, unknown> => {
  const args = given.map(twoHyphens);
  const command =
    args.length === 0
      ? Effect.andThen(usage, Effect.fail(endWith(1)))
      : Command.runWith(fleetctl, { version })(args);
  return command.pipe(telling(args, "fleetctl"), Effect.mapError(narrowed));
};

/** Old calls may say `-scale 3`: names longer than a letter are long ones. */
const twoHyphens = (arg: string): string =>
  /^-[a-z][a-z-]+(?:=.*)?$/su.test(arg) ? `-${arg}` : arg;

const infrastructureFailed = 2;

/** Refused, partly done, unknown: for this command all of them are infrastructure errors. */
const narrowed = (error: unknown): unknown =>
  endingOf(error).code > 3 && endingOf(error).code < 8
    ? new CommandEnd({ code: infrastructureFailed })
    : error;
