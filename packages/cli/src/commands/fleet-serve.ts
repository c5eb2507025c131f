// `muster fleet serve`: keeps one fleet until it is told to stop, and answers over HTTP meanwhile.

import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Redacted from "effect/Redacted";
import type * as Scope from "effect/Scope";
import * as Flag from "effect/cli/Flag";
import { events } from "@muster/core/report/telemetry";
import type { FleetControl } from "@muster/sdk/fleet-contract";
import type { ServerError, TokenError } from "@muster/server";
import { makeDaemon } from "../fleet/daemon.ts";
import type { FleetEvent } from "../fleet/event.ts";
import { checkLedger } from "../fleet/ledger-file.ts";
import { type Fleet, type FleetFlags, openFleet } from "../fleet/opened.ts";
import { announceDaemon } from "../fleet/presence.ts";
import { Out } from "../screen/out.ts";
import { type Health, makeHealth } from "../telemetry/health.ts";
import { logEvent, logTurn } from "../telemetry/log.ts";
import { LogFormatFlag, logging } from "../telemetry/telemetry.ts";
import { intervalMillis } from "./fleet-flags.ts";
import { isOfCore } from "./fleet-operations.ts";
import { listenToSignals, untilStopped } from "./signals.ts";

export const serveFlags = {
  tokenFile: Flag.String("token-file").pipe(
    Flag.withDescription(
      "The token that changes over HTTP need; made, and shown once, when the file is not there (.<fleet>.state.token beside the ledger when not given)",
    ),
    Flag.withMetavar("FILE"),
    Flag.optional,
  ),
  hostName: Flag.String("host-name").pipe(
    Flag.withDescription(
      "A name that the daemon may be called by, such as that of a proxy; may be given again",
    ),
    Flag.withMetavar("NAME"),
    Flag.atLeast(0),
  ),
  allowPublic: Flag.Boolean("allow-public").pipe(
    Flag.withDescription("Listen where others reach it, though the token then travels without TLS"),
    Flag.withDefault(false),
  ),
};

export interface ServeFlags extends FleetFlags {
  readonly http: string;
  readonly reconcileEvery: string;
  readonly tokenFile: Option.Option<string>;
  readonly hostName: ReadonlyArray<string>;
  readonly allowPublic: boolean;
}

/** Longer than the longest turn: by then no supervisor should wait any more, in milliseconds. */
const longestTurn = 600_000;

/** How long a stop waits for what was begun, in milliseconds. */
const graceMillis = 30_000;

export const serveForEver = Effect.fnUntraced(function* (flags: ServeFlags) {
  const screen = yield* Out;
  const format = yield* LogFormatFlag;
  const every = yield* intervalMillis(flags.reconcileEvery);
  const program = Effect.gen(function* () {
    const opened = yield* openFleet(flags, "write");
    yield* checkLedger(opened.ledger);
    const fleet: Fleet = { ...opened, tell: logged };
    yield* announceDaemon(fleet);
    const signals = yield* listenToSignals(process);
    const health = yield* makeHealth(2 * every + longestTurn);
    const daemon = yield* makeDaemon(fleet, {
      file: flags.file,
      intervalMillis: every,
      interval: flags.reconcileEvery,
      graceMillis,
      log: (text) => Effect.logInfo(text),
      onTurn: (error) =>
        health.ended({ error, units: { total: 1, failing: error === null ? 0 : 1 } }),
    });
    yield* answering(flags, fleet, daemon.control, health);
    yield* untilStopped(daemon.run(signals), signals);
  }).pipe(Effect.scoped);
  // The JSON log is there already: it is asked for on the command line.
  yield* format === "json" ? program : Effect.provide(program, logging("text", screen));
});

const logged = (event: FleetEvent): Effect.Effect<void> =>
  isOfCore(event) ? logTurn(event) : Effect.void;

/** Answers until the scope closes; the code for it is loaded only here. */
const answering = Effect.fnUntraced(function* (
  flags: ServeFlags,
  fleet: Fleet,
  control: FleetControl,
  health: Health,
): Effect.fn.Return<void, ServerError | TokenError, Scope.Scope> {
  const screen = yield* Out;
  const { keepToken, serveFleet } = yield* Effect.promise(() => import("@muster/server"));
  const file = Option.getOrElse(flags.tokenFile, () => tokenBeside(fleet));
  const { token, isNew } = yield* keepToken(file);
  const { url, messages } = yield* serveFleet({
    address: flags.http,
    control,
    health: health.state,
    token,
    names: flags.hostName,
    allowPublic: flags.allowPublic,
    graceMillis,
  });
  yield* logEvent(events.httpListening, "Info", `listening on ${url}`, { "url.full": url });
  for (const message of messages) yield* Effect.logInfo(message);
  // To the person alone: a log is kept, and read by others.
  yield* screen.say(
    isNew
      ? `the token for changes, shown this once: ${Redacted.value(token)}\n  it is kept in ${file}, which only you can read`
      : `the token for changes is in ${file}`,
  );
});

const tokenBeside = ({ ledger, document }: Fleet): string =>
  path.join(path.dirname(ledger), `.${document.name}.state.token`);
