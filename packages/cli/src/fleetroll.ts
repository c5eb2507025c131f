// Runs `fleetroll` as an Effect.

import type * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import { telling } from "./cli.ts";
import { fleetroll } from "./fleetroll-command.ts";
import { version } from "./version.ts";

/** As `runCli`, for this command. */
export const runFleetroll = (args: ReadonlyArray<string>): Effect.Effect<void, unknown> =>
  Command.runWith(fleetroll, { version })(args).pipe(telling(args, "fleetroll"));
