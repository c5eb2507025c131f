// `muster doctor`: is all that muster stands on as it must be, and what to do where it is not.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { type Finding, okFinding, type Plugin } from "@muster/core";
import { checkEnvironment, examineSigners, resolveRepository } from "@muster/gitops-runner";
import { pluginsOf } from "../context.ts";
import {
  examineDocuments,
  examineGit,
  examineNode,
  examinePlugins,
  examineStore,
  findingOf,
  type Remote,
} from "../examinations.ts";
import { endWith } from "../exit.ts";
import * as Flags from "../flags.ts";
import { placeOf, type RecordFlags, recordFlags } from "../records.ts";
import { exitCodeOf, findingsAsJson, viewFindings } from "../screen/doctor-view.ts";
import { Live } from "../screen/live.ts";
import { Out } from "../screen/out.ts";
import { inventoryOf, loadConfig } from "../settings.ts";
import { Wiring } from "../wiring.ts";
import { profileOf, signersOf, sshFiles } from "./run-settings.ts";
import {
  allowedKeyring,
  allowedSigners,
  allowInstancePrincipal,
  allowProfile,
  branch,
  sshKey,
  sshKnownHosts,
} from "./run.ts";

const offline = Flag.Boolean("offline").pipe(
  Flag.withDescription("Send no request anywhere; what needs one is told as unknown"),
  Flag.withDefault(false),
);

export const doctor = Command.make(
  "doctor",
  {
    ...recordFlags,
    branch,
    sshKnownHosts,
    sshKey,
    allowedSigners,
    allowedKeyring,
    allowProfile,
    allowInstancePrincipal,
    offline,
    output: Flags.output,
  },
  Effect.fn("doctor")(function* (flags) {
    const screen = yield* Out;
    const findings = yield* examine(flags);
    const width = (yield* Live).columns();
    yield* screen.result(
      flags.output === "json"
        ? findingsAsJson(findings)
        : viewFindings(findings, width, screen.paint),
    );
    const code = exitCodeOf(findings);
    if (code !== 0) return yield* endWith(code);
  }),
).pipe(
  Command.withDescription(
    "Check what muster stands on, and say what to do: Node, the operator's configuration, the store (opens, whole, writable, on a local disk, private, its audit chain), git, and what the remote lets a runner do, the lease, the file of signers, and for each account that the documents name its files, key, pass phrase, session, endpoint, clock and one real call that changes nothing. What the remote lets a runner do is tried out on branches muster/*/doctor-<hex> that are gone afterwards; --offline sends nothing at all. Without --repo the named documents say which accounts; with it the fleets that the store knows, and the flags that `muster run` is given. A check that cannot run is unknown, never ok. No secret is shown.\n\nExit codes: 0 nothing failed, 1 something is set up wrongly, 2 infrastructure fails, 5 something is refused, such as a broken audit chain or a poisoned lease.",
  ),
  Command.withShortDescription("Check what muster stands on"),
  Command.withExamples([
    { command: "muster doctor -f fleets/", description: "Before the first plan" },
    {
      command:
        "muster doctor --repo https://git.example.com/team/fleets --allow-profile DEFAULT --allowed-signers /etc/muster/signers",
      description: "For a runner: give it the flags of muster run",
    },
    { command: "muster doctor --offline -o json", description: "Only this machine, as JSON" },
  ]),
);

type DoctorFlags = RecordFlags &
  Parameters<typeof signersOf>[0] &
  Parameters<typeof sshFiles>[0] & {
    readonly branch: string;
    readonly allowProfile: ReadonlyArray<string>;
    readonly allowInstancePrincipal: boolean;
    readonly offline: boolean;
  };

const examine = Effect.fnUntraced(function* (
  flags: DoctorFlags,
): Effect.fn.Return<ReadonlyArray<Finding>> {
  const { env } = yield* Out;
  const online = !flags.offline;
  const remote = Option.isNone(flags.repo) ? null : yield* remoteOf(flags, flags.repo.value);
  const place = yield* Effect.result(placeOf(flags));
  const store = Result.isSuccess(place)
    ? yield* examineStore(place.success.place, place.success.owner)
    : { findings: [findingOf("store", place.failure)], expansions: [] };
  const plugins = yield* Effect.result(pluginsFor(flags));
  const documents = Option.isSome(flags.repo) ? noDocuments : yield* examineDocuments(flags);
  const isKnown = documents.expansions.length > 0;
  return [
    examineNode(process.version),
    ...(Result.isSuccess(plugins)
      ? [okFinding("configuration", plugins.success.told)]
      : [findingOf("configuration", plugins.failure)]),
    ...store.findings,
    ...(remote !== null && Result.isFailure(remote)
      ? [findingOf("repository", remote.failure)]
      : []),
    ...(yield* examineGit(
      remote !== null && Result.isSuccess(remote) ? remote.success : null,
      { ...env, ...sshFiles(flags) },
      online,
    )),
    ...(yield* signersFindings(flags)),
    ...documents.findings,
    ...(Result.isFailure(plugins)
      ? []
      : yield* examinePlugins(
          plugins.success.plugins,
          isKnown ? documents.expansions : store.expansions,
          online,
        )),
  ];
});

const noDocuments = { findings: [], expansions: [] };

const remoteOf = ({ branch: watched, env }: DoctorFlags, address: string) =>
  Effect.result(
    Effect.gen(function* () {
      const repository = yield* resolveRepository(address);
      const environment = yield* checkEnvironment(env);
      return { repository, environment, branch: watched } satisfies Remote;
    }),
  );

/** Those that the next plan or run would use: documents choose credentials only at the command line. */
const pluginsFor = Effect.fnUntraced(function* (flags: DoctorFlags) {
  const { env } = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, env);
  const profiles = yield* Effect.forEach(flags.allowProfile, profileOf);
  const inventory = yield* inventoryOf(flags.store, config, env);
  const builtIn = wiring.plugins(
    Option.isNone(flags.repo)
      ? { by: "command line", inventory }
      : { by: "runner", profiles, instancePrincipal: flags.allowInstancePrincipal, inventory },
    env,
  );
  const plugins: ReadonlyArray<Plugin> = pluginsOf(config, builtIn, wiring.decorate);
  const names = plugins.map(({ name, version }) => `${name} ${version}`).join(", ");
  return { plugins, told: `plugins: ${names}` };
});

const signersFindings = Effect.fnUntraced(function* (flags: DoctorFlags) {
  const signers = yield* Effect.result(signersOf(flags));
  if (Result.isFailure(signers)) return [findingOf("signers", signers.failure)];
  return signers.success === null ? [] : [yield* examineSigners(signers.success)];
});
