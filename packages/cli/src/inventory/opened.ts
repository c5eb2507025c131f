// Opens the inventory of hosts: its store, what it remembers, and who is asking.

import { hostname, userInfo } from "node:os";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import type { StoreError, StoreShape } from "@muster/core";
import { inventoryOwner, type Roll, rollOf, type Word } from "@muster/core/inventory/roll";
import type { CommandEnd } from "../exit.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";
import { actorName, loadConfig, storePlace } from "../settings.ts";
import { Wiring } from "../wiring.ts";

export const inventoryFlags = { store: Flags.store, config: Flags.config, output: Flags.output };

export interface InventoryFlags {
  readonly store: Option.Option<string>;
  readonly config: Option.Option<string>;
  readonly output: "human" | "json";
}

/** One inventory per user, unless a store is named: it belongs to no document and no repository. */
const placeKey = "inventory";

export const openInventory = Effect.fnUntraced(function* (
  flags: InventoryFlags,
  access: "read" | "write",
): Effect.fn.Return<StoreShape, CommandEnd | StoreError, Scope.Scope> {
  const { env } = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, env);
  return yield* wiring.openStore(yield* storePlace(flags.store, config, env, placeKey), access);
});

export const loadRoll = (store: StoreShape): Effect.Effect<Roll, StoreError> =>
  Effect.map(store.load(inventoryOwner), rollOf);

/** The word of whoever runs this process: the account is the system's, the name is claimed. */
export const wordOf = Effect.fnUntraced(function* (reason: string | null): Effect.fn.Return<Word> {
  const { env } = yield* Out;
  return {
    actor: { verified: accountName(), claimed: actorName(env) },
    keeper: { by: "cli" },
    at: new Date(yield* Clock.currentTimeMillis).toISOString(),
    reason,
  };
});

/** As the system knows it, whatever the environment says; nothing where it has no such account. */
const accountName = (): string | null =>
  Result.match(
    Result.try(() => userInfo()),
    {
      onSuccess: ({ username, uid }) =>
        `${username}@${hostname()}${uid >= 0 ? ` (uid ${uid})` : ""}`,
      onFailure: () => null,
    },
  );
