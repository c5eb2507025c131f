// Says in git what a run found and did: status and audit move with the lease's release, or not at all.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { LeaseError } from "@muster/core/lease/lease";
import { Store, type StoreError } from "@muster/core/store/store";
import type { AuditEntry, AuditHead } from "@muster/core/words/audit";
import { type Document, formatAddress } from "@muster/core/words/document";
import type { StatusRecord } from "@muster/core/words/record";
import { buildAuditUpdate, lastPublished } from "./audit.ts";
import { GitError } from "./error.ts";
import type { Sighting } from "./fetch.ts";
import type { Git } from "./git.ts";
import type { GitLeaseShape, HeldGitLease } from "./lease.ts";
import { push } from "./publish.ts";
import type { RefUpdate } from "./refs.ts";
import { buildStatusUpdate } from "./status.ts";
import { currentTrace } from "./trace.ts";
import type { Repository } from "./url.ts";

export interface PublishedRun {
  /** The status commit; nothing when the status was said already. */
  readonly status: string | null;
  readonly audit: AuditHead;
  /** The commit that brought the audit; nothing when it was said already. */
  readonly auditCommit: string | null;
}

/** A status in the words in which it is published, as `encodeStatus` spells them. */
export type SaidStatus = Pick<StatusRecord, "document" | "json">;

/** What there is to say: the status of every document, and the digests of the plans of this run. */
export interface Said {
  readonly documents: ReadonlyArray<Document>;
  readonly statuses: ReadonlyArray<SaidStatus>;
  readonly plans: ReadonlyArray<string>;
}

export interface PublishRunRequest {
  readonly options: {
    readonly repository: Repository;
    readonly environment: string;
    readonly cache: string;
    readonly run: string;
    readonly owner: string;
  };
  readonly sighting: Sighting;
  readonly said: Said;
  readonly lease: GitLeaseShape;
  /** Without one, a lease is claimed for the push alone. */
  readonly held: HeldGitLease | null;
  /** `Renew` keeps the lease, for a run that goes on; `Release` ends it. */
  readonly move: "Renew" | "Release";
  /** The store was told nothing new: a status that differs only in its times is said already. */
  readonly quiet: boolean;
}

/** Nothing when git says all of it already: then nothing is pushed. */
export const publishRun = Effect.fn("publish")(function* (
  request: PublishRunRequest,
): Effect.fn.Return<
  PublishedRun | null,
  GitError | StoreError | LeaseError,
  Git | Store | Scope.Scope
> {
  const store = yield* Store;
  const head = yield* store.auditHead;
  const status = yield* statusUpdate(request, head, yield* currentTrace);
  const audit = yield* auditUpdate(request, head, status !== null);
  const updates = [status, audit].filter((update) => update !== null);
  if (updates.length === 0) return null;
  const held = request.held ?? (yield* request.lease.claim(yield* request.lease.look));
  const { cache, repository } = request.options;
  const ride = request.move === "Renew" ? held.withRenewal : held.withRelease;
  yield* ride((move) => push({ cache, repository, updates: [...updates, move] }));
  return { status: status?.to ?? null, audit: head, auditCommit: audit?.to ?? null };
});

const statusUpdate = (
  { options, sighting, said, quiet }: PublishRunRequest,
  audit: AuditHead,
  trace: { readonly trace?: string },
): Effect.Effect<RefUpdate | null, GitError, Git> =>
  buildStatusUpdate({
    cache: options.cache,
    environment: options.environment,
    current: sighting.status,
    files: statusFiles(said.documents, said.statuses),
    quiet,
    trailers: {
      run: options.run,
      source: sighting.head,
      plans: said.plans,
      audit,
      ...trace,
    },
  });

/** A status lies where its document lies; that of a vanished document under `orphaned`. */
const statusFiles = (
  documents: ReadonlyArray<Document>,
  statuses: ReadonlyArray<SaidStatus>,
): ReadonlyMap<string, string> => {
  const folders = new Map(
    documents.map((document) => [formatAddress(document), folderOf(document.place.file)]),
  );
  return new Map(
    statuses.map(({ document, json }) => {
      const folder = folders.get(formatAddress(document)) ?? "orphaned/";
      return [`${folder}${document.kind}.${document.name}.status.json`, json];
    }),
  );
};

const folderOf = (file: string): string => file.slice(0, file.lastIndexOf("/") + 1);

/**
 * The entries that git has not seen. What other owners of the same store did goes along, since a
 * chain has no gaps, but is no reason of its own to push.
 */
const auditUpdate = Effect.fnUntraced(function* (
  { options, sighting }: PublishRunRequest,
  head: AuditHead,
  pushing: boolean,
): Effect.fn.Return<RefUpdate | null, GitError | StoreError, Git | Store> {
  const { cache } = options;
  const said = yield* lastPublished({ cache, current: sighting.audit, chain: head.chain });
  if (said > head.seq) return yield* chainCut(said, head);
  const entries = yield* entriesAfter(said);
  if (!pushing && !entries.some((entry) => entry.owner === options.owner)) return null;
  return yield* buildAuditUpdate({
    cache: options.cache,
    environment: options.environment,
    current: sighting.audit,
    chain: head.chain,
    entries,
  });
});

/** Git remembers more of the chain than the store: an older copy of the store, or a cut one. */
const chainCut = (said: number, head: AuditHead): GitError =>
  new GitError({
    reason: "Corrupt",
    operation: "audit",
    message: `the audit branch holds ${said} entries of this store, the store only ${head.seq}: it lost its end`,
    remedy:
      "find out who cut or restored the store; go on with a new one, which names what it follows",
  });

const pageSize = 1_000;

const entriesAfter = Effect.fnUntraced(function* (
  after: number,
): Effect.fn.Return<ReadonlyArray<AuditEntry>, StoreError, Store> {
  const store = yield* Store;
  const entries: Array<AuditEntry> = [];
  for (;;) {
    const page = yield* store.auditEntries(after + entries.length, pageSize);
    entries.push(...page);
    if (page.length < pageSize) return entries;
  }
});
