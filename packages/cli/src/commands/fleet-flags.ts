// The flags of the commands about one fleet, spelled once for `muster fleet` and `fleetctl`.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Flag from "effect/cli/Flag";
import { parseDuration } from "../duration.ts";
import { type CommandEnd, wrongInput } from "../exit.ts";
import type { FleetFlags } from "../fleet/opened.ts";
import * as Flags from "../flags.ts";

export const state = Flag.String("state").pipe(
  Flag.withDescription(
    "The ledger, a JSON file that is rewritten after each operation; .<fleet>.state.json beside the document when not given. The store lies beside it",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

export const store = Flag.String("store").pipe(
  Flag.withDescription(
    "Where records and audit are kept: sqlite:PATH, postgres://USER@HOST/DATABASE or memory: (MUSTER_STORE; .<fleet>.state.db beside the ledger when not given)",
  ),
  Flag.withMetavar("PLACE"),
  Flag.optional,
);

export const dryRun = Flag.Boolean("dry-run").pipe(
  Flag.withDescription("Show what would be done, and write nothing: no record either"),
  Flag.withDefault(false),
);

export const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why, for the record and the audit"),
  Flag.withMetavar("TEXT"),
  Flag.optional,
);

export const holdFor = Flag.String("for").pipe(
  Flag.withDescription(
    "How long a number that differs from the document's holds, such as 30m or 2h; 1h when not given",
  ),
  Flag.withMetavar("DURATION"),
  Flag.optional,
);

export const verifyFor = Flag.String("verify-for").pipe(
  Flag.withDescription("How long discovery may take to show what was done"),
  Flag.withMetavar("DURATION"),
  Flag.withDefault("2m"),
);

export const reconcileEvery = Flag.String("reconcile-every").pipe(
  Flag.withDescription("How long from one look to the next, such as 30s or 1m"),
  Flag.withMetavar("DURATION"),
  Flag.withDefault("30s"),
);

/** What every command of `muster fleet` takes. */
export const fleetFlags = {
  file: Flag.String("file").pipe(
    Flag.withAlias("f"),
    Flag.withDescription("The document of the fleet: a FleetConfig"),
    Flag.withMetavar("FILE"),
    Flag.withDefault("fleet.yaml"),
  ),
  state,
  store,
  owner: Flags.owner,
  config: Flags.config,
  output: Flags.output,
};

export interface CommonFlags extends FleetFlags {
  readonly output: "human" | "json";
}

const week = 7 * 86_400_000;

/** Milliseconds, or nothing when it was not said. */
export const holdMillis = (said: Option.Option<string>): Effect.Effect<number | null, CommandEnd> =>
  Option.isNone(said)
    ? Effect.succeed(null)
    : parseDuration("--for", said.value, { from: 60_000, to: week });

export const verifyMillis = (said: string): Effect.Effect<number, CommandEnd> =>
  parseDuration("--verify-for", said, { from: 0, to: 3_600_000 });

export const intervalMillis = (said: string): Effect.Effect<number, CommandEnd> =>
  parseDuration("--reconcile-every", said, { from: 1_000, to: 86_400_000 });

const most = 10_000;

export const checkTotal = (total: number): Effect.Effect<number, CommandEnd> =>
  total >= 0 && total <= most
    ? Effect.succeed(total)
    : Effect.fail(
        wrongInput(`a fleet of ${total} cannot be`, `give a whole number from 0 to ${most}`),
      );
