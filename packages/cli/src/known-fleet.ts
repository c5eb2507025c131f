// Decides which fleet a person means by a name: one that the store knows, as NAME or Kind/NAME.

import * as Effect from "effect/Effect";
import * as Argument from "effect/cli/Argument";
import {
  compareText,
  type DocumentRecord,
  formatAddress,
  type StoreError,
  type StoreRecord,
} from "@muster/core";
import { nearest } from "@muster/core/read/suggest";
import { quote } from "@muster/core/words/quote";
import { type CommandEnd, wrongInput } from "./exit.ts";
import type { Records } from "./records.ts";

export const fleetName = Argument.String("fleet").pipe(
  Argument.withDescription("The fleet: its name, or Kind/NAME when several kinds have that name"),
);

export interface KnownFleet {
  readonly record: DocumentRecord;
  /** All that the store holds for this owner. */
  readonly records: ReadonlyArray<StoreRecord>;
}

/** A record in the wrong store is worse than none: the store must know the fleet. */
export const knownFleet = Effect.fnUntraced(function* (
  { store, owner }: Records,
  word: string,
): Effect.fn.Return<KnownFleet, CommandEnd | StoreError> {
  const records = yield* store.load(owner);
  const known = records.filter((record): record is DocumentRecord => record._tag === "Document");
  const meant = known.filter(
    ({ document }) => document.name === word || formatAddress(document) === word,
  );
  const [record] = meant;
  if (record === undefined) {
    return yield* wrongInput(
      `the store ${store.place} does not know ${quote(word)} of owner ${owner}`,
      `${suggestion(word, known)}name the right store with --store, --repo or --file; a fleet is known after its first apply or run`,
    );
  }
  if (meant.length > 1) {
    return yield* wrongInput(
      `${quote(word)} may be ${meant.map(({ document }) => formatAddress(document)).join(" or ")}`,
      "say which, as Kind/NAME",
    );
  }
  return { record, records };
});

/** The nearest name that is known, or the few names there are. */
const suggestion = (word: string, known: ReadonlyArray<DocumentRecord>): string => {
  const addresses = known.map(({ document }) => formatAddress(document));
  const names = word.includes("/") ? addresses : known.map(({ document }) => document.name);
  const near = nearest(word, names);
  if (near !== undefined) return `did you mean ${quote(near)}? Otherwise `;
  if (known.length === 0 || known.length > 16) return "";
  return `it knows ${addresses.toSorted(compareText).join(", ")}; `;
};
