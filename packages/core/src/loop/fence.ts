// Keeps the lease of one turn: seen before anything is observed, claimed only when something is to be written.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { makeWriter, type Write, type Writer } from "../apply/writer.ts";
import { type HeldLease, Lease, type LeaseError } from "../lease/lease.ts";
import { showLease } from "../report/measure.ts";
import { Store, type StoreError } from "../store/store.ts";
import type { TurnInput } from "./input.ts";

export type Failure = StoreError | LeaseError;

export interface Fence {
  /** Nothing as long as there was nothing to write. */
  readonly held: () => HeldLease | null;
  /** On exactly the version that was seen; claimed once, held until the scope closes. */
  readonly claim: Effect.Effect<HeldLease, Failure, Scope.Scope>;
  readonly writer: Writer;
}

export const openFence = Effect.fnUntraced(function* (
  input: TurnInput,
): Effect.fn.Return<Fence, Failure, Store | Lease> {
  const store = yield* Store;
  const lease = yield* Lease;
  let held: HeldLease | null = null;
  const writer = yield* makeWriter(input.policy.owner, () => held?.commit ?? store.commit);
  const sighting = yield* lease.look;
  const claim = Effect.gen(function* () {
    if (held !== null) return held;
    held = yield* lease.claim(sighting);
    yield* showLease;
    if (input.follows !== undefined) yield* writer.write(yield* takeOver(input, input.follows));
    if (input.first !== undefined) yield* writer.write(input.first);
    return held;
  });
  return { held: () => held, claim, writer };
});

const takeOver = Effect.fnUntraced(function* (
  { mandate }: TurnInput,
  follows: { readonly chain: string; readonly head: string },
): Effect.fn.Return<Write> {
  const at = new Date(yield* Clock.currentTimeMillis).toISOString();
  const entry = {
    at,
    phase: "note" as const,
    action: "take-over",
    actor: mandate.actor,
    owner: mandate.owner,
    run: mandate.run,
    document: null,
    revision: mandate.revision,
    plan: null,
    targets: [],
    parameters: {},
    gates: [],
    forced: false,
    reason: { code: "AnotherStore", text: "another store acted here before" },
    approval: mandate.approval,
    outcome: null,
    follows,
  };
  return { audit: [entry] };
});
