// What the git half of the runner offers to the loop around it.

export { buildAuditUpdate } from "./audit.ts";
export {
  readBlobs,
  sourceLimits,
  type BlobLimits,
  type SkippedEntry,
  type SourceEmptied,
  type SourceFile,
  type SourceFiles,
} from "./blobs.ts";
export { openCache, tidyCache } from "./cache.ts";
export type { Origin } from "./complete.ts";
export { GitError, outcomeUnknown, retryOf } from "./error.ts";
export {
  type ExamineCheck,
  examineRepository,
  type ExamineRequest,
  type Finding,
} from "./examine.ts";
export { fetchBranch, type FetchRequest, type Sighting } from "./fetch.ts";
export { Git, type GitOptions } from "./git.ts";
export { makeGitLease, type GitLeaseShape, type HeldGitLease } from "./lease.ts";
export { push } from "./publish.ts";
export { readPublished, type Published } from "./published.ts";
export type { RefUpdate } from "./refs.ts";
export { buildStatusUpdate, type StatusTrailers } from "./status.ts";
export { commitSpan, noteHead, pipelineName, tracedRun } from "./trace.ts";
export { checkEnvironment, ownerOf, resolveRepository, type Repository } from "./url.ts";
export { verifySource, type Signers, type Verification } from "./verify.ts";
export type { PublishedRun } from "./publish-run.ts";
export type { LoopEvent, LoopState } from "./loop-event.ts";
export { type LoopOptions, type LoopSignals, runLoop } from "./loop.ts";
export { runOnce, type RunError, type RunOptions, type RunReport } from "./run.ts";
export { examineSigners } from "./examine-signers.ts";
export { examineGitClock } from "./host-time.ts";
export { type GitLeaseLook, lookAtLease, stealLease } from "./steal.ts";
