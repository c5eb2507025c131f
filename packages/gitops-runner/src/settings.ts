// Decides the fixed arguments and the environment of every git process, whatever the machine is set to.

import { delimiter } from "node:path";

/** How a git process may reach out of the machine: by one protocol, or not at all. */
export type Reach = "local" | "file" | "https" | "ssh";

const settings: ReadonlyArray<readonly [string, string]> = [
  ["protocol.allow", "never"],
  ["protocol.version", "2"],
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.quotePath", "false"],
  ["core.sshCommand", "false"],
  // Larger blobs are checked in pieces, so that none fills the memory.
  ["core.bigFileThreshold", "16m"],
  ["core.logAllRefUpdates", "false"],
  ["credential.helper", ""],
  ["fetch.recurseSubmodules", "false"],
  ["push.recurseSubmodules", "no"],
  ["submodule.recurse", "false"],
  ["fetch.fsckObjects", "true"],
  ["receive.fsckObjects", "true"],
  ["transfer.fsckObjects", "true"],
  ["fetch.writeCommitGraph", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["push.gpgSign", "false"],
  ["commit.gpgSign", "false"],
  ["gpg.program", "false"],
  ["gpg.x509.program", "false"],
  ["log.showSignature", "false"],
  ["http.sslVerify", "true"],
  // A redirect would hand the token to whoever it names.
  ["http.followRedirects", "false"],
  ["http.lowSpeedLimit", "1"],
  ["http.lowSpeedTime", "30"],
];

/** The arguments that come before every subcommand. */
export const fixedArguments = (caFile: string | undefined, reach: Reach): ReadonlyArray<string> => [
  "--no-pager",
  "--literal-pathspecs",
  ...settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ...(reach === "local" ? [] : ["-c", `protocol.${reach}.allow=always`]),
  ...(caFile === undefined ? [] : ["-c", `http.sslCAInfo=${caFile}`]),
];

/** What is taken over from the machine: how to find programs and the way out, nothing of git. */
const inherited = [
  "PATH",
  "TMPDIR",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "all_proxy",
  "HTTPS_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
];

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Credentials {
  readonly username: string;
  readonly token: string;
}

/** `MUSTER_GIT_TOKEN` and `MUSTER_GIT_USERNAME` (default `x-access-token`); nothing without a token. */
export const credentialsOf = (given: Environment): Credentials | null => {
  const token = given["MUSTER_GIT_TOKEN"];
  if (token === undefined || token === "") return null;
  return { token, username: given["MUSTER_GIT_USERNAME"] || "x-access-token" };
};

/**
 * The whole environment of a git process. Credentials only go to the processes that speak to an
 * https remote: hooks of a file remote run with the environment of our push.
 */
export const environmentOf = (options: {
  readonly given: Environment;
  readonly folder: string;
  readonly home: string;
  readonly askpass: { readonly path: string; readonly credentials: Credentials } | null;
  /** The command that git starts for an ssh remote; only for the processes that speak to one. */
  readonly sshCommand?: string;
}): Record<string, string> => {
  const environment: Record<string, string> = {
    HOME: options.home,
    XDG_CONFIG_HOME: options.home,
    GNUPGHOME: options.home,
    LC_ALL: "C",
    TZ: "UTC",
    GIT_DIR: options.folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_GRAFT_FILE: "/dev/null",
    GIT_NO_LAZY_FETCH: "1",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_TERMINAL_PROMPT: "0",
  };
  for (const name of inherited) {
    const value = options.given[name];
    if (value !== undefined) environment[name] = value;
  }
  if (options.askpass !== null) {
    environment["GIT_ASKPASS"] = options.askpass.path;
    environment["MUSTER_GIT_TOKEN"] = options.askpass.credentials.token;
    environment["MUSTER_GIT_USERNAME"] = options.askpass.credentials.username;
  }
  if (options.sshCommand !== undefined) {
    environment["GIT_SSH_COMMAND"] = options.sshCommand;
    environment["GIT_SSH_VARIANT"] = "ssh";
    const agent = options.given["SSH_AUTH_SOCK"];
    if (agent !== undefined) environment["SSH_AUTH_SOCK"] = agent;
  }
  return environment;
};

/** Answers git's two questions from the environment, so that no argument ever holds the token. */
export const askpassScript = `#!/bin/sh
case "$1" in
  Username*) printf '%s\\n' "$MUSTER_GIT_USERNAME" ;;
  *) printf '%s\\n' "$MUSTER_GIT_TOKEN" ;;
esac
`;

/** The folders where programs are looked for. */
export const searchPath = (given: Environment): ReadonlyArray<string> =>
  (given["PATH"] ?? "").split(delimiter).filter((folder) => folder.startsWith("/"));
