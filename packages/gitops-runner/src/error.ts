// The one error of git: a reason that the runner can act on, and a remedy that a person can.

import * as Schema from "effect/Schema";

/**
 * - `Unreachable`: the remote gave no answer; after a push the outcome is unknown
 * - `Denied`: the remote refused us or what we asked; a person must act
 * - `NotFound`: no such repository, branch, path or object
 * - `Rejected`: a ref is not where we saw it; look again and build anew
 * - `Corrupt`: objects fail git's checks, or content is not what muster writes
 * - `TooLarge`: above a limit of muster
 * - `Unsupported`: the remote or this machine lacks something that muster needs
 * - `Invalid`: what the caller asked can never work
 * - `TimedOut`: stopped after its time; after a push the outcome is unknown
 */
export const GitReason = Schema.Literals([
  "Unreachable",
  "Denied",
  "NotFound",
  "Rejected",
  "Corrupt",
  "TooLarge",
  "Unsupported",
  "Invalid",
  "TimedOut",
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

/** A request that can never work; nothing was run. */
export const invalid = (operation: string, message: string, remedy: string): GitError =>
  new GitError({ reason: "Invalid", operation, message, remedy });
