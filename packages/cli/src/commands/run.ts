// `muster run`: pull the desired fleets from git, make them so, and commit the status back.

import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import {
  canonicalJson,
  defaultPace,
  digestOfPlans,
  escapeText,
  exitCodes,
  formatHead,
  hasErrors,
  type Plan,
  Store,
  verdictOfApply,
  waitForLease,
} from "@muster/core";
import {
  checkEnvironment,
  ownerOf,
  resolveRepository,
  runOnce,
  type RunReport,
  type Signers,
} from "@muster/gitops-runner";
import type { OperatorProfile } from "@muster/provider-oci";
import { pluginsOf } from "../context.ts";
import { type CommandEnd, endWith, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { viewDiagnostics } from "../screen/diagnostics-view.ts";
import { Out } from "../screen/out.ts";
import type { Paint } from "../screen/paint.ts";
import { viewPlans } from "../screen/plan-view.ts";
import { viewReport } from "../screen/report-view.ts";
import {
  actorName,
  checkOwner,
  loadConfig,
  placeKey,
  stateFolder,
  storePlace,
} from "../settings.ts";
import { Wiring } from "../wiring.ts";

const repo = Flag.String("repo").pipe(
  Flag.withDescription(
    "The config repository: an https://, ssh:// or file:// address, user@host:path, or an absolute path",
  ),
  Flag.withMetavar("URL"),
);

const branch = Flag.String("branch").pipe(
  Flag.withDescription("The watched branch; it is never written"),
  Flag.withDefault("main"),
);

const folder = Flag.String("path").pipe(
  Flag.withDescription("Folder of the documents within the repository"),
  Flag.withDefault("."),
);

const env = Flag.String("env").pipe(
  Flag.withDescription(
    "Environment: names the branches muster/status, muster/lease and muster/audit",
  ),
  Flag.withDefault("default"),
);

const once = Flag.Boolean("once").pipe(
  Flag.withDescription("Act once on the head of the branch, then end"),
  Flag.withDefault(false),
);

const allowedSigners = Flag.String("allowed-signers").pipe(
  Flag.withDescription(
    "Act only on commits signed by an SSH key in this file (format of ssh-keygen)",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

const allowedKeyring = Flag.String("allowed-keyring").pipe(
  Flag.withDescription("Act only on commits signed by a PGP key in this file of public keys"),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

const sshKnownHosts = Flag.String("ssh-known-hosts").pipe(
  Flag.withDescription(
    "Host keys that ssh servers are held to (default ~/.ssh/known_hosts; MUSTER_GIT_SSH_KNOWN_HOSTS)",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

const sshKey = Flag.String("ssh-key").pipe(
  Flag.withDescription(
    "Private key for an ssh repository (MUSTER_GIT_SSH_KEY); an ssh-agent's keys when not given",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

const allowProfile = Flag.String("allow-profile").pipe(
  Flag.withDescription(
    "A credentials profile that documents may name: NAME or NAME=CONFIG_FILE; may be given again",
  ),
  Flag.withMetavar("NAME[=FILE]"),
  Flag.atLeast(0),
);

const allowInstancePrincipal = Flag.Boolean("allow-instance-principal").pipe(
  Flag.withDescription(
    "Documents may act as the machine that muster runs on (auth.method: instance)",
  ),
  Flag.withDefault(false),
);

export const run = Command.make(
  "run",
  {
    repo,
    branch,
    path: folder,
    env,
    once,
    allowedSigners,
    allowedKeyring,
    sshKnownHosts,
    sshKey,
    allowProfile,
    allowInstancePrincipal,
    store: Flags.store,
    owner: Flags.owner,
    config: Flags.config,
    output: Flags.output,
  },
  Effect.fnUntraced(function* (flags) {
    const screen = yield* Out;
    if (!flags.once) {
      return yield* wrongInput(
        "run acts once in this version: it has no loop of its own yet",
        "add --once, and call it from a timer (cron, a systemd timer, a CI schedule)",
      );
    }
    const settings = yield* settle(flags);
    const report = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* settings.openStore;
        return yield* waitForLease(runOnce(settings.options), ({ message }, millis) =>
          screen.progress.onEvent({ type: "waiting", message, millis }),
        ).pipe(Effect.provideService(Store, store));
      }),
    ).pipe(Effect.ensuring(screen.progress.end), Effect.provide(settings.git));
    yield* tell(report, flags.output);
    const code = exitCodeOf(report);
    if (code !== 0) return yield* endWith(code);
  }),
).pipe(
  Command.withDescription(
    "Pull the desired fleets from a git branch, compare them with what is there, apply the difference, and push status and audit to branches of their own (muster/status/<env>, muster/lease/<env>, muster/audit/<env>) in one atomic push. A run that finds nothing to do pushes nothing.\n\nA token for https comes from MUSTER_GIT_TOKEN (and MUSTER_GIT_USERNAME), never from the address. An ssh server must show a host key from --ssh-known-hosts. A rewritten history, and with --allowed-signers or --allowed-keyring an unsigned commit, is planned but not applied.\n\nExit codes: 0 done, 1 faulty documents or arguments, 2 infrastructure failed, 5 refused, 6 partly done, 7 outcome unknown (run it again), 130 interrupted.",
  ),
  Command.withShortDescription("Act on a config repository"),
  Command.withExamples([
    {
      command: "muster run --repo https://git.example.com/team/fleets --once",
      description: "Act once on the main branch",
    },
    {
      command:
        "muster run --repo /srv/git/fleets.git --path prod --env prod --once --allowed-signers /etc/muster/signers",
      description: "One folder as its own environment, signed commits only",
    },
  ]),
);

interface RunFlags {
  readonly repo: string;
  readonly branch: string;
  readonly path: string;
  readonly env: string;
  readonly allowedSigners: Option.Option<string>;
  readonly allowedKeyring: Option.Option<string>;
  readonly sshKnownHosts: Option.Option<string>;
  readonly sshKey: Option.Option<string>;
  readonly allowProfile: ReadonlyArray<string>;
  readonly allowInstancePrincipal: boolean;
  readonly store: Option.Option<string>;
  readonly owner: Option.Option<string>;
  readonly config: Option.Option<string>;
}

const settle = Effect.fnUntraced(function* (flags: RunFlags) {
  const screen = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, screen.env);
  const signers = yield* signersOf(flags);
  const profiles = yield* Effect.forEach(flags.allowProfile, profileOf);
  const repository = yield* resolveRepository(flags.repo);
  const environment = yield* checkEnvironment(flags.env);
  const key = ownerOf(repository, environment);
  const owner = yield* checkOwner(Option.getOrUndefined(flags.owner) ?? config.owner ?? key);
  const place = yield* storePlace(flags.store, config, screen.env, key);
  const holder = actorName(screen.env);
  const builtIn = wiring.plugins(
    { by: "runner", profiles, instancePrincipal: flags.allowInstancePrincipal },
    screen.env,
  );
  return {
    git: wiring.git({ ...screen.env, ...sshFiles(flags) }),
    openStore: wiring.openStore(place, "write"),
    options: {
      repository,
      branch: flags.branch,
      path: flags.path,
      environment,
      owner,
      cache: path.join(stateFolder(screen.env), "git", placeKey(key)),
      plugins: pluginsOf(config, builtIn, wiring.decorate),
      signers,
      run: crypto.randomUUID(),
      holder,
      pace: { ...defaultPace, ...wiring.pace },
      ...(wiring.leaseMillis === null ? {} : { leaseMillis: wiring.leaseMillis }),
      onEvent: screen.progress.onEvent,
    },
  };
});

/** The flags stand in for what the environment says; git only sees the latter. */
const sshFiles = ({ sshKnownHosts: hosts, sshKey: key }: RunFlags): Record<string, string> => ({
  ...(Option.isSome(hosts) ? { MUSTER_GIT_SSH_KNOWN_HOSTS: path.resolve(hosts.value) } : {}),
  ...(Option.isSome(key) ? { MUSTER_GIT_SSH_KEY: path.resolve(key.value) } : {}),
});

const signersOf = (flags: RunFlags): Effect.Effect<Signers | null, CommandEnd> => {
  const ssh = Option.getOrUndefined(flags.allowedSigners);
  const pgp = Option.getOrUndefined(flags.allowedKeyring);
  if (ssh !== undefined && pgp !== undefined) {
    return Effect.fail(
      wrongInput("--allowed-signers and --allowed-keyring were both given", "name one of them"),
    );
  }
  if (ssh !== undefined) return Effect.succeed({ allowedSigners: path.resolve(ssh) });
  return Effect.succeed(pgp === undefined ? null : { allowedKeyring: path.resolve(pgp) });
};

const profileOf = (text: string): Effect.Effect<OperatorProfile, CommandEnd> => {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  const configFile = at < 0 ? undefined : text.slice(at + 1);
  if (name === "" || configFile === "") {
    return Effect.fail(
      wrongInput(
        `--allow-profile ${text} names no ${name === "" ? "profile" : "file"}`,
        "give NAME, or NAME=CONFIG_FILE",
      ),
    );
  }
  return Effect.succeed({ name, ...(configFile === undefined ? {} : { configFile }) });
};

const tell = Effect.fnUntraced(function* (ran: RunReport, output: "human" | "json") {
  const screen = yield* Out;
  if (output === "json") return yield* screen.result(runAsJson(ran));
  const { report, verification } = ran;
  if (report.diagnostics.length > 0) {
    yield* screen.say(viewDiagnostics(report.diagnostics, [], screen.paintSaid));
  }
  if (hasErrors(report.diagnostics)) {
    return yield* screen.say(
      screen.paintSaid("red", "the documents have faults; nothing was asked or changed"),
    );
  }
  const verdict = verdictOfApply(report);
  yield* screen.result(
    [
      `${screen.paint("bold", "source")}  ${ran.head.slice(0, 12)}  SourceVerified=${verification.status} (${verification.message})`,
      ...heldPlans(report.left, screen.paint),
      viewReport(report, verdict, screen.paint),
      publication(ran),
    ].join("\n"),
  );
});

/** What a person looks at before the held head is accepted. */
const heldPlans = (left: ReadonlyArray<Plan>, paint: Paint): ReadonlyArray<string> =>
  left.some((plan) => plan.hold !== null)
    ? [viewPlans(held(left), digestOfPlans(held(left)), paint), ""]
    : [];

const held = (plans: ReadonlyArray<Plan>): ReadonlyArray<Plan> =>
  plans.filter((plan) => plan.hold !== null);

const publication = ({ published, unpublished }: RunReport): string => {
  if (unpublished !== null) {
    const { message, remedy = "the next run says it" } = unpublished;
    return `status: NOT pushed: ${escapeText(message, 600)}\n  ${escapeText(remedy, 600)}`;
  }
  if (published === null) return "status: nothing new to say, nothing pushed";
  const audit = `audit head ${formatHead(published.audit)}`;
  return published.status === null
    ? `status: nothing new to say; audit pushed, ${audit}`
    : `status: ${published.status.slice(0, 12)} pushed, ${audit}`;
};

const exitCodeOf = ({ report, unpublished }: RunReport): number => {
  if (hasErrors(report.diagnostics)) return exitCodes["faulty documents"];
  const code = exitCodes[verdictOfApply(report)];
  return code === 0 && unpublished !== null ? exitCodes["infrastructure failed"] : code;
};

const runAsJson = (ran: RunReport): string =>
  canonicalJson({
    head: ran.head,
    verification: ran.verification,
    verdict: hasErrors(ran.report.diagnostics) ? "faulty documents" : verdictOfApply(ran.report),
    diagnostics: ran.report.diagnostics,
    outcomes: ran.report.outcomes,
    statuses: ran.report.statuses,
    left: ran.report.left,
    published: ran.published,
    unpublished:
      ran.unpublished === null
        ? null
        : {
            reason: ran.unpublished.reason,
            message: ran.unpublished.message,
            remedy: ran.unpublished.remedy ?? null,
          },
  });
