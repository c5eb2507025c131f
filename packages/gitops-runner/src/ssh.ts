// Decides how git's ssh is started: strict about the server's key, deaf to every ssh configuration.

import { join } from "node:path";
import * as Result from "effect/Result";
import { type GitError, invalid } from "./error.ts";
import { quoteOutside } from "./redact.ts";
import type { Environment } from "./settings.ts";

/** Seconds for the connection, and for a server that has fallen silent (three times). */
const connectSeconds = 15;
const aliveSeconds = 10;

const options = (knownHosts: string, key: string | undefined): ReadonlyArray<string> => [
  "BatchMode=yes",
  "StrictHostKeyChecking=yes",
  `UserKnownHostsFile=${knownHosts}`,
  "GlobalKnownHostsFile=/dev/null",
  "UpdateHostKeys=no",
  "VerifyHostKeyDNS=no",
  "CheckHostIP=no",
  "CanonicalizeHostname=no",
  "PreferredAuthentications=publickey",
  ...(key === undefined ? ["IdentityFile=none"] : [`IdentityFile=${key}`, "IdentitiesOnly=yes"]),
  "AddKeysToAgent=no",
  "ForwardAgent=no",
  "ForwardX11=no",
  "ClearAllForwardings=yes",
  "Tunnel=no",
  "ProxyCommand=none",
  "ProxyJump=none",
  "PermitLocalCommand=no",
  "ControlMaster=no",
  "ControlPath=none",
  "EscapeChar=none",
  "LogLevel=ERROR",
  `ConnectTimeout=${connectSeconds}`,
  "ConnectionAttempts=1",
  `ServerAliveInterval=${aliveSeconds}`,
  "ServerAliveCountMax=3",
];

/** The file of host keys: `MUSTER_GIT_SSH_KNOWN_HOSTS`, else the user's own. */
export const knownHostsOf = (given: Environment): string =>
  given["MUSTER_GIT_SSH_KNOWN_HOSTS"] || join(given["HOME"] || "/", ".ssh", "known_hosts");

/**
 * The shell words that git starts for an ssh remote. `MUSTER_GIT_SSH_KEY` names the private key;
 * without it an agent must have one (`SSH_AUTH_SOCK`). Fails with `Invalid` for a path that ssh
 * could read as anything else than a path. Pure.
 */
export const sshCommandOf = (given: Environment): Result.Result<string, GitError> =>
  Result.gen(function* () {
    const knownHosts = yield* plainPath("MUSTER_GIT_SSH_KNOWN_HOSTS", knownHostsOf(given));
    const named = given["MUSTER_GIT_SSH_KEY"] || undefined;
    const key = named === undefined ? undefined : yield* plainPath("MUSTER_GIT_SSH_KEY", named);
    const words = options(knownHosts, key).flatMap((option) => ["-o", option]);
    return ["ssh", "-F", "/dev/null", ...words].map((word) => `'${word}'`).join(" ");
  });

/** ssh splits at spaces and expands `%`, `~` and `$` in these, the shell ends words at quotes. */
const plainPath = (name: string, path: string): Result.Result<string, GitError> =>
  /^\/[A-Za-z0-9._/+@=,-]*$/.test(path) && path.length <= 1_000
    ? Result.succeed(path)
    : Result.fail(
        invalid(
          "ssh",
          `${name} is not a path that ssh takes as it is: ${quoteOutside(path)}`,
          "name an absolute path of letters, digits and . _ / + @ = , -",
        ),
      );
