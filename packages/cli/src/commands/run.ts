// `muster run`: pull the desired fleets from git, make them so, and commit the status back.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { Store, waitForLease } from "@muster/core";
import { runOnce } from "@muster/gitops-runner";
import { parseDuration } from "../duration.ts";
import { endWith, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";
import { exitCodeOf, tellRun } from "../screen/run-view.ts";
import { runForEver } from "./run-loop.ts";
import { type RunFlags, settle } from "./run-settings.ts";

const repo = Flag.String("repo").pipe(
  Flag.withDescription(
    "The config repository: an https://, ssh:// or file:// address, user@host:path, or an absolute path",
  ),
  Flag.withMetavar("URL"),
);

export const branch = Flag.String("branch").pipe(
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

const interval = Flag.String("interval").pipe(
  Flag.withDescription(
    "Without --once: how long from one look to the next, such as 30s (the default) or 5m",
  ),
  Flag.withMetavar("DURATION"),
  Flag.optional,
);

const grace = Flag.String("grace").pipe(
  Flag.withDescription("How long a stop waits for changes that were begun"),
  Flag.withMetavar("DURATION"),
  Flag.withDefault("25s"),
);

const leaseTtl = Flag.String("lease-ttl").pipe(
  Flag.withDescription(
    "How long another runner waits for one that died, 20s to 120s (the default)",
  ),
  Flag.withMetavar("DURATION"),
  Flag.optional,
);

const http = Flag.String("http").pipe(
  Flag.withDescription(
    "Without --once: answer /healthz, /readyz and /metrics at host:port; :port listens on loopback only",
  ),
  Flag.withMetavar("ADDR"),
  Flag.optional,
);

export const allowedSigners = Flag.String("allowed-signers").pipe(
  Flag.withDescription(
    "Act only on commits signed by an SSH key in this file (format of ssh-keygen)",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

export const allowedKeyring = Flag.String("allowed-keyring").pipe(
  Flag.withDescription("Act only on commits signed by a PGP key in this file of public keys"),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

export const sshKnownHosts = Flag.String("ssh-known-hosts").pipe(
  Flag.withDescription(
    "Host keys that ssh servers are held to (default ~/.ssh/known_hosts; MUSTER_GIT_SSH_KNOWN_HOSTS)",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

export const sshKey = Flag.String("ssh-key").pipe(
  Flag.withDescription(
    "Private key for an ssh repository (MUSTER_GIT_SSH_KEY); an ssh-agent's keys when not given",
  ),
  Flag.withMetavar("FILE"),
  Flag.optional,
);

export const allowProfile = Flag.String("allow-profile").pipe(
  Flag.withDescription(
    "A credentials profile that documents may name: NAME or NAME=CONFIG_FILE; may be given again",
  ),
  Flag.withMetavar("NAME[=FILE]"),
  Flag.atLeast(0),
);

export const allowInstancePrincipal = Flag.Boolean("allow-instance-principal").pipe(
  Flag.withDescription(
    "Documents may act as the machine that muster runs on (auth.method: instance)",
  ),
  Flag.withDefault(false),
);

const durationsOf = Effect.fnUntraced(function* (flags: {
  readonly once: boolean;
  readonly interval: Option.Option<string>;
  readonly grace: string;
  readonly leaseTtl: Option.Option<string>;
  readonly http: Option.Option<string>;
}) {
  if (flags.once && (Option.isSome(flags.interval) || Option.isSome(flags.http))) {
    return yield* wrongInput(
      "--once ends after one turn, so --interval and --http say nothing",
      "leave them out, or leave out --once",
    );
  }
  const pause = Option.getOrElse(flags.interval, () => "30s");
  return {
    intervalMillis: yield* parseDuration("--interval", pause, { from: 1_000, to: day }),
    graceMillis: yield* parseDuration("--grace", flags.grace, { from: 0, to: 3_600_000 }),
    leaseTtl: Option.isNone(flags.leaseTtl)
      ? null
      : yield* parseDuration("--lease-ttl", flags.leaseTtl.value, { from: 20_000, to: 120_000 }),
    http: Option.getOrNull(flags.http),
  };
});

const day = 86_400_000;

const runAtOnce = Effect.fnUntraced(function* (
  flags: RunFlags & { readonly output: "human" | "json" },
) {
  const screen = yield* Out;
  const settings = yield* settle(flags);
  const report = yield* Effect.scoped(
    Effect.gen(function* () {
      const store = yield* settings.openStore;
      return yield* waitForLease(runOnce(settings.options), ({ message }, millis) =>
        screen.progress.onEvent({ type: "waiting", message, millis }),
      ).pipe(Effect.provideService(Store, store));
    }),
  ).pipe(Effect.ensuring(screen.progress.end), Effect.provide(settings.git));
  yield* tellRun(report, flags.output);
  const code = exitCodeOf(report);
  if (code !== 0) return yield* endWith(code);
});

export const run = Command.make(
  "run",
  {
    repo,
    branch,
    path: folder,
    env,
    once,
    interval,
    grace,
    leaseTtl,
    http,
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
    const durations = yield* durationsOf(flags);
    const given = { ...flags, leaseTtl: durations.leaseTtl };
    if (!flags.once) {
      if (flags.output === "json") {
        return yield* wrongInput(
          "a run that does not end has no result to print as JSON",
          "add --once, or follow the log with --log-format json",
        );
      }
      return yield* runForEver(given, durations);
    }
    yield* runAtOnce(given);
  }),
).pipe(
  Command.withDescription(
    "Pull the desired fleets from a git branch, compare them with what is there, apply the difference, and push status and audit to branches of their own (muster/status/<env>, muster/lease/<env>, muster/audit/<env>) in one atomic push. A run that finds nothing to do pushes nothing.\n\nWithout --once it goes on for ever, every --interval: each document is worked on by itself, one that meets trouble is tried ever more rarely (up to every 30 minutes), and what happens is logged on stderr. SIGHUP reads configuration, credentials and signers anew and looks at once. SIGTERM and Ctrl-C begin nothing more, wait up to --grace for what was begun, and publish; a second one does not wait.\n\nA token for https comes from MUSTER_GIT_TOKEN (and MUSTER_GIT_USERNAME), never from the address. An ssh server must show a host key from --ssh-known-hosts. A rewritten history, and with --allowed-signers or --allowed-keyring an unsigned commit, is planned but not applied.\n\nExit codes: 0 done, 1 faulty documents or arguments, 2 infrastructure failed, 5 refused, 6 partly done, 7 outcome unknown (run it again), 130 interrupted.",
  ),
  Command.withShortDescription("Act on a config repository"),
  Command.withExamples([
    {
      command: "muster run --repo https://git.example.com/team/fleets --once",
      description: "Act once on the main branch",
    },
    {
      command:
        "muster run --repo https://git.example.com/team/fleets --interval 30s --http :9464 --allow-profile DEFAULT",
      description: "Keep on, with health and metrics on loopback",
    },
    {
      command:
        "muster run --repo /srv/git/fleets.git --path prod --env prod --once --allowed-signers /etc/muster/signers",
      description: "One folder as its own environment, signed commits only",
    },
  ]),
);
