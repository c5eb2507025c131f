// `muster converge host`: has a host bring itself into its state now, by the operator's own command.

import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { canonicalJson, escapeText, exitCodes, Store, type StoreShape } from "@muster/core";
import { audited } from "@muster/core/inventory/act";
import { endOfConverge } from "@muster/core/inventory/act-end";
import { refresh } from "@muster/core/inventory/refresh";
import type { HostAddress } from "@muster/core/words/contact";
import { parseDuration } from "../duration.ts";
import { CommandEnd } from "../exit.ts";
import {
  actFlags,
  type ActFlags,
  hostArgument,
  noSsh,
  openAct,
  sendOnce,
  streaming,
  tellDryRun,
  tellEnd,
} from "../inventory/acting.ts";
import { viewLook } from "../inventory/look.ts";
import { Out } from "../screen/out.ts";
import { Wiring } from "../wiring.ts";

const timeout = Flag.String("timeout").pipe(
  Flag.withDescription("How long the command may take, such as 45m or 2h; at most 24h"),
  Flag.withMetavar("DURATION"),
  Flag.withDefault("30m"),
);

const bounds = { from: 1_000, to: 24 * 3_600_000 };

const host = Command.make(
  "host",
  { host: hostArgument, timeout, ...actFlags },
  Effect.fn("converge host")(function* (flags) {
    const timeoutMillis = yield* parseDuration("--timeout", flags.timeout, bounds);
    yield* Effect.scoped(
      Effect.gen(function* () {
        const screen = yield* Out;
        const { store, address, word, hosts } = yield* openAct(flags, flags.host);
        const line = hosts.converge;
        if (line === undefined) return yield* noLine;
        const name = address.host;
        if (flags.dryRun) return yield* tellDryRun(flags, name, line);
        const parameters = { line, timeoutMillis };
        const act = { action: "converge host", host: name, parameters };
        const end = yield* audited(store, act, word, (before) =>
          Effect.map(
            streaming(flags, (hear) =>
              sendOnce(flags, {
                ...{ address, line, timeoutMillis, hear },
                before: Effect.andThen(
                  before,
                  screen.say(`running on ${escapeText(name)}: ${escapeText(line, 2_000)}`),
                ),
              }),
            ),
            (sent) => endOfConverge(name, sent),
          ),
        );
        yield* lookAfter(flags, store, address);
        yield* tellEnd(flags, name, end);
      }),
    );
  }),
).pipe(
  Command.withDescription(
    "Run the line `hosts.converge` of muster.config.ts on one host, and show its output while it comes: the host's stdout on stdout, its stderr on stderr, with -o json an object for each line and one for the end. It is sent once and never again. The audit has it before it is sent, and what came of it after; then the host is looked at. After --timeout the connection is closed, and what the command does then is unknown.\n\nExit codes: 0 the command ended with 0, 1 wrong arguments or no such host, 2 nothing was sent: the host was not reached, or the store failed, 5 refused: the host is disabled, or no line is configured, 6 the command failed, 7 outcome unknown: it was cut, or took too long, 130 interrupted: the audit says unknown.",
  ),
  Command.withShortDescription("Run the configured command on one host"),
  Command.withExamples([
    {
      command: "muster converge host t-linux64-001.test.example --reason 'try the new override'",
      description: "One host",
    },
    {
      command: "muster converge host t-linux64-001.test.example --timeout 2h -o json",
      description: "With more time, for a script",
    },
    {
      command: "muster converge host t-linux64-001.test.example --dry-run",
      description: "Which line it would run",
    },
  ]),
);

const noLine = new CommandEnd({
  code: exitCodes.refused,
  message: "no line is configured that brings a host into its state",
  remedy:
    'set hosts.converge in muster.config.ts, such as "sudo -n run-puppet.sh", and name it with --config',
});

/** Looks once, and keeps what was seen, a failure too. */
const lookAfter = Effect.fnUntraced(function* (
  flags: ActFlags,
  store: StoreShape,
  address: HostAddress,
) {
  const screen = yield* Out;
  const wiring = yield* Wiring;
  const options = { env: screen.env, sshConfig: flags.sshConfig, acceptNew: false, concurrency: 1 };
  yield* refresh([address], {
    scope: "full",
    onLook: (look) =>
      flags.output === "json"
        ? screen.result(canonicalJson({ look: look.observation }))
        : screen.say(`looked at it: ${viewLook(look, 0)}`),
  }).pipe(
    Effect.provideService(Store, store),
    Effect.provide(wiring.prober(options)),
    Effect.catchIf(
      (error): error is { readonly message: string } => !("_tag" in error),
      (error) => Effect.fail(noSsh(error)),
    ),
  );
});

export const converge = Command.make("converge").pipe(
  Command.withDescription(
    "Bring hosts into their state by hand, one at a time. It is never a part of a rollout.",
  ),
  Command.withShortDescription("Bring one host into its state now"),
  Command.withSubcommands([host]),
  Command.withExamples([
    { command: "muster converge host t-linux64-001.test.example", description: "One host" },
  ]),
);
