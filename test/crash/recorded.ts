// Holds that nothing is half-recorded: all that was done was announced, and all that was announced came to a word.

import * as assert from "node:assert/strict";
import * as Effect from "effect/Effect";
import {
  type AuditEntry,
  formatMember,
  type StoreRecord,
  type StoreShape,
  verifyChain,
} from "@muster/core";
import type { JournalEntry } from "@muster/testkit/oci/index";

/** What a store remembers, of all owners. */
export interface Memory {
  readonly entries: ReadonlyArray<AuditEntry>;
  readonly records: ReadonlyArray<StoreRecord>;
}

export const memoryIn = (store: StoreShape): Effect.Effect<Memory> =>
  Effect.orDie(
    Effect.gen(function* () {
      const entries = yield* store.auditEntries(0, 100_000);
      const owners = yield* store.owners;
      const records = yield* Effect.forEach(owners, (owner) => store.load(owner));
      return { entries, records: records.flat() };
    }),
  );

type IntentRecord = Extract<StoreRecord, { readonly _tag: "Intent" }>;

export const isIntent = (record: StoreRecord): record is IntentRecord => record._tag === "Intent";

/** The chain is whole; each intent has an outcome, or stays open in the records. */
export const expectAnswered = ({ entries, records }: Memory): void => {
  assert.equal(verifyChain(entries), undefined, "the audit chain is whole");
  const open = new Set(records.filter(isIntent).map(({ member }) => formatMember(member)));
  for (const [index, entry] of entries.entries()) {
    if (entry.phase !== "intent") continue;
    const member = entry.targets[0] ?? "";
    const answered = entries.slice(index + 1).some((later) => answers(later, entry));
    assert.ok(answered || open.has(member), `nothing came of ${entry.action} ${member}`);
  }
};

const answers = (later: AuditEntry, intent: AuditEntry): boolean =>
  later.phase === "outcome" &&
  later.targets[0] === intent.targets[0] &&
  (later.action === intent.action || later.action === "settle");

const actionOf = (operation: JournalEntry["operation"]): string =>
  operation === "LaunchInstance" ? "create" : "remove";

/** Each change that OCI accepted stands in an audit as an intent. */
export const expectAnnounced = (
  entries: ReadonlyArray<AuditEntry>,
  journal: ReadonlyArray<JournalEntry>,
): void => {
  const announced = new Set(
    entries
      .filter(({ phase }) => phase === "intent")
      .map(({ action, targets }) => `${action} ${targets[0] ?? ""}`),
  );
  for (const { operation, freeformTags } of journal) {
    const change = `${actionOf(operation)} ${freeformTags["muster-member"] ?? ""}`;
    assert.ok(announced.has(change), `${change} was not announced`);
  }
};
