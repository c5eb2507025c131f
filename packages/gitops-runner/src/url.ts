// Decides which repository addresses muster speaks to, and the one spelling of each.

import { realpath, stat } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { GitError, invalid } from "./error.ts";
import { quoteOutside } from "./redact.ts";

export interface Repository {
  readonly scheme: "file" | "https";
  /** What git is given. */
  readonly url: string;
  /** The one spelling: names the owner and the default store. */
  readonly normalised: string;
}

/** An address that passed every check that needs no disk. */
export type Address =
  | { readonly scheme: "https"; readonly url: URL }
  | { readonly scheme: "file"; readonly path: string };

const allowed = "muster speaks file and https: give an https:// address or an absolute path";

const refuse = (message: string, remedy = allowed): Result.Result<never, GitError> =>
  Result.fail(invalid("address", message, remedy));

/** Reads an address: `https://…`, `file:///…` or an absolute path. Pure. */
export const parseAddress = (text: string): Result.Result<Address, GitError> => {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f]/.test(text) && !text.startsWith("/")) {
    return refuse("the repository address holds a space or a control character");
  }
  if (text.includes("\0") || text.includes("\n")) {
    return refuse("the repository address holds a control character");
  }
  if (text.startsWith("/")) return Result.succeed({ scheme: "file", path: text });
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "https") return parseHttps(text);
  if (scheme === "file") return parseFile(text);
  if (scheme !== undefined) return refuse(`the scheme ${quoteOutside(scheme)} is not supported`);
  if (/^[a-z0-9+.-]+::/i.test(text))
    return refuse("remote helpers (name::address) are not supported");
  if (/^[^/]+:/.test(text)) return refuse("ssh addresses (host:path) are not supported");
  return refuse("the repository address is a relative path", "give the absolute path");
};

const parseHttps = (text: string): Result.Result<Address, GitError> => {
  if (!URL.canParse(text)) return refuse("the repository address cannot be read");
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || /^https:\/\/[^/]*@/i.test(text)) {
    return refuse(
      "the repository address holds a user name or password",
      "take it out of the address and set MUSTER_GIT_TOKEN (and MUSTER_GIT_USERNAME) instead",
    );
  }
  if (url.search !== "" || url.hash !== "" || /[?#]/.test(text)) {
    return refuse("the repository address holds a query or a fragment");
  }
  if (url.pathname === "/") return refuse("the repository address names no repository");
  return Result.succeed({ scheme: "https", url });
};

const parseFile = (text: string): Result.Result<Address, GitError> => {
  if (!/^file:\/\/\//i.test(text)) return refuse("a file address must begin with file:///");
  if (/[?#]/.test(text) || !URL.canParse(text)) {
    return refuse("the repository address cannot be read");
  }
  const path = Result.try({
    try: () => fileURLToPath(text),
    catch: () => invalid("address", "the repository address cannot be read", allowed),
  });
  return Result.map(path, (found) => ({ scheme: "file", path: found }));
};

/** Lower-case scheme and host, no default port, no `.git` and no `/` at the end. Pure. */
export const normaliseUrl = (url: URL): string => {
  const path = url.pathname.replaceAll(/\/{2,}/g, "/").replace(/(?:\/|\.git)+$/, "");
  return `${url.protocol}//${url.host}${path}`;
};

/** Checks an address and finds its one spelling; a path is resolved on the disk. */
export const resolveRepository = (text: string): Effect.Effect<Repository, GitError> =>
  Effect.flatMap(Effect.fromResult(parseAddress(text)), (address) =>
    address.scheme === "https"
      ? Effect.succeed({
          scheme: "https",
          url: address.url.href,
          normalised: normaliseUrl(address.url),
        } as const)
      : resolveFolder(address.path),
  );

const resolveFolder = (path: string): Effect.Effect<Repository, GitError> =>
  Effect.tryPromise({
    try: async () => {
      const real = await realpath(path);
      if (!(await stat(real)).isDirectory()) throw new Error("not a folder");
      const url = pathToFileURL(real);
      return { scheme: "file", url: url.href, normalised: normaliseUrl(url) } as const;
    },
    catch: () =>
      new GitError({
        reason: "NotFound",
        operation: "address",
        message: `no repository folder at ${quoteOutside(path)}`,
        remedy: "check the path of the repository",
      }),
  });

/** What an environment may be called. */
export const environmentPattern = /^[a-z0-9-]{1,40}$/;

/** Fails with `Invalid` when an environment may not be called so. */
export const checkEnvironment = (environment: string): Effect.Effect<string, GitError> =>
  environmentPattern.test(environment)
    ? Effect.succeed(environment)
    : Effect.fail(
        invalid(
          "environment",
          `the environment ${quoteOutside(environment)} cannot be called so`,
          "use 1 to 40 of a-z, 0-9 and -",
        ),
      );

/** The owner mark of a runner: `<normalised address>#<environment>`. */
export const ownerOf = (repository: Repository, environment: string): string =>
  `${repository.normalised}#${environment}`;
