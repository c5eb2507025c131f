// Decides what holds for a command when nobody says: store, owner, actor, and the operator's configuration.

import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { homedir, hostname, userInfo } from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Result from "effect/Result";
import { ownerFault } from "@muster/core/words/owner";
import { quote } from "@muster/core/words/quote";
import type { MusterConfig } from "@muster/sdk";
import { parseStorePlace, type StorePlace } from "@muster/store-sql";
import { configFault } from "./config-shape.ts";
import { type CommandEnd, wrongInput } from "./exit.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** `$XDG_STATE_HOME/muster`, else `~/.local/state/muster`. */
export const stateFolder = (env: Env): string => {
  const base = env["XDG_STATE_HOME"] ?? "";
  const home = env["HOME"] ?? homedir();
  return path.join(base === "" ? path.join(home, ".local", "state") : base, "muster");
};

/** A name that a person recognises and that two places never share. */
export const placeKey = (what: string): string => {
  const digest = createHash("sha256").update(what).digest("hex").slice(0, 12);
  const name =
    what
      .replace(/[#?].*$/u, "")
      .replace(/\/+$/u, "")
      .split("/")
      .at(-1) ?? "";
  return `${name.replace(/[^A-Za-z0-9._-]+/gu, "-").slice(0, 40) || "muster"}-${digest}`;
};

/**
 * The flag, else `MUSTER_STORE`, else the configuration, else a file in the user's state folder
 * keyed by what is worked on.
 */
export const storePlace = (
  flag: Option.Option<string>,
  config: MusterConfig,
  env: Env,
  key: string,
): Effect.Effect<StorePlace, CommandEnd> =>
  Effect.map(
    saidStore(flag, config, env),
    (said) => said ?? { _tag: "Sqlite", path: path.join(stateFolder(env), `${placeKey(key)}.db`) },
  );

/** One inventory per user, unless a store is named: it belongs to no document and no repository. */
export const inventoryPlace = (
  flag: Option.Option<string>,
  config: MusterConfig,
  env: Env,
): Effect.Effect<StorePlace, CommandEnd> => storePlace(flag, config, env, "inventory");

/** The inventory as plugins use it: where it lies, and who may write it. */
export const inventoryOf = (
  flag: Option.Option<string>,
  config: MusterConfig,
  env: Env,
): Effect.Effect<
  { readonly place: StorePlace; readonly operators: MusterConfig["operators"] | undefined },
  CommandEnd
> =>
  Effect.map(inventoryPlace(flag, config, env), (place) => ({
    place,
    operators: config.operators,
  }));

/** What somebody says of the store; nothing when nobody does. */
export const saidStore = (
  flag: Option.Option<string>,
  config: MusterConfig,
  env: Env,
): Effect.Effect<StorePlace | undefined, CommandEnd> => {
  const said = Option.getOrUndefined(flag) ?? nonEmpty(env["MUSTER_STORE"]) ?? config.store;
  if (said === undefined) return Effect.succeed(undefined);
  const parsed = parseStorePlace(said);
  return Result.isSuccess(parsed)
    ? Effect.succeed(parsed.success)
    : Effect.fail(
        wrongInput(`the store cannot be used: ${parsed.failure}`, "see muster plan --help"),
      );
};

/** Members are marked with it, and blank marks are none. */
export const checkOwner = (owner: string): Effect.Effect<string, CommandEnd> =>
  ownerFault(owner) === undefined
    ? Effect.succeed(owner)
    : Effect.fail(
        wrongInput(
          `the owner ${quote(owner)} cannot be called so`,
          "use 1 to 256 characters in one line, such as --owner team-a",
        ),
      );

/** `user@host`: claimed, never proven. */
export const actorName = (env: Env): string => {
  const user =
    nonEmpty(env["USER"]) ??
    Result.getOrElse(
      Result.try(() => userInfo().username),
      () => "unknown",
    );
  return `${user}@${hostname()}`;
};

/**
 * The operator's `muster.config.ts`, named by `--config` or `MUSTER_CONFIG`. It is never looked for:
 * who can push to a config repository must not run code by adding a file.
 */
export const loadConfig = Effect.fnUntraced(function* (
  flag: Option.Option<string>,
  env: Env,
): Effect.fn.Return<MusterConfig, CommandEnd> {
  const file = Option.getOrUndefined(flag) ?? nonEmpty(env["MUSTER_CONFIG"]);
  if (file === undefined) return {};
  const url = pathToFileURL(path.resolve(file));
  // A module is loaded once for each address: a file that was changed needs another one.
  url.searchParams.set("changed", String(yield* changedAt(file)));
  const loaded = yield* Effect.tryPromise({
    try: () => import(url.href) as Promise<{ readonly default?: unknown }>,
    catch: (cause) =>
      wrongInput(
        `cannot load the configuration ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
        "it is a TypeScript or JavaScript module: export default defineConfig({ … })",
      ),
  });
  const config = loaded.default;
  if (typeof config !== "object" || config === null) {
    return yield* wrongInput(
      `the configuration ${file} has no default export`,
      "write: export default defineConfig({ … }) from @muster/sdk",
    );
  }
  const fault = configFault(config);
  if (fault !== undefined) {
    return yield* wrongInput(
      `the configuration ${file} cannot be used: ${fault}`,
      "what it may hold is in docs/reference/configuration.md",
    );
  }
  return config;
});

/** Milliseconds since the epoch; 0 when there is no such file, which the import then says. */
const changedAt = (file: string): Effect.Effect<number> =>
  Effect.promise(() =>
    stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  );

const nonEmpty = (text: string | undefined): string | undefined => (text === "" ? undefined : text);
