// Looks at one fleet and lets plan decide, as if the store held some records more or less; writes nothing.

import * as Effect from "effect/Effect";
import {
  defaultPace,
  defaultPolicy,
  formatAddress,
  recordKey,
  Store,
  type StoreError,
  type StoreRecord,
  type StoreShape,
} from "@muster/core";
import type { TurnInput } from "@muster/core/loop/input";
import { look, type Unit } from "@muster/core/loop/look";
import type { Fleet } from "./opened.ts";

/** What a look pretends the store to hold. */
export interface Pretence {
  readonly puts: ReadonlyArray<StoreRecord>;
  readonly deletes: ReadonlyArray<string>;
}

const asItIs: Pretence = { puts: [], deletes: [] };

/** A blind spot is no failure: the plan of the unit says so. */
export const lookAt = Effect.fnUntraced(function* (
  fleet: Fleet,
  pretence: Pretence = asItIs,
): Effect.fn.Return<Unit, StoreError> {
  const address = formatAddress(fleet.document);
  const { units } = yield* look(turnOf(fleet), [fleet.document], 1).pipe(
    Effect.provideService(Store, pretending(fleet.store, pretence)),
  );
  return units.find(({ plan }) => formatAddress(plan.document) === address)!;
});

/** What one turn about this fleet is given: other documents of the store are none of its business. */
export const turnOf = (fleet: Fleet): TurnInput => ({
  kinds: fleet.kinds,
  handlers: fleet.handlers,
  policy: defaultPolicy(fleet.owner),
  pace: { ...defaultPace, ...fleet.pace },
  mandate: {
    owner: fleet.owner,
    run: globalThis.crypto.randomUUID(),
    actor: { verified: null, claimed: fleet.by },
    approval: { mode: "command", by: fleet.by, digest: null },
    revision: null,
  },
  source: null,
  complete: false,
  onEvent: fleet.tell,
});

const pretending = (store: StoreShape, { puts, deletes }: Pretence): StoreShape => {
  if (puts.length + deletes.length === 0) return store;
  const other = new Set([...deletes, ...puts.map(recordKey)]);
  return {
    ...store,
    load: (owner) =>
      Effect.map(store.load(owner), (records) => [
        ...records.filter((record) => !other.has(recordKey(record))),
        ...puts,
      ]),
  };
};
