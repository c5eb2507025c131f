// Watches every provider write and holds it against the journal: was it announced, durably, before it was sent?

import * as Effect from "effect/Effect";
import { genesis, verifyChain } from "@muster/core/words/audit";
import { formatMember } from "@muster/core/words/member";
import type { Handler } from "@muster/core/words/provider";
import type { StoreError, StoreShape } from "@muster/core/store/store";

export interface Witness {
  readonly handler: Handler;
  /** Writes that nothing in the store announced, told in words. */
  readonly unannounced: () => ReadonlyArray<string>;
}

/** The store is asked beneath every layer that can crash: what it answers is what is durable. */
export const makeWitness = (handler: Handler, store: StoreShape, owner: string): Witness => {
  const unannounced: Array<string> = [];
  const announced = (what: string, target: string, token: string | null) =>
    Effect.gen(function* () {
      const entries = yield* store.auditEntries(0, 100_000);
      const records = yield* store.load(owner);
      const intent = records.find(
        (record) =>
          record._tag === "Intent" &&
          (token === null ? record.target === target : record.token === token),
      );
      const entry = entries.findLast(
        (one) =>
          one.phase === "intent" &&
          one.targets.includes(target) &&
          (token === null || one.parameters["token"] === token),
      );
      if (intent === undefined) unannounced.push(`${what} ${target}: no open intent`);
      if (entry === undefined) unannounced.push(`${what} ${target}: no audit entry`);
    }).pipe(
      Effect.catch((error: StoreError) =>
        Effect.sync(() => unannounced.push(`${what} ${target}: ${error.message}`)),
      ),
    );
  return {
    unannounced: () => unannounced,
    handler: {
      ...handler,
      create: (request) =>
        Effect.andThen(
          announced("create", formatMember(request.member), request.token),
          handler.create(request),
        ),
      mark: (request) => Effect.andThen(announced("mark", request.id, null), handler.mark(request)),
      remove: (request) =>
        Effect.andThen(announced("remove", request.id, null), handler.remove(request)),
    },
  };
};

/** The first fault of a store's whole audit chain, or nothing. */
export const chainFault = Effect.fnUntraced(function* (store: StoreShape) {
  const entries = yield* store.auditEntries(0, 100_000);
  const head = yield* store.auditHead;
  return verifyChain(entries, head.seq === 0 ? { seq: 0, hash: genesis } : head);
});
