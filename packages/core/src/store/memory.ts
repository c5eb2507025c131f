// The store kept in memory, for tests and embedding, and what every store checks before it writes.

import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { AuditDraft, AuditEntry, genesis, headOf, sealEntry } from "../words/audit.ts";
import type { AuditHead } from "../words/audit.ts";
import { canonicalJson } from "../words/canonical.ts";
import { compareText } from "../words/diagnostic.ts";
import { quote } from "../words/quote.ts";
import { recordKey, StoreRecord } from "../words/record.ts";
import { Store, StoreError } from "./store.ts";
import type { Batch, StoreLease, StoreShape } from "./store.ts";

/** One record as a store keeps it: canonical JSON under its key. */
export interface RecordRow {
  readonly key: string;
  readonly json: string;
}

/** What must stand under a key, or that nothing may. */
export interface ExpectedRow {
  readonly key: string;
  readonly json: string | null;
}

/** A batch that was found fit to be written; what could not be read back never gets this far. */
export interface StagedBatch {
  readonly owner: string;
  readonly fence: number | undefined;
  readonly expected: ReadonlyArray<ExpectedRow>;
  /** The number that the chain must end at. */
  readonly auditedTo: number | undefined;
  readonly puts: ReadonlyArray<RecordRow>;
  readonly deletes: ReadonlyArray<string>;
  readonly spent: ReadonlyArray<RecordRow>;
  readonly audit: ReadonlyArray<AuditDraft>;
}

/**
 * Checks a whole batch before any of it is written; the failure says what is wrong with it.
 * In every store deletes come before puts, so that a record put in a batch is there after it,
 * and of two puts of one key the last stays.
 */
export const stageBatch = (batch: Batch): Result.Result<StagedBatch, string> =>
  Result.gen(function* () {
    const expected: Array<ExpectedRow> = [];
    for (const record of batch.unchanged ?? []) expected.push(yield* encodeRecord(record));
    for (const key of batch.absent ?? []) expected.push({ key, json: null });
    const puts: Array<RecordRow> = [];
    for (const record of batch.puts ?? []) puts.push(yield* encodeRecord(record));
    const spent: Array<RecordRow> = [];
    for (const record of batch.spent ?? []) spent.push(yield* encodeRecord(record));
    const audit: Array<AuditDraft> = [];
    for (const draft of batch.audit ?? []) audit.push(yield* checkDraft(draft));
    const { owner, fence, auditedTo, deletes = [] } = batch;
    return { owner, fence, expected, auditedTo, puts, deletes, spent, audit };
  });

/** Whether a batch asks for nothing to be written, nor to be looked at. */
export const isEmptyBatch = (staged: StagedBatch): boolean =>
  staged.auditedTo === undefined &&
  [staged.expected, staged.puts, staged.deletes, staged.spent, staged.audit].every(
    ({ length }) => length === 0,
  );

const encodeRecord = (record: StoreRecord): Result.Result<RecordRow, string> =>
  Schema.encodeUnknownResult(StoreRecord)(record).pipe(
    Result.mapError((error) => `a record cannot be stored: ${error.message}`),
    Result.flatMap((encoded) =>
      spell(encoded, "a record cannot be stored").pipe(
        Result.map((json) => ({ key: recordKey(record), json })),
      ),
    ),
  );

const checkDraft = (draft: AuditDraft): Result.Result<AuditDraft, string> =>
  Schema.encodeUnknownResult(AuditDraft)(draft).pipe(
    Result.mapError((error) => `an audit entry cannot be stored: ${error.message}`),
    Result.flatMap((encoded) =>
      spell(encoded, "an audit entry cannot be stored").pipe(Result.map(() => encoded)),
    ),
  );

const spell = (value: unknown, fault: string): Result.Result<string, string> =>
  Result.try({
    try: () => canonicalJson(value),
    catch: (cause) => `${fault}: ${String(cause)}`,
  });

/** Reads a record back; the failure names its key and what is wrong with it. */
export const decodeRecord = (row: RecordRow): Result.Result<StoreRecord, string> =>
  Schema.decodeResult(Schema.fromJsonString(StoreRecord))(row.json).pipe(
    Result.mapError((error) => `the record ${row.key} cannot be read: ${error.message}`),
    Result.filterOrFail(
      (record) => recordKey(record) === row.key,
      (record) => `the record ${row.key} holds what belongs under ${recordKey(record)}`,
    ),
  );

