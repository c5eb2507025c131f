// The one error of git: a reason that the runner can act on, and a remedy that a person can.

import * as Schema from "effect/Schema";

/**
 * - `Unreachable`: the remote gave no answer; after a push the outcome is unknown
 * - `TimedOut`: stopped after its time; after a push the outcome is unknown
 * - `HostKeyUnknown`: nobody vouched for the key of the ssh server
 * - `HostKeyChanged`: the ssh server shows another key than the one vouched for
 * - `Denied`: the remote refused us or what we asked; a person must act
 * - `RepositoryMissing`: there is no git repository at the address, or none that we may see
 * - `RepositoryEmpty`: it has no branch yet
 * - `BranchMissing`: it has others, but not the watched one
 * - `NotFound`: no such path or object
 * - `Rejected`: a ref is not where we saw it; look again and build anew
 * - `Corrupt`: objects fail git's checks, or content is not what muster writes
 * - `TooLarge`: above a limit of muster
 * - `NoAtomicPush`: the remote cannot move several branches together or not at all
 * - `Unsupported`: the remote or this machine lacks something else that muster needs
 * - `Invalid`: what the caller asked can never work
 */
export const GitReason = Schema.Literals([
  "Unreachable",
  "TimedOut",
  "HostKeyUnknown",
  "HostKeyChanged",
  "Denied",
  "RepositoryMissing",
  "RepositoryEmpty",
  "BranchMissing",
  "NotFound",
  "Rejected",
  "Corrupt",
  "TooLarge",
  "NoAtomicPush",
  "Unsupported",
  "Invalid",
]);
export type GitReason = typeof GitReason.Type;

export class GitError extends Schema.TaggedError<GitError>()("GitError", {
  reason: GitReason,
  /** What was being done, such as `fetch`. */
  operation: Schema.String,
  /** Escaped, and free of secrets. */
  message: Schema.String,
  /** What a person can do about it. */
  remedy: Schema.optionalKey(Schema.String),
  /** On `Rejected`: the refs that have moved since they were seen. */
  refs: Schema.optionalKey(Schema.Array(Schema.String)),
}) {}

/** True when a push that failed so may have arrived all the same. */
export const outcomeUnknown = (error: GitError): boolean =>
  error.reason === "Unreachable" || error.reason === "TimedOut";

/**
 * When the same request may be tried again: `soon` where time heals it, `later` where a person or
 * the remote must change something first, `never` where trying again is wrong or without hope.
 */
export const retryOf = (error: GitError): "soon" | "later" | "never" => {
  switch (error.reason) {
    case "Unreachable":
    case "TimedOut":
    case "Rejected":
      return "soon";
    case "HostKeyChanged":
    case "Invalid":
      return "never";
    default:
      return "later";
  }
};

/** A request that can never work; nothing was run. */
export const invalid = (operation: string, message: string, remedy: string): GitError =>
  new GitError({ reason: "Invalid", operation, message, remedy });
