// One run of the runner: git in, one turn of the loop, status out.
//
// fetch → verify → read … report (core) → one atomic push of status, audit and the lease's release.
// The watched branch is never written. A run that finds nothing to do pushes nothing.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Event } from "@muster/core/apply/outcome";
import type { Pace } from "@muster/core/apply/retry";
import type { Write } from "@muster/core/apply/writer";
import { Lease, type LeaseError } from "@muster/core/lease/lease";
import { openRegistry, type ConfigurationError } from "@muster/core/loop/registry";
import { isDocumentFile, type SourceText } from "@muster/core/read/read";
import { nothingDone, reconcileOnce, type ReconcileReport } from "@muster/core/reconcileOnce";
import { type Batch, Store, StoreError, type StoreShape } from "@muster/core/store/store";
import { formatHead } from "@muster/core/words/audit";
import { type Diagnostic, hasErrors } from "@muster/core/words/diagnostic";
import type { Plugin } from "@muster/core/words/kind";
import type { Refusal } from "@muster/core/words/plan";
import { defaultPolicy, type Policy } from "@muster/core/words/policy";
import type { HeadRecord, StoreRecord } from "@muster/core/words/record";
import { readBlobs, type SkippedEntry } from "./blobs.ts";
import { openCache } from "./cache.ts";
import type { GitError } from "./error.ts";
import { fetchBranch, type Sighting } from "./fetch.ts";
import type { Git } from "./git.ts";
import { type HeldGitLease, makeGitLease } from "./lease.ts";
import { publishRun, type PublishedRun } from "./publish-run.ts";
import { type Published, readPublished } from "./published.ts";
import type { Repository } from "./url.ts";
import { type Signers, type Verification, verifySource } from "./verify.ts";

export interface RunOptions {
  readonly repository: Repository;
  readonly branch: string;
  /** Folder within the repository; the whole tree when `.`. */
  readonly path: string;
  readonly environment: string;
  /** Whose members these are: `ownerOf(repository, environment)` unless the operator says otherwise. */
  readonly owner: string;
  /** Folder of the local copy; holds nothing of its own. */
  readonly cache: string;
  readonly plugins: ReadonlyArray<Plugin>;
  readonly signers: Signers | null;
  /** Names this run in audit, intents and commits. */
  readonly run: string;
  /** Who runs it, as it calls itself. */
  readonly holder: string;
  readonly pace: Pace;
  /** How long a claim of the lease lasts without renewal, in milliseconds; 120 000 when not given. */
  readonly leaseMillis?: number;
  readonly policy?: Partial<Omit<Policy, "owner" | "hold">>;
  readonly onEvent?: (event: Event) => Effect.Effect<void>;
}

export interface RunReport {
  readonly head: string;
  readonly verification: Verification;
  readonly report: ReconcileReport;
  /** Nothing when there was nothing to say, or when it could not be said. */
  readonly published: PublishedRun | null;
  /** Why it could not be said in git; the store remembers it, and the next run says it. */
  readonly unpublished: GitError | StoreError | LeaseError | null;
}

export type RunError = GitError | StoreError | LeaseError | ConfigurationError;

/** Acts once on the head of the watched branch. */
export const runOnce = (options: RunOptions): Effect.Effect<RunReport, RunError, Git | Store> =>
  Effect.scoped(scopedRun(options));

const scopedRun = Effect.fn("run")(function* (
  options: RunOptions,
): Effect.fn.Return<RunReport, RunError, Git | Store | Scope.Scope> {
  const store = yield* Store;
  yield* openCache(options.cache);
  const sighting = yield* fetchBranch(options);
  const records = yield* store.load(options.owner);
  const acted = lastActed(options, records);
  const verification = yield* verifySource({
    cache: options.cache,
    head: sighting.head,
    // Who accepted this very head begins anew with it; its own signature is still checked.
    lastActed: isAccepted(records, sighting.head) ? null : (acted?.commit ?? null),
    signers: options.signers,
  });
  const news = isHeld(verification) ? null : headNews(options, acted, sighting.head);
  const { sources, faults } = yield* readSources(options, sighting);
  const published = yield* publishedBefore(options, sighting);
  const { lease, held } = yield* watchedLease(options);
  const report = hasErrors(faults)
    ? { ...nothingDone, diagnostics: faults }
    : yield* turn({ options, sighting, verification, sources, published, news }).pipe(
        Effect.provideService(Lease, lease),
      );
  const run = { head: sighting.head, verification, report, published: null, unpublished: null };
  if (hasErrors(report.diagnostics)) return run;
  // A turn that had nothing to write left the head to us.
  if (report.lease === null && news !== null) {
    yield* store.commit({ owner: options.owner, ...news });
  }
  return yield* publishRun({ options, sighting, report, lease, held }).pipe(
    Effect.map((said): RunReport => ({ ...run, published: said })),
    Effect.catchIf(
      (error) => error._tag !== "LeaseError" || error.reason !== "Taken",
      (unpublished) => Effect.succeed({ ...run, unpublished }),
    ),
  );
});