/**
 * Reads an audit entry back; the failure names its place in the chain.
 * Fields that the schema does not know are kept: only then does the hash show that they were added.
 */
export const decodeEntry = (seq: number, json: string): Result.Result<AuditEntry, string> =>
  Schema.decodeResult(Schema.fromJsonString(Schema.Unknown))(json).pipe(
    Result.flatMap((value) =>
      Schema.decodeUnknownResult(AuditEntry)(value).pipe(Result.map(() => value as AuditEntry)),
    ),
    Result.mapError((error) => `the audit entry ${seq} cannot be read: ${error.message}`),
  );

/** What is wrong with a claim, or nothing: times and versions are whole numbers in every store. */
export const claimFault = (claim: {
  readonly expected: number;
  readonly expiresAt: number;
}): string | undefined => {
  if (!Number.isSafeInteger(claim.expected) || claim.expected < 0) {
    return `not a lease version: ${claim.expected}`;
  }
  if (!Number.isSafeInteger(claim.expiresAt)) return `not a time: ${claim.expiresAt}`;
  return undefined;
};

/** The error of a commit that came under a lease that is no longer ours; the same from every store. */
export const fencedError = (place: string, fence: number, lease: StoreLease): StoreError =>
  new StoreError({
    reason: "Fenced",
    place,
    message: `nothing was written: the lease moved from version ${fence} to ${lease.version}`,
    remedy: "observe and plan again; another run holds the lease or held it since",
  });

/** What has moved where the chain has grown. */
export const auditChain = "the audit chain";

/** Whether somebody audited anything after the number that was seen; nothing when none was asked. */
export const hasGrown = (auditedTo: number | undefined, head: AuditHead): boolean =>
  auditedTo !== undefined && head.seq !== auditedTo;

/** The error of a commit whose grounds have moved; the same from every store. */
export const movedError = (place: string, key: string): StoreError =>
  new StoreError({
    reason: "Moved",
    place,
    message: `nothing was written: ${quote(key)} has changed since it was read`,
    remedy: "look again, and decide again: somebody else was faster",
  });

/** Everything that a store in memory holds at one moment; never changed in place. */
export interface MemoryImage {
  readonly id: string;
  /** By owner, then by key: canonical JSON. */
  readonly records: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Canonical JSON of each entry, in order. */
  readonly audit: ReadonlyArray<string>;
  readonly head: AuditHead;
  readonly leases: ReadonlyMap<string, StoreLease>;
}

/** What outlives a store in memory: open another on the same disk and all is still there. */
export interface MemoryDisk {
  image: MemoryImage;
}

/** An empty disk. The id, by default random, names the audit chain; it keeps no secret. */
export const makeMemoryDisk = (id: string = randomId()): MemoryDisk => ({
  image: {
    id,
    records: new Map(),
    audit: [],
    head: { chain: id, seq: 0, hash: genesis },
    leases: new Map(),
  },
});

const randomId = (): string =>
  Array.from({ length: 32 }, () => Math.floor(Math.random() * 16).toString(16)).join("");

export const neverHeld: StoreLease = { version: 0, holder: null, expiresAt: 0 };

/** The image after a batch, or what stands in its way. Pure: all of it or nothing. */
const withBatch = (
  image: MemoryImage,
  staged: StagedBatch,
  place: string,
): Result.Result<MemoryImage, StoreError> => {
  const lease = image.leases.get(staged.owner) ?? neverHeld;
  if (staged.fence !== undefined && staged.fence !== lease.version) {
    return Result.fail(fencedError(place, staged.fence, lease));
  }
  const share = image.records.get(staged.owner);
  const moved = staged.expected.find(({ key, json }) => (share?.get(key) ?? null) !== json);
  if (moved !== undefined) return Result.fail(movedError(place, moved.key));
  if (hasGrown(staged.auditedTo, image.head)) return Result.fail(movedError(place, auditChain));
  if (isEmptyBatch(staged)) return Result.succeed(image);
  return Result.succeed({
    ...image,
    ...withAudit(image, staged),
    records: withRecords(image, staged),
  });
};

