// The one place where everything is wired: plugins, store and git as the commands use them.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import {
  makeMemoryStore,
  type Pace,
  type Plugin,
  type StoreError,
  type StoreShape,
} from "@muster/core";
import type { SettingsFault } from "@muster/gates";
import { Git, type GitError } from "@muster/gitops-runner";
import { type AuthReport, oci, type OperatorProfile, validateAuth } from "@muster/provider-oci";
import type { HostKeys } from "@muster/core/inventory/host-keys";
import { populations } from "@muster/core/inventory/population/plugin";
import type { Deadlines } from "@muster/provider-ssh";
import type { Prober } from "@muster/core/inventory/refresh";
import type { Sender } from "@muster/core/inventory/send";
import type { WorkerSourceShape } from "@muster/core/inventory/worker-source";
import { ProviderError } from "@muster/core/words/provider";
import type { Expansion } from "@muster/core/words/set";
import type { OperatorsConfig } from "@muster/sdk";
import {
  type Migration,
  migratePostgresStore,
  openPostgresStore,
  openSqliteStore,
  type PostgresPlace,
  type StorePlace,
} from "@muster/store-sql";
import { actorOf } from "./actor.ts";
import type { CommandEnd } from "./exit.ts";
import { checkOperator } from "./operators.ts";

/** At the command line a person's own documents name any credentials; from git only listed ones. */
type Use = (
  | { readonly by: "command line" }
  | {
      readonly by: "runner";
      readonly profiles: ReadonlyArray<OperatorProfile>;
      readonly instancePrincipal: boolean;
    }
) & {
  /** Where the inventory of hosts lies, and who may write it; who only reads documents names none. */
  readonly inventory?: {
    readonly place: StorePlace;
    readonly operators: OperatorsConfig | undefined;
  };
};

type Env = Readonly<Record<string, string | undefined>>;

interface SshOptions {
  readonly env: Env;
  readonly sshConfig: Option.Option<string>;
}

interface ProberOptions extends SshOptions {
  readonly acceptNew: boolean;
  readonly concurrency: number;
  /** How many connections stay open for the next question; as many as usual when not given. */
  readonly maxConnections?: number;
  /** Seconds until the login, a channel and a command must have ended, each; as usual when not given. */
  readonly timeout?: Option.Option<number>;
}

export interface WiringShape {
  /** The plugins that serve when no configuration lists others. */
  readonly plugins: (use: Use, env: Env) => ReadonlyArray<Plugin>;
  /** Looks whether a document's account lets muster in; asks without changing anything. */
  readonly validateAuth: (expansion: Expansion, env: Env) => Effect.Effect<AuthReport>;
  readonly openStore: (
    place: StorePlace,
    access: "read" | "write",
  ) => Effect.Effect<StoreShape, StoreError, Scope.Scope>;
  /** Makes the tables of a store, or changes them, and grants a role what muster needs. */
  readonly migrateStore: (
    place: PostgresPlace,
    applicationRole: string | undefined,
  ) => Effect.Effect<Migration, StoreError>;
  /** Asks hosts by SSH, as the operator's own configuration says. */
  readonly prober: (options: ProberOptions) => Layer.Layer<Prober, { readonly message: string }>;
  /** Has lines run on hosts by SSH; an unknown host key is never accepted on the way. */
  readonly sender: (options: SshOptions) => Layer.Layer<Sender, { readonly message: string }>;
  /** Sees and accepts host keys, as the operator's own configuration says. */
  readonly hostKeys: (options: SshOptions) => Layer.Layer<HostKeys, { readonly message: string }>;
  /** Asks Taskcluster for workers, as its own variables say; nobody where they name no deployment. */
  readonly workers: (env: Env) => Effect.Effect<WorkerSourceShape | null, SettingsFault>;
  readonly git: (env: Env) => Layer.Layer<Git, GitError>;
  /** How the core waits for providers, where it does not wait as usual. */
  readonly pace: Partial<Pace>;
  /** How long a claim of the lease lasts without renewal, in milliseconds; as usual when nothing. */
  readonly leaseMillis: number | null;
  /** Stands between us and every provider; the crash tests cut it short. */
  readonly decorate: (plugin: Plugin) => Plugin;
}

