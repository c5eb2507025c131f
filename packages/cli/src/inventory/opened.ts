// Opens the inventory of hosts: its store, what it remembers, and who is asking.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import type { StoreError, StoreShape } from "@muster/core";
import { inventoryOwner, type Roll, rollOf, type Word } from "@muster/core/inventory/roll";
import { actorOf } from "../actor.ts";
import type { CommandEnd } from "../exit.ts";
import * as Flags from "../flags.ts";
import { checkOperator } from "../operators.ts";
import { Out } from "../screen/out.ts";
import { inventoryPlace, loadConfig } from "../settings.ts";
import { Wiring } from "../wiring.ts";

export const inventoryFlags = { store: Flags.store, config: Flags.config, output: Flags.output };

export interface InventoryFlags {
  readonly store: Option.Option<string>;
  readonly config: Option.Option<string>;
  readonly output: "human" | "json";
}

/** To write it one has to be an operator, where the configuration names some. */
export const openInventory = Effect.fnUntraced(function* (
  flags: InventoryFlags,
  access: "read" | "write",
): Effect.fn.Return<StoreShape, CommandEnd | StoreError, Scope.Scope> {
  const { env } = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, env);
  if (access === "write") yield* checkOperator(config.operators);
  return yield* wiring.openStore(yield* inventoryPlace(flags.store, config, env), access);
});

export const loadRoll = (store: StoreShape): Effect.Effect<Roll, StoreError> =>
  Effect.map(store.load(inventoryOwner), rollOf);

/** The word of whoever runs this process: the account is the system's, the name is claimed. */
export const wordOf = Effect.fnUntraced(function* (reason: string | null): Effect.fn.Return<Word> {
  const { env } = yield* Out;
  return {
    actor: actorOf(env),
    keeper: { by: "cli" },
    at: new Date(yield* Clock.currentTimeMillis).toISOString(),
    reason,
  };
});