const withRecords = (image: MemoryImage, staged: StagedBatch): MemoryImage["records"] => {
  const share = new Map(image.records.get(staged.owner));
  for (const key of staged.deletes) share.delete(key);
  for (const { key, json } of staged.spent) if (share.get(key) === json) share.delete(key);
  for (const row of staged.puts) share.set(row.key, row.json);
  const records = new Map(image.records);
  if (share.size === 0) records.delete(staged.owner);
  else records.set(staged.owner, share);
  return records;
};

const withAudit = (
  image: MemoryImage,
  staged: StagedBatch,
): Pick<MemoryImage, "audit" | "head"> => {
  let head = image.head;
  const added: Array<string> = [];
  for (const draft of staged.audit) {
    const entry = sealEntry(head, draft);
    added.push(canonicalJson(entry));
    head = headOf(entry);
  }
  return { audit: added.length === 0 ? image.audit : [...image.audit, ...added], head };
};

/**
 * A store in memory. `disk` (default: a new, empty one) outlives the store; `place` (default
 * `memory:`) is how messages name it. Fails as the durable stores do: `Fenced` under a lost lease,
 * `Corrupt` for what could not be read back.
 */
export const makeMemoryStore = (
  options: { readonly disk?: MemoryDisk; readonly place?: string } = {},
): StoreShape => {
  const { disk = makeMemoryDisk(), place = "memory:" } = options;
  const corrupt = (message: string) => new StoreError({ reason: "Corrupt", place, message });
  const readable = <A>(result: Result.Result<A, string>): Effect.Effect<A, StoreError> =>
    Effect.fromResult(Result.mapError(result, corrupt));
  const leaseOf = (owner: string): StoreLease => disk.image.leases.get(owner) ?? neverHeld;

  const load: StoreShape["load"] = (owner) =>
    Effect.suspend(() => {
      const rows = [...(disk.image.records.get(owner) ?? [])].map(([key, json]) => ({ key, json }));
      rows.sort((a, b) => compareText(a.key, b.key));
      return readable(Result.all(rows.map(decodeRecord)));
    });

  const record: StoreShape["record"] = (owner, key) =>
    Effect.suspend(() => {
      const json = disk.image.records.get(owner)?.get(key);
      return json === undefined ? Effect.succeed(null) : readable(decodeRecord({ key, json }));
    });

  const commit: StoreShape["commit"] = (batch) =>
    Effect.flatMap(
      Effect.suspend(() => readable(stageBatch(batch))),
      (staged) =>
        Effect.suspend(() => {
          const next = withBatch(disk.image, staged, place);
          if (Result.isFailure(next)) return Effect.fail(next.failure);
          disk.image = next.success;
          return Effect.succeed(next.success.head);
        }),
    );

  const auditEntries: StoreShape["auditEntries"] = (after, limit) =>
    Effect.suspend(() => {
      const first = Math.max(0, after);
      const page = disk.image.audit.slice(first, first + Math.max(0, limit));
      return readable(Result.all(page.map((json, at) => decodeEntry(first + at + 1, json))));
    });

  const claimLease: StoreShape["claimLease"] = (claim) =>
    Effect.suspend(() => {
      const fault = claimFault(claim);
      if (fault !== undefined) return Effect.fail(corrupt(fault));
      if (leaseOf(claim.owner).version !== claim.expected) return Effect.succeed(null);
      const { holder, expiresAt } = claim;
      const lease: StoreLease = { version: claim.expected + 1, holder, expiresAt };
      const leases = new Map(disk.image.leases).set(claim.owner, lease);
      disk.image = { ...disk.image, leases };
      return Effect.succeed(lease);
    });

  return {
    id: disk.image.id,
    place,
    load,
    record,
    owners: Effect.sync(() => [...disk.image.records.keys()].sort(compareText)),
    commit,
    auditHead: Effect.sync(() => disk.image.head),
    auditEntries,
    lease: (owner) => Effect.sync(() => leaseOf(owner)),
    claimLease,
  };
};

/** A fresh store in memory for each time that the layer is built. */
export const layerMemory: Layer.Layer<Store> = Layer.sync(Store, () => makeMemoryStore());
