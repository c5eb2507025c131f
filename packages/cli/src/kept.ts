// Reads what a store keeps of its fleets: records and audit, or that there is no store at all.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import {
  type AuditEntry,
  type DocumentAddress,
  formatAddress,
  type StoreError,
  type StoreRecord,
  type StoreShape,
} from "@muster/core";
import type { GitError } from "@muster/gitops-runner";
import { absentId } from "@muster/store-sql";
import { type CommandEnd, wrongInput } from "./exit.ts";
import { openRecords, type RecordFlags } from "./records.ts";

export interface Kept {
  readonly store: StoreShape;
  readonly owner: string;
  readonly records: ReadonlyArray<StoreRecord>;
}

/** Fails when there is no store: a mistyped place must not look like an empty one. */
export const openKept = Effect.fnUntraced(function* (
  flags: RecordFlags,
): Effect.fn.Return<Kept, CommandEnd | GitError | StoreError, Scope.Scope> {
  const { store, owner } = yield* openRecords(flags, "read");
  if (store.id === absentId) return yield* noStore(store.place);
  return { store, owner, records: yield* store.load(owner) };
});

export const noStore = (place: string): Effect.Effect<never, CommandEnd> =>
  Effect.fail(
    wrongInput(
      `there is no store at ${place}`,
      "name the right one with --store, --repo or --file; it is made by the first apply or run",
    ),
  );

const pageSize = 1_000;

/** Every entry of the audit, page by page, in order. */
export const forEachEntry = Effect.fnUntraced(function* (
  store: StoreShape,
  take: (entry: AuditEntry) => void,
): Effect.fn.Return<void, StoreError> {
  let last = 0;
  for (;;) {
    const page = yield* store.auditEntries(last, pageSize);
    for (const entry of page) take(entry);
    if (page.length < pageSize) return;
    last = page.at(-1)!.seq;
  }
});

/** All documents that the store remembers anything of, by address, sorted. */
export const knownDocuments = (
  records: ReadonlyArray<StoreRecord>,
): ReadonlyArray<DocumentAddress> => {
  const known = new Map<string, DocumentAddress>();
  for (const record of records) {
    if (record._tag === "Document" || record._tag === "Status") {
      known.set(formatAddress(record.document), record.document);
    }
  }
  return [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
};

/** The documents that `NAME` or `Kind/NAME` can mean. */
export const documentsCalled = (
  documents: ReadonlyArray<DocumentAddress>,
  text: string,
): ReadonlyArray<DocumentAddress> =>
  documents.filter((address) => address.name === text || formatAddress(address) === text);
