// Decides which repository addresses muster speaks to, and the one spelling of each.

import { realpath, stat } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { GitError, invalid } from "./error.ts";
import { quoteOutside } from "./redact.ts";

export interface Repository {
  readonly scheme: "file" | "https" | "ssh";
  /** What git is given. */
  readonly url: string;
  /** The one spelling: names the owner and the default store. */
  readonly normalised: string;
}

/** An address that passed every check that needs no disk. */
export type Address =
  | { readonly scheme: "https"; readonly url: URL }
  | { readonly scheme: "ssh"; readonly url: string; readonly normalised: string }
  | { readonly scheme: "file"; readonly path: string };

const allowed =
  "muster speaks https, ssh and file: give an https:// or ssh:// address, user@host:path, or an absolute path";

const refuse = (message: string, remedy = allowed): Result.Result<never, GitError> =>
  Result.fail(invalid("address", message, remedy));

/** Reads an address: `https://…`, `ssh://…`, `user@host:path`, `file:///…` or an absolute path. Pure. */
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
  if (scheme === "ssh") return parseSsh(text.slice("ssh://".length));
  if (scheme !== undefined) return refuse(`the scheme ${quoteOutside(scheme)} is not supported`);
  if (/^[a-z0-9+.-]+::/i.test(text))
    return refuse("remote helpers (name::address) are not supported");
  if (/^[^/]+:/.test(text)) return parseScp(text);
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

const userPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;
const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;
const literalPattern = /^\[[0-9A-Fa-f:.]{2,45}\]$/;
/** Nothing in it is an option, a shell word of its own, or a way up. */
const sshPathPattern = /^[A-Za-z0-9._~/+@=,-]{1,1000}$/;

interface SshParts {
  readonly user: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  /** From the root of the server with `/`, else from the user's home. */
  readonly path: string;
}

/** `[user@]host[:port]/path`, without the scheme. */
const parseSsh = (rest: string): Result.Result<Address, GitError> => {
  const found = /^(?:([^@/]*)@)?(\[[^\]/]*\]|[^:/@[\]]*)(?::([0-9]{1,5}))?(\/.*)$/.exec(rest);
  if (found === null) return refuse("the ssh address cannot be read", sshForms);
  const [, user, host = "", port, path = ""] = found;
  return sshAddress({
    user,
    host,
    port: port === undefined ? undefined : Number(port),
    path: path.startsWith("/~/") ? path.slice("/~/".length) : path,
  });
};

/** `[user@]host:path`, as scp takes it. */
const parseScp = (text: string): Result.Result<Address, GitError> => {
  const found = /^(?:([^@/:]*)@)?([^:/@]*):(.*)$/.exec(text);
  if (found === null) return refuse("the ssh address cannot be read", sshForms);
  const [, user, host = "", path = ""] = found;
  return sshAddress({ user, host, port: undefined, path: path.replace(/^~\//, "") });
};

const sshForms =
  "write ssh://user@host:port/path or user@host:path, of plain letters and digits and . _ ~ / + @ = , -";

const sshAddress = (parts: SshParts): Result.Result<Address, GitError> => {
  const { user, host, port, path } = parts;
  if (user?.includes(":") === true) {
    return refuse(
      "the repository address holds a password",
      "take it out of the address: muster shows an ssh server a key (--ssh-key, or an ssh-agent)",
    );
  }
  if (user !== undefined && !userPattern.test(user)) {
    return refuse("the user of the ssh address cannot be called so", sshForms);
  }
  if (!namePattern.test(host) && !literalPattern.test(host)) {
    return refuse("the host of the ssh address cannot be called so", sshForms);
  }
  if (port !== undefined && (port < 1 || port > 65_535)) {
    return refuse("the port of the ssh address is none", sshForms);
  }
  if (path === "" || path === "/") return refuse("the repository address names no repository");
  if (!sshPathPattern.test(path) || /^-|(?:^|\/)\.\.?(?:\/|$)/.test(path)) {
    return refuse("the path of the ssh address cannot be read", sshForms);
  }
  return Result.succeed(sshSpellings(parts));
};

/**
 * What git is given, and the one spelling. On forges `host:a/b` and `ssh://host/a/b` are the same
 * repository, so a path from the user's home has the spelling of one from the root.
 */
const sshSpellings = ({ user, host, port, path }: SshParts): Address => {
  const at = `${user === undefined ? "" : `${user}@`}${host}`;
  const door = port === undefined ? at : `${at}:${port}`;
  const usual = port === undefined || port === 22 ? at.toLowerCase() : door.toLowerCase();
  const clean = `/${path}`.replaceAll(/\/{2,}/g, "/").replace(/(?:\/|\.git)+$/, "");
  const keepUser = user === undefined ? usual : `${user}${usual.slice(user.length)}`;
  return {
    scheme: "ssh",
    url: homeOrRoot(at, door, path, port),
    normalised: `ssh://${keepUser}${clean}`,
  };
};

/** A path from the home needs the scp form, where the server's shell sees it as it stands. */
const homeOrRoot = (at: string, door: string, path: string, port: number | undefined): string => {
  if (path.startsWith("/")) return `ssh://${door}${path}`;
  return port === undefined ? `${at}:${path}` : `ssh://${door}/~/${path}`;
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
  Effect.flatMap(Effect.fromResult(parseAddress(text)), (address) => {
    if (address.scheme === "file") return resolveFolder(address.path);
    if (address.scheme === "ssh") return Effect.succeed(address);
    return Effect.succeed({
      scheme: "https",
      url: address.url.href,
      normalised: normaliseUrl(address.url),
    } as const);
  });

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
        reason: "RepositoryMissing",
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
