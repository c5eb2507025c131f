// `muster fleet`: what a person does to one fleet, now: look, scale, restart, sync, and keep it.

import * as Effect from "effect/Effect";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { validateFleetAuth } from "./fleet-auth.ts";
import * as FleetFlags from "./fleet-flags.ts";
import { runRestart, runScale, runSync, showStatus } from "./fleet-operations.ts";
import { serveFlags, serveForEver } from "./fleet-serve.ts";

const exits =
  "\n\nExit codes: 0 done, 1 wrong arguments or document, 2 infrastructure failed or busy, 5 refused, 6 partly done, 7 outcome unknown (run it again), 130 interrupted.";

const status = Command.make(
  "status",
  FleetFlags.fleetFlags,
  Effect.fn("fleet status")((flags) => showStatus(flags)),
).pipe(
  Command.withDescription(
    "Show one fleet: what its ledger counts and what discovery finds, per group; what drifted, which override holds and until when, how far a restart is, and who waits for adoption. It asks the provider and writes nothing.\n\nExit codes: 0 seen, 1 wrong arguments or document, 2 it could not be seen.",
  ),
  Command.withShortDescription("Ledger and discovery of one fleet"),
  Command.withExamples([
    { command: "muster fleet status", description: "The fleet of fleet.yaml" },
    { command: "muster fleet status -f prod/web.yaml -o json", description: "For a script" },
  ]),
);

const operationFlags = {
  ...FleetFlags.fleetFlags,
  reason: FleetFlags.reason,
  dryRun: FleetFlags.dryRun,
  verifyFor: FleetFlags.verifyFor,
};

const scale = Command.make(
  "scale",
  {
    total: Argument.Int("total").pipe(
      Argument.withDescription("How many members the fleet shall have in all"),
    ),
    ...operationFlags,
    holdFor: FleetFlags.holdFor,
  },
  Effect.fn("fleet scale")(function* (flags) {
    yield* runScale({
      ...flags,
      total: yield* FleetFlags.checkTotal(flags.total),
      forMillis: yield* FleetFlags.holdMillis(flags.holdFor),
      verifyMillis: yield* FleetFlags.verifyMillis(flags.verifyFor),
    });
  }),
).pipe(
  Command.withDescription(
    `Make a fleet as large as you say, whatever its document asks for. Several groups share the total in proportion to their counts, by largest remainder. A total that the document does not ask for is an override with an end: it is shown in status, nothing fights it, and the answer says what happens afterwards. Asking for what the document asks ends the override. The newest members go first. Afterwards discovery is asked whether it is so. Safe to run twice and after any crash.${exits}`,
  ),
  Command.withShortDescription("Make a fleet larger or smaller for a while"),
  Command.withExamples([
    { command: "muster fleet scale 3", description: "Three members, for an hour" },
    {
      command: "muster fleet scale 20 --for 4h --reason 'the sale' -f web.yaml",
      description: "For the afternoon",
    },
    { command: "muster fleet scale 0 --dry-run", description: "What would go, and nothing else" },
  ]),
);

const rollingRestart = Command.make(
  "rolling-restart",
  operationFlags,
  Effect.fn("fleet rolling-restart")(function* (flags) {
    const verifyMillis = yield* FleetFlags.verifyMillis(flags.verifyFor);
    yield* runRestart({ ...flags, verifyMillis });
  }),
).pipe(
  Command.withDescription(
    `Replace every member that is there now, the newest first, strictly one after the other unless spec.rollingRestart says otherwise: terminate one, wait, launch one, wait until it is well. What was interrupted goes on where it stopped when you run it again; it is not begun anew.${exits}`,
  ),
  Command.withShortDescription("Replace the members one by one"),
  Command.withExamples([
    { command: "muster fleet rolling-restart", description: "All members of fleet.yaml" },
    {
      command: "muster fleet rolling-restart -f web.yaml --reason 'new certificates'",
      description: "With a reason for the audit",
    },
    { command: "muster fleet rolling-restart --dry-run", description: "Which goes first" },
  ]),
);

