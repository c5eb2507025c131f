// Decides the names of refs: muster's three branches on the remote, and where the copy keeps them.

import * as Effect from "effect/Effect";
import { type GitError, invalid } from "./error.ts";
import { quoteOutside } from "./redact.ts";

/** The three branches that muster writes. */
export type MusterBranch = "status" | "lease" | "audit";
export const musterBranches: ReadonlyArray<MusterBranch> = ["status", "lease", "audit"];

/** A move of one ref of the remote, from exactly where it was seen. */
export interface RefUpdate {
  readonly ref: string;
  readonly to: string;
  /** Nothing when the ref must not exist yet. */
  readonly expected: string | null;
}

/** A branch of muster on the remote. */
export const remoteRef = (branch: MusterBranch, environment: string): string =>
  `refs/heads/muster/${branch}/${environment}`;

/** Where the copy keeps a branch of muster. */
export const copyRef = (branch: MusterBranch, environment: string): string =>
  `refs/muster/${branch}/${environment}`;

/** Where the copy keeps the watched branch; flat, so that `a` and `a/b` can follow each other. */
export const sourceRef = (branch: string): string =>
  `refs/muster/source/${branch.replaceAll("%", "%25").replaceAll("/", "%2F")}`;

/** True only for the refs that muster may ever write to. */
export const isMusterRef = (ref: string): boolean =>
  /^refs\/heads\/muster\/(?:status|lease|audit)\/[a-z0-9-]{1,40}$/.test(ref);

/** Where the copy keeps a ref that `isMusterRef`. */
export const copyOfRemote = (ref: string): string => ref.replace(/^refs\/heads\//, "refs/");

/** A full object id of a SHA-1 repository. */
export const isObjectId = (text: string): boolean => /^[0-9a-f]{40}$/.test(text);

/** The object id that git uses for "nothing". */
export const zeroId = "0".repeat(40);

/** What is wrong with a branch name, or nothing; git's own rules and a little more. Pure. */
export const branchFault = (name: string): string | undefined => {
  if (name === "" || name.length > 200) return "must have 1 to 200 characters";
  if (name.startsWith("-")) return "must not begin with -";
  if (name.startsWith("muster/")) return "must not begin with muster/, which muster itself writes";
  if (name.startsWith("refs/")) return "must be given without refs/heads/";
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(name)) return "holds a character that git refuses";
  if (/\.\.|@\{|\/\/|\.$|^\/|\/$/.test(name) || name === "@") return "is not a branch name for git";
  const parts = name.split("/");
  if (parts.some((part) => part.startsWith(".") || part.endsWith(".lock"))) {
    return "is not a branch name for git";
  }
  return undefined;
};

/** Fails with `Invalid` unless the name can be a watched branch. */
export const checkBranch = (name: string): Effect.Effect<string, GitError> => {
  const fault = branchFault(name);
  return fault === undefined
    ? Effect.succeed(name)
    : Effect.fail(
        invalid("branch", `the branch ${quoteOutside(name)} ${fault}`, "name another branch"),
      );
};
