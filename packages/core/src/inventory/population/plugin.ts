// Offers the kind Population to muster: what a document says of it is kept in the inventory of hosts.

import * as Effect from "effect/Effect";
import * as Scope from "effect/Scope";
import type { StoreError, StoreShape } from "../../store/store.ts";
import type { AuditDraft } from "../../words/audit.ts";
import { failedFinding, okFinding } from "../../words/finding.ts";
import type { Plugin } from "../../words/kind.ts";
import { ProviderError } from "../../words/provider.ts";
import { inventoryOwner, rollOf } from "../roll.ts";
import { makePopulationHandler } from "./handler.ts";
import { PopulationKind, populationResource } from "./kind.ts";

export interface PopulationOptions {
  /**
   * The store that the inventory lies in; to write it is opened when there is something to write.
   * Who may not write it is told so by the provider's error.
   */
  readonly openStore: (
    access: "read" | "write",
  ) => Effect.Effect<StoreShape, StoreError | ProviderError, Scope.Scope>;
  /** Who stands in the audit. */
  readonly actor: AuditDraft["actor"];
}

export const populations = ({ openStore, actor }: PopulationOptions): Plugin => ({
  name: "inventory",
  version: "0.1.0",
  kinds: [PopulationKind],
  resources: [populationResource],
  handler: () =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope;
      const writer = yield* Effect.cached(Scope.provide(openStore("write"), scope));
      return makePopulationHandler({ reader: yield* openStore("read"), writer }, actor);
    }).pipe(Effect.mapError((error) => (error._tag === "ProviderError" ? error : unopened(error)))),
  examine: ({ expansions }) =>
    expansions.length === 0
      ? Effect.succeed([])
      : Effect.scoped(
          Effect.gen(function* () {
            const store = yield* openStore("read");
            const { populations: known, hosts } = rollOf(yield* store.load(inventoryOwner));
            const told = `${store.place} has ${known.size} populations and ${hosts.size} hosts`;
            return [okFinding("inventory", told)];
          }),
        ).pipe(
          Effect.catch(({ message, remedy }) =>
            Effect.succeed([
              failedFinding(
                "inventory",
                "infrastructure",
                message,
                remedy ?? "name another store with --store or MUSTER_STORE",
              ),
            ]),
          ),
        ),
});

const unopened = ({ message, place, remedy }: StoreError): ProviderError =>
  new ProviderError({
    reason: "Unreachable",
    operation: "open the inventory",
    message: `${place}: ${message}`,
    ...(remedy === undefined ? {} : { remedy }),
  });
