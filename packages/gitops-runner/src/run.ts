// One run of the runner: git in, one turn of the loop, status out.
//
// fetch → verify → read … report (core) → one atomic push of status, audit and the lease's release.
// The watched branch is never written. A run that finds nothing to do pushes nothing.

import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Event } from "@muster/core/apply/outcome";
import type { Pace } from "@muster/core/apply/retry";
import { Lease, type LeaseError } from "@muster/core/lease/lease";
import type { TurnInput } from "@muster/core/loop/input";
import { openRegistry, type ConfigurationError, type Registry } from "@muster/core/loop/registry";
import { nothingDone, reconcileOnce, type ReconcileReport } from "@muster/core/reconcileOnce";
import { encodeStatus } from "@muster/core/report/status";
import { Store, type StoreError } from "@muster/core/store/store";
import { formatHead } from "@muster/core/words/audit";
import { hasErrors } from "@muster/core/words/diagnostic";
import type { Plugin } from "@muster/core/words/kind";
import { defaultPolicy, type Policy } from "@muster/core/words/policy";
import type { DocumentStatus } from "@muster/core/words/status";
import type { GitError } from "./error.ts";
import type { Git } from "./git.ts";
import { publishRun, type PublishedRun, type SaidStatus } from "./publish-run.ts";
import { holdOf, makeSourceReader, type Source, type SourceOptions } from "./source.ts";
import { currentTrace, noteHead, tracedRun } from "./trace.ts";
import type { Verification } from "./verify.ts";
import { makeWatchedLease } from "./watched-lease.ts";

export interface RunOptions extends SourceOptions {
  /** Whose members these are: `ownerOf(repository, environment)` unless the operator says otherwise. */
  readonly owner: string;
  readonly plugins: ReadonlyArray<Plugin>;
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
  Effect.scoped(scopedRun(options)).pipe(tracedRun(options));

const scopedRun = Effect.fnUntraced(function* (
  options: RunOptions,
): Effect.fn.Return<RunReport, RunError, Git | Store | Scope.Scope> {
  const store = yield* Store;
  const source = yield* makeSourceReader(options).read;
  const { sighting, verification, news } = source;
  yield* noteHead(options, sighting.head);
  const { lease, held } = yield* makeWatchedLease(options);
  const report = hasErrors(source.faults)
    ? { ...nothingDone, diagnostics: source.faults }
    : yield* turn(options, source).pipe(Effect.provideService(Lease, lease));
  const run = { head: sighting.head, verification, report, published: null, unpublished: null };
  if (hasErrors(report.diagnostics)) return run;
  // A turn that had nothing to write left the head to us.
  if (report.lease === null && news !== null) {
    yield* store.commit({ owner: options.owner, ...news });
  }
  const said = {
    documents: report.documents,
    statuses: report.statuses.map(saidStatus),
    plans: report.plans.map(({ digest }) => digest),
  };
  return yield* publishRun({
    options,
    sighting,
    said,
    lease,
    held: held(),
    move: "Release",
    quiet: report.lease === null,
  }).pipe(
    Effect.map((published): RunReport => ({ ...run, published })),
    Effect.catchIf(
      (error) => error._tag !== "LeaseError" || error.reason !== "Taken",
      (unpublished) => Effect.succeed({ ...run, unpublished }),
    ),
  );
});

const saidStatus = (status: DocumentStatus): SaidStatus => ({
  document: { kind: status.kind.replace(/Status$/u, ""), name: status.metadata.name },
  json: encodeStatus(status),
});

const turn = Effect.fnUntraced(function* (
  options: RunOptions,
  source: Source,
): Effect.fn.Return<ReconcileReport, RunError, Store | Lease | Scope.Scope> {
  const store = yield* Store;
  const registry = yield* openRegistry(options.plugins);
  return yield* reconcileOnce({
    ...turnInput({ options, source, registry, chain: store.id, run: options.run }),
    ...(yield* currentTrace),
    sources: source.texts,
    mode: "apply",
  });
});

/** What a turn on this source is given: acting in the name of its head, held where it is not trusted. */
export const turnInput = ({
  options,
  source,
  registry,
  chain,
  run,
}: {
  readonly options: RunOptions;
  readonly source: Source;
  readonly registry: Registry;
  /** The audit chain of the store. */
  readonly chain: string;
  readonly run: string;
}): TurnInput => {
  const { verification, published, news } = source;
  const before = published?.audit ?? null;
  return {
    kinds: registry.kinds,
    handlers: registry.handlers,
    policy: {
      ...defaultPolicy(options.owner),
      quarantine: true,
      ...options.policy,
      hold: holdOf(verification),
    },
    pace: options.pace,
    mandate: {
      owner: options.owner,
      run,
      actor: { verified: verification.signer, claimed: options.holder },
      approval: { mode: "document", by: verification.signer, digest: null },
      revision: source.sighting.head,
    },
    source: verification,
    ...(before === null || before.chain === chain
      ? {}
      : { follows: { chain: before.chain, head: formatHead(before) } }),
    ...(news === null ? {} : { first: news }),
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
  };
};
