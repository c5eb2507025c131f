// Decides what the audit says of an act on one host, and writes it before anything is sent and after, however the act ends.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { StoreError, type StoreShape } from "../store/store.ts";
import type { AuditDraft } from "../words/audit.ts";
import type { Host } from "../words/host.ts";
import type { Refusal } from "../words/plan.ts";
import { quote } from "../words/quote.ts";
import { entryOf, inventoryOwner, type Word } from "./roll.ts";

/** What is about to be done to one host. */
export interface Act {
  /** Such as `reboot host`. */
  readonly action: string;
  readonly host: string;
  readonly parameters: AuditDraft["parameters"];
}

/** What came of an act, as its outcome entry tells it. */
export interface Came {
  readonly outcome: "done" | "failed" | "unknown";
  /** Beside the parameters of the act. */
  readonly found: AuditDraft["parameters"];
}

/** A host that a person has disabled is left alone. */
export const refuseAct = ({ address, disabled }: Host): Refusal | null =>
  disabled === null
    ? null
    : {
        reason: {
          code: "Disabled",
          text: `${quote(address.host)} is disabled, by ${quote(disabled.by)}: ${quote(disabled.reason, 400)}`,
        },
        remedy: `enable it first: host enable ${address.host} --reason TEXT`,
      };

/**
 * Lets `use` act. Whoever acts runs `begin` first: the intent is on disk when it has ended. Once it
 * has, an outcome follows: what `use` answers, and `unknown` when it fails or is interrupted.
 */
export const audited = <A extends Came, E, R>(
  store: StoreShape,
  act: Act,
  word: Word,
  use: (begin: Effect.Effect<void, StoreError>) => Effect.Effect<A, E, R>,
): Effect.Effect<A, E | StoreError, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      let intent: number | null = null;
      const begin = Effect.map(Effect.uninterruptible(enter(store, draftOf(act, word))), (seq) => {
        intent = seq;
      });
      const exit = yield* Effect.exit(restore(use(begin)));
      if (intent !== null) {
        const came = exit._tag === "Success" ? exit.value : lost;
        const at = new Date(yield* Clock.currentTimeMillis).toISOString();
        yield* Effect.mapError(
          enter(store, outcomeOf(act, { ...word, at }, came, intent)),
          unwritten(came),
        );
      }
      return yield* exit;
    }),
  );

const lost: Came = { outcome: "unknown", found: {} };

/** Answers the entry's number. */
const enter = (store: StoreShape, draft: AuditDraft): Effect.Effect<number, StoreError> =>
  Effect.map(store.commit({ owner: inventoryOwner, audit: [draft] }), ({ seq }) => seq);

const draftOf = ({ action, host, parameters }: Act, word: Word): AuditDraft => ({
  ...entryOf(action, [host], word, parameters),
  phase: "intent",
});

const outcomeOf = (
  { action, host, parameters }: Act,
  word: Word,
  { outcome, found }: Came,
  intent: number,
): AuditDraft => ({
  ...entryOf(action, [host], word, { ...parameters, ...found, intent }),
  phase: "outcome",
  outcome,
});

const unwritten =
  ({ outcome }: Came) =>
  (error: StoreError): StoreError =>
    new StoreError({
      ...error,
      message: `${error.message}; so the audit does not say what came of it: ${outcome}`,
    });
