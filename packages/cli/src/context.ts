// Opens what a command on local documents works with: configuration, documents, plugins, store.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import {
  type Diagnostic,
  type Pace,
  type Plugin,
  type SourceText,
  type StoreError,
  type StoreShape,
} from "@muster/core";
import type { MusterConfig } from "@muster/sdk";
import type { CommandEnd } from "./exit.ts";
import { readFiles } from "./files.ts";
import { refuseOwnStores } from "./own-store.ts";
import { Out } from "./screen/out.ts";
import { checkOwner, inventoryOf, loadConfig, saidStore, storePlace } from "./settings.ts";
import { Wiring } from "./wiring.ts";

/** Who runs a fleet from the command line when nobody says. */
export const commandLineOwner = "cli";

export interface LocalFlags {
  readonly paths: ReadonlyArray<string>;
  readonly store: Option.Option<string>;
  readonly owner: Option.Option<string>;
  readonly config: Option.Option<string>;
  /** The plan that the command writes or compares with: it is no document, wherever it lies. */
  readonly planFile?: Option.Option<string>;
}

export interface Local {
  readonly config: MusterConfig;
  readonly owner: string;
  readonly plugins: ReadonlyArray<Plugin>;
  readonly sources: ReadonlyArray<SourceText>;
  /** Faults of whole files, before any document in them was read. */
  readonly fileFaults: ReadonlyArray<Diagnostic>;
  readonly pace: Partial<Pace>;
  readonly leaseMillis?: number;
  /** Fails when documents have stores of their own, and nobody says which store is meant. */
  readonly openStore: Effect.Effect<StoreShape, StoreError | CommandEnd, Scope.Scope>;
}

export const openLocal = Effect.fnUntraced(function* (
  flags: LocalFlags,
  access: "read" | "write",
): Effect.fn.Return<Local, CommandEnd> {
  const { env } = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, env);
  const files = yield* readFiles(
    flags.paths.length === 0 ? ["."] : flags.paths,
    flags.planFile === undefined ? null : Option.getOrNull(flags.planFile),
  );
  const place = yield* storePlace(flags.store, config, env, files.root);
  const owner = yield* checkOwner(
    Option.getOrUndefined(flags.owner) ?? config.owner ?? commandLineOwner,
  );
  const inventory = yield* inventoryOf(flags.store, config, env);
  const builtIn = wiring.plugins({ by: "command line", inventory }, env);
  const plugins = pluginsOf(config, builtIn, wiring.decorate);
  const kinds = plugins.flatMap((plugin) => plugin.kinds);
  const isSaid = (yield* saidStore(flags.store, config, env)) !== undefined;
  return {
    config,
    owner,
    plugins,
    sources: files.sources,
    fileFaults: files.diagnostics,
    pace: wiring.pace,
    ...(wiring.leaseMillis === null ? {} : { leaseMillis: wiring.leaseMillis }),
    openStore: Effect.andThen(
      isSaid ? Effect.void : refuseOwnStores(kinds, files.sources),
      wiring.openStore(place, access),
    ),
  };
});

/**
 * The operator's plugins take the place of the built-in ones, all but the inventory: it is muster's
 * own, and needs no credentials.
 */
export const pluginsOf = (
  config: MusterConfig,
  builtIn: ReadonlyArray<Plugin>,
  decorate: (plugin: Plugin) => Plugin,
): ReadonlyArray<Plugin> => {
  const asked = config.plugins ?? builtIn;
  const kinds = new Set(asked.flatMap((plugin) => plugin.kinds.map(({ name }) => name)));
  const own = builtIn.filter(
    (plugin) => plugin.name === "inventory" && plugin.kinds.every(({ name }) => !kinds.has(name)),
  );
  return [...asked, ...own].map(decorate);
};

/** What plan and apply need of it. */
export const turnOf = ({ plugins, sources, owner, pace, leaseMillis }: Local) => ({
  plugins,
  sources,
  owner,
  pace,
  ...(leaseMillis === undefined ? {} : { leaseMillis }),
});