const syncState = Command.make(
  "sync-state",
  operationFlags,
  Effect.fn("fleet sync-state")(function* (flags) {
    const verifyMillis = yield* FleetFlags.verifyMillis(flags.verifyFor);
    yield* runSync({ ...flags, verifyMillis });
  }),
).pipe(
  Command.withDescription(
    `Make store and ledger agree with what is discovered, and adopt the members with the fleet's tag that nobody owns: running it is the consent. The group is told by our tag, by an old ledger, or by the old naming scheme; who cannot be told is listed and left. Nothing is launched or removed. Members of another owner are refused.${exits}`,
  ),
  Command.withShortDescription("Rebuild the ledger from discovery"),
  Command.withExamples([
    { command: "muster fleet sync-state", description: "The fleet of fleet.yaml" },
    { command: "muster fleet sync-state --dry-run", description: "Who would be adopted" },
  ]),
);

const authValidate = Command.make(
  "auth-validate",
  FleetFlags.fleetFlags,
  Effect.fn("fleet auth-validate")((flags) => validateFleetAuth(flags)),
).pipe(
  Command.withDescription(
    "Sign in to OCI as the fleet's document says, by requests that change nothing, and print as whom: method, account, region, tenancy, user, subscribed regions. When it fails it says which is wrong: configuration, key, fingerprint, session, instance, region, network, clock or policy, and what to do about it.\n\nExit codes: 0 valid, 1 wrong arguments, document or config file, 2 it failed otherwise.",
  ),
  Command.withShortDescription("Check how a fleet signs in"),
  Command.withExamples([
    { command: "muster fleet auth-validate", description: "The account of fleet.yaml" },
    { command: "muster fleet auth-validate -f web.yaml -o json", description: "For a script" },
  ]),
);

const serve = Command.make(
  "serve",
  {
    ...FleetFlags.fleetFlags,
    http: Flag.String("http").pipe(
      Flag.withDescription("Where it answers: host:port; :port listens on loopback only"),
      Flag.withMetavar("ADDR"),
      Flag.withDefault(":8080"),
    ),
    reconcileEvery: FleetFlags.reconcileEvery,
    ...serveFlags,
  },
  Effect.fn("fleet serve")((flags) => serveForEver(flags)),
).pipe(
  Command.withDescription(
    "Keep one fleet as its document says, look after look, and answer over HTTP: status, metrics, control, changes as they happen, and a page for people. Changes need a token, which is made and shown once. The document is read anew when it changed; a faulty one is told, and the last good one holds on. A start tells what it will remove one interval before it does so. SIGHUP looks at once. SIGTERM and Ctrl-C begin nothing more and wait for what was begun.\n\nExit codes: 0 stopped by SIGTERM, 1 wrong arguments or document, 2 infrastructure failed or another daemon keeps the fleet, 130 interrupted.",
  ),
  Command.withShortDescription("Keep a fleet, and answer over HTTP"),
  Command.withExamples([
    { command: "muster fleet serve", description: "fleet.yaml, on http://127.0.0.1:8080" },
    {
      command: "muster fleet serve -f web.yaml --http :9000 --reconcile-every 1m",
      description: "Another fleet, port and pace",
    },
  ]),
);

export const fleet = Command.make("fleet").pipe(
  Command.withDescription(
    "Work on one fleet by hand. The commands share a store with a daemon that keeps the fleet, and one of them works at a time: another is told who is at what.",
  ),
  Command.withShortDescription("Work on one fleet by hand"),
  Command.withSubcommands([status, scale, rollingRestart, syncState, authValidate, serve]),
  Command.withExamples([
    { command: "muster fleet status -f web.yaml", description: "How it stands" },
    { command: "muster fleet scale 5 -f web.yaml", description: "Five members for an hour" },
  ]),
);
