// Refuses documents that `muster fleet` keeps in stores of their own, where a command names no store.

import { access } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import {
  type Document,
  formatAddress,
  type Kind,
  readDocuments,
  shellWord,
  type SourceText,
} from "@muster/core";
import { type CommandEnd, wrongInput } from "./exit.ts";

/** The store of a fleet: beside its ledger, which lies beside its document when nobody says. */
export const storeBeside = (file: string, name: string): string =>
  path.join(path.dirname(file), `.${name}.state.db`);

/**
 * Fails when one of the documents has a store of its own beside it. Another store holds neither its
 * override nor what a person consented to there, so a plan on it would undo the one unheard.
 */
export const refuseOwnStores = Effect.fnUntraced(function* (
  kinds: ReadonlyArray<Kind>,
  sources: ReadonlyArray<SourceText>,
): Effect.fn.Return<void, CommandEnd> {
  const { documents } = readDocuments(kinds, sources);
  for (const document of documents) {
    const store = yield* ownStoreOf(document);
    if (store !== null) return yield* refusal(document, store, documents.length > 1);
  }
});

/** Under its former name too: what was said of it there is not said anew. */
const ownStoreOf = ({ name, previousName, place }: Document): Effect.Effect<string | null> =>
  Effect.promise(async () => {
    for (const one of previousName === undefined ? [name] : [name, previousName]) {
      const store = storeBeside(place.file, one);
      if (await isThere(store)) return store;
    }
    return null;
  });

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

const refusal = (document: Document, store: string, amongOthers: boolean): CommandEnd => {
  const { file } = document.place;
  const named = `--store ${shellWord(`sqlite:${store}`)}`;
  return wrongInput(
    `muster fleet keeps ${formatAddress(document)} in a store of its own, ${store}, and no store is named: another one does not know its overrides`,
    [
      amongOthers
        ? `work on it by itself, with ${shellWord(file)} ${named}, or keep all of them in one store, and name it to muster fleet too`
        : `say which store is meant: ${named}, or MUSTER_STORE`,
      `once muster fleet status shows nothing that counts any more, that file may be moved away`,
    ].join("; "),
  );
};
