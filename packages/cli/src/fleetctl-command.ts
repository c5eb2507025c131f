// The `fleetctl` command: one fleet per file, one action per call, by flags alone; the same operations as `muster fleet`.

import * as Console from "effect/Console";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { validateFleetAuth } from "./commands/fleet-auth.ts";
import * as FleetFlags from "./commands/fleet-flags.ts";
import { runRestart, runScale, runSync, showStatus } from "./commands/fleet-operations.ts";
import { serveFlags, serveForEver } from "./commands/fleet-serve.ts";
import { showSummary } from "./commands/fleet-summary.ts";
import { wrongInput } from "./exit.ts";
import * as Flags from "./flags.ts";
import { Out } from "./screen/out.ts";
import { LogFormatFlag } from "./telemetry/telemetry.ts";
import { version } from "./version.ts";

const asked = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), Flag.withDefault(false));

const flags = {
  config: Flag.String("config").pipe(
    Flag.withDescription("Path to the fleet's document; alone it prints a summary"),
    Flag.withMetavar("FILE"),
    Flag.withDefault("fleet.yaml"),
  ),
  status: asked("status", "Print how the fleet stands, in the ledger and as discovered"),
  authValidate: asked(
    "auth-validate",
    "Sign in to OCI by requests that change nothing, and print as whom",
  ),
  scale: Flag.Int("scale").pipe(
    Flag.withDescription("Make the fleet so many instances in all; twice the same changes nothing"),
    Flag.withMetavar("N"),
    Flag.optional,
  ),
  rollingRestart: asked("rolling-restart", "Replace the instances one by one, the newest first"),
  syncState: asked(
    "sync-state",
    "Rebuild the ledger from discovery, and adopt what has the fleet's tag and no owner",
  ),
  state: FleetFlags.state,
  store: FleetFlags.store,
  http: Flag.String("http").pipe(
    Flag.withDescription(
      'Keep the fleet and answer over HTTP (daemon mode), such as ":8080" or "127.0.0.1:8080"',
    ),
    Flag.withMetavar("ADDR"),
    Flag.optional,
  ),
  reconcileEvery: FleetFlags.reconcileEvery,
  ...serveFlags,
  dryRun: FleetFlags.dryRun,
  holdFor: FleetFlags.holdFor,
  reason: FleetFlags.reason,
  verifyFor: FleetFlags.verifyFor,
  output: Flags.output,
};

type Asked = Command.Command.Config.Infer<typeof flags>;

/** What each flag that asks for something does; one of them at a time. */
const actionsOf = (given: Asked) => {
  const common = {
    file: given.config,
    state: given.state,
    store: given.store,
    owner: Option.none<string>(),
    config: Option.none<string>(),
    output: given.output,
  };
  const operation = Effect.map(FleetFlags.verifyMillis(given.verifyFor), (verifyMillis) => ({
    ...common,
    reason: given.reason,
    dryRun: given.dryRun,
    verifyMillis,
  }));
  const scale = Effect.gen(function* () {
    const total = yield* FleetFlags.checkTotal(Option.getOrElse(given.scale, () => 0));
    const forMillis = yield* FleetFlags.holdMillis(given.holdFor);
    yield* runScale({ ...(yield* operation), total, forMillis });
  });
  return [
    { flag: "--status", isAsked: given.status, act: showStatus(common) },
    {
      flag: "--auth-validate",
      isAsked: given.authValidate,
      act: validateFleetAuth(common),
    },
    { flag: "--scale", isAsked: Option.isSome(given.scale), act: scale },
    {
      flag: "--rolling-restart",
      isAsked: given.rollingRestart,
      act: Effect.flatMap(operation, runRestart),
    },
    { flag: "--sync-state", isAsked: given.syncState, act: Effect.flatMap(operation, runSync) },
    {
      flag: "--http",
      isAsked: Option.isSome(given.http),
      act: serveForEver({ ...given, ...common, http: Option.getOrElse(given.http, () => "") }),
    },
    {
      flag: "",
      isAsked: false,
      act: Effect.andThen(showSummary(common), usage),
    },
  ];
};

export const fleetctl = Command.make(
  "fleetctl",
  flags,
  Effect.fn("fleetctl")(function* (given) {
    const all = actionsOf(given);
    const meant = all.filter(({ isAsked }) => isAsked);
    if (meant.length > 1) {
      return yield* wrongInput(
        `${meant.map(({ flag }) => flag).join(" and ")} are two things at once`,
        "ask for one of them at a time",
      );
    }
    yield* (meant[0] ?? all.at(-1)!).act;
  }),
).pipe(
  Command.withDescription(
    "Keeps one fleet of OCI compute instances as its document says: a FleetConfig in YAML. A thin front of the same operations as muster fleet.\n\nExit codes: 0 success, 1 invalid arguments or configuration, 2 infrastructure error, refused or busy, 3 unexpected internal error.",
  ),
  Command.withGlobalFlags([LogFormatFlag]),
  Command.withExamples([
    { command: "fleetctl --config fleet.yaml", description: "Print summary" },
    { command: "fleetctl --config fleet.yaml --scale 3", description: "Scale to 3" },
    { command: "fleetctl --config fleet.yaml --rolling-restart", description: "Rolling restart" },
    {
      command: "fleetctl --config fleet.local.yaml --auth-validate",
      description: "Auth validate: prints details",
    },
    {
      command: "fleetctl --config fleet.local.yaml --http :8080 --reconcile-every 30s",
      description: "HTTP daemon: metrics and control",
    },
  ]),
);

/** The help goes to stderr: on stdout it would look like a result. */
export const usage: Effect.Effect<void> = Effect.flatMap(Out, (out) =>
  help.pipe(
    Effect.provideService(
      Console.Console,
      Object.assign(Object.create(console) as Console.Console, {
        log: (...words: ReadonlyArray<unknown>) => Effect.runSync(out.say(words.join(" "))),
      }),
    ),
  ),
);

const help = Effect.suspend(() => Command.runWith(fleetctl, { version })(["--help"])).pipe(
  Effect.ignore,
) as Effect.Effect<void>;