const openStore: WiringShape["openStore"] = (place, access) => {
  const readOnly = access === "read";
  if (place._tag === "Memory") return Effect.sync(() => makeMemoryStore());
  return place._tag === "Postgres"
    ? openPostgresStore({ place, readOnly })
    : openSqliteStore({ path: place.path, readOnly, missing: readOnly ? "empty" : "create" });
};

/** What is merged was agreed on by others; at the command line a person has to be an operator. */
const openInventory = (
  { by, inventory }: Use,
  access: "read" | "write",
): Effect.Effect<StoreShape, StoreError | ProviderError, Scope.Scope> => {
  const allowed =
    by === "command line" && access === "write" ? checkOperator(inventory?.operators) : Effect.void;
  const denied = ({ message, remedy = "" }: CommandEnd) =>
    new ProviderError({ reason: "Denied", operation: "write the inventory", message, remedy });
  return Effect.andThen(
    Effect.mapError(allowed, denied),
    openStore(inventory?.place ?? { _tag: "Memory" }, access),
  );
};

export const defaultWiring: WiringShape = {
  plugins: (use, env) => [
    use.by === "command line"
      ? oci({ env, allowDocumentCredentials: true })
      : oci({ env, profiles: use.profiles, allowInstancePrincipal: use.instancePrincipal }),
    populations({
      openStore: (access) => openInventory(use, access),
      actor: actorOf(env),
    }),
  ],
  validateAuth: (expansion, env) =>
    validateAuth({ env, allowDocumentCredentials: true }, expansion),
  openStore,
  migrateStore: (place, applicationRole) =>
    migratePostgresStore({
      place,
      ...(applicationRole === undefined ? {} : { applicationRole }),
    }),
  prober: ({ env, sshConfig, acceptNew, concurrency, maxConnections, timeout }) =>
    Layer.unwrap(
      Effect.map(
        Effect.promise(() => import("@muster/provider-ssh")),
        ({ layerProber }) =>
          layerProber({
            ...configFileOf(sshConfig, env),
            ...deadlinesOf(Option.getOrUndefined(timeout ?? Option.none())),
            acceptNewKeys: acceptNew,
            concurrency,
            ...(maxConnections === undefined ? {} : { maxConnections }),
          }),
      ),
    ),
  sender: ({ env, sshConfig }) =>
    Layer.unwrap(
      Effect.map(
        Effect.promise(() => import("@muster/provider-ssh")),
        ({ layerSender }) => layerSender(configFileOf(sshConfig, env)),
      ),
    ),
  hostKeys: ({ env, sshConfig }) =>
    Layer.unwrap(
      Effect.map(
        Effect.promise(() => import("@muster/provider-ssh")),
        ({ layerHostKeys }) => layerHostKeys(configFileOf(sshConfig, env)),
      ),
    ),
  workers: (env) =>
    Effect.flatMap(
      Effect.promise(() => import("@muster/gates")),
      ({ taskclusterSettings, taskclusterWorkers }) =>
        Effect.map(
          Effect.fromResult(taskclusterSettings(env)),
          (settings) => settings && taskclusterWorkers(settings),
        ),
    ),
  git: (env) => Git.layer({ environment: env }),
  pace: {},
  leaseMillis: null,
  decorate: (plugin) => plugin,
};

/** The flag, else `MUSTER_SSH_CONFIG`, else what OpenSSH would read. */
const configFileOf = (flag: Option.Option<string>, env: Env): { readonly configFile?: string } => {
  const file = Option.getOrElse(flag, () => env["MUSTER_SSH_CONFIG"] ?? "");
  return file === "" ? {} : { configFile: file };
};

const deadlinesOf = (seconds: number | undefined): { readonly deadlines?: Partial<Deadlines> } => {
  if (seconds === undefined) return {};
  const millis = seconds * 1_000;
  return { deadlines: { authMillis: millis, channelMillis: millis, execMillis: millis } };
};

export const Wiring: Context.Reference<WiringShape> = Context.Reference("@muster/cli/Wiring", {
  defaultValue: () => defaultWiring,
});
