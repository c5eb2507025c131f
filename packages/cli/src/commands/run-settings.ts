// Decides what a run works with: repository, store, plugins and signers, from flags and configuration.

import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import { defaultPace } from "@muster/core";
import { checkEnvironment, ownerOf, resolveRepository, type Signers } from "@muster/gitops-runner";
import type { OperatorProfile } from "@muster/provider-oci";
import { pluginsOf } from "../context.ts";
import { type CommandEnd, wrongInput } from "../exit.ts";
import { Out } from "../screen/out.ts";
import {
  actorName,
  checkOwner,
  inventoryOf,
  loadConfig,
  placeKey,
  stateFolder,
  storePlace,
} from "../settings.ts";
import { Wiring } from "../wiring.ts";

export interface RunFlags {
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
  readonly leaseTtl: number | null;
}

/** What the flags and the operator's configuration come to; read anew at every reload. */
export const settle = Effect.fnUntraced(function* (flags: RunFlags) {
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
  const inventory = yield* inventoryOf(flags.store, config, screen.env);
  const holder = actorName(screen.env);
  const builtIn = wiring.plugins(
    { by: "runner", profiles, instancePrincipal: flags.allowInstancePrincipal, inventory },
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
      ...leaseOf(flags.leaseTtl ?? wiring.leaseMillis),
      onEvent: screen.progress.onEvent,
    },
  };
});

const leaseOf = (millis: number | null): { readonly leaseMillis?: number } =>
  millis === null ? {} : { leaseMillis: millis };

/** The flags stand in for what the environment says; git only sees the latter. */
export const sshFiles = ({
  sshKnownHosts: hosts,
  sshKey: key,
}: Pick<RunFlags, "sshKnownHosts" | "sshKey">): Record<string, string> => ({
  ...(Option.isSome(hosts) ? { MUSTER_GIT_SSH_KNOWN_HOSTS: path.resolve(hosts.value) } : {}),
  ...(Option.isSome(key) ? { MUSTER_GIT_SSH_KEY: path.resolve(key.value) } : {}),
});

export const signersOf = (
  flags: Pick<RunFlags, "allowedSigners" | "allowedKeyring">,
): Effect.Effect<Signers | null, CommandEnd> => {
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

export const profileOf = (text: string): Effect.Effect<OperatorProfile, CommandEnd> => {
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