interface TurnInput {
  readonly options: RunOptions;
  readonly sighting: Sighting;
  readonly verification: Verification;
  readonly sources: ReadonlyArray<SourceText>;
  readonly published: Published | null;
  /** That this head is acted on, when the store does not know it. */
  readonly news: Write | null;
}

const turn = Effect.fnUntraced(function* ({
  options,
  sighting,
  verification,
  sources,
  published,
  news,
}: TurnInput): Effect.fn.Return<ReconcileReport, RunError, Store | Lease | Scope.Scope> {
  const { id: chain } = yield* Store;
  const { kinds, handlers } = yield* openRegistry(options.plugins);
  const before = published?.audit ?? null;
  return yield* reconcileOnce({
    kinds,
    handlers,
    sources,
    mode: "apply",
    policy: { ...defaultPolicy(options.owner), ...options.policy, hold: holdOf(verification) },
    pace: options.pace,
    mandate: {
      owner: options.owner,
      run: options.run,
      actor: { verified: verification.signer, claimed: options.holder },
      approval: { mode: "document", by: verification.signer, digest: null },
      revision: sighting.head,
    },
    source: verification,
    ...(before === null || before.chain === chain
      ? {}
      : { follows: { chain: before.chain, head: formatHead(before) } }),
    ...(news === null ? {} : { first: news }),
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
  });
});

/** Rewritten or not vouched for: it may be planned, and nothing more. */
const isHeld = (verification: Verification): boolean =>
  verification.rewritten || verification.status === "False";

const holdOf = (verification: Verification): Refusal | null =>
  isHeld(verification)
    ? {
        reason: { code: verification.reason, text: verification.message },
        remedy: verification.remedy ?? "have the head signed by someone who is allowed to",
      }
    : null;

const readSources = Effect.fnUntraced(function* (
  options: RunOptions,
  sighting: Sighting,
): Effect.fn.Return<
  { readonly sources: ReadonlyArray<SourceText>; readonly faults: ReadonlyArray<Diagnostic> },
  GitError,
  Git
> {
  const { files, skipped } = yield* readBlobs({
    cache: options.cache,
    commit: sighting.head,
    path: options.path,
    isDocument: isDocumentFile,
  });
  return {
    sources: files.map(({ path, text }) => ({ file: path, text })),
    faults: skipped.map(skippedFault),
  };
});

/** A document that cannot be read is a fault: passing over it would make it vanish. */
const skippedFault = (entry: SkippedEntry): Diagnostic => ({
  file: entry.path,
  line: 1,
  column: 1,
  severity: "error",
  summary: entry.message,
  hint: "documents are plain files of UTF-8 text; move it away or replace it by one",
});

const lastActed = (
  options: RunOptions,
  records: ReadonlyArray<StoreRecord>,
): HeadRecord | undefined =>
  records.find(
    (record): record is HeadRecord => record._tag === "Head" && record.branch === options.branch,
  );

const isAccepted = (records: ReadonlyArray<StoreRecord>, head: string): boolean =>
  records.some((record) => record._tag === "Approval" && record.digest === head);

/**
 * The head is remembered before anything is done in its name: a rewritten history must show even
 * when the run that acted on it could not say so in git. Consent to a head is used up by that.
 */
const headNews = (
  { branch }: RunOptions,
  acted: HeadRecord | undefined,
  commit: string,
): Write | null =>
  acted?.commit === commit
    ? null
    : { puts: [{ _tag: "Head", branch, commit }], deletes: [`Approval/${commit}`] };

const publishedBefore = (
  options: RunOptions,
  sighting: Sighting,
): Effect.Effect<Published | null, GitError, Git> =>
  sighting.status === null
    ? Effect.succeed(null)
    : readPublished({ cache: options.cache, commit: sighting.status });

/** The lease in git, and whether it is held: its release rides along with the status. */
const watchedLease = Effect.fnUntraced(function* (
  options: RunOptions,
): Effect.fn.Return<WatchedLease, GitError, Git | Store> {
  const store = yield* Store;
  const { leaseMillis } = options;
  const lease = yield* makeGitLease({
    ...options,
    ...(leaseMillis === undefined
      ? {}
      : { timeToLive: leaseMillis, margin: Math.floor(leaseMillis / 4) }),
  });
  let held: HeldGitLease | null = null;
  return {
    lease: {
      look: lease.look,
      claim: (sighting) =>
        Effect.map(lease.claim(sighting), (claimed) => {
          held = fencedBy(claimed, store);
          return held;
        }),
    },
    held: () => held,
  };
});

/** The fence is in git: a run that slept past its lease must not write to the store either. */
const fencedBy = (held: HeldGitLease, store: StoreShape): HeldGitLease =>
  Object.assign(Object.create(held) as HeldGitLease, {
    commit: (batch: Batch) =>
      held.check.pipe(
        Effect.mapError(
          ({ message }) => new StoreError({ reason: "Fenced", place: store.place, message }),
        ),
        Effect.andThen(store.commit(batch)),
      ),
  });

interface WatchedLease {
  readonly lease: Effect.Success<ReturnType<typeof makeGitLease>>;
  readonly held: () => HeldGitLease | null;
}
