// Runs hosts whose SSH server is OpenSSH's own, each in namespaces of its own on this machine.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { failureOf } from "./child.ts";
import { startFleet } from "./fleet.ts";
import { HostFleetError, type HostFleet, type HostFleetOptions } from "./host-fleet.ts";
import type { HostPeer } from "./host-server.ts";
import { startRealServer } from "./real-server.ts";

/**
 * Starts real hosts. Fails at once, with the reason, where they are not to be had.
 *
 * Their commands run as root. What a host writes stays its own, the machine's files can only be
 * read, and power is out of reach; devices and the network are the machine's. So they are for
 * commands that one would run on a machine of one's own, not for hostile ones.
 */
export const startRealHosts = (
  options: HostFleetOptions,
): Effect.Effect<HostFleet, HostFleetError, Scope.Scope> =>
  Effect.suspend(() => {
    const missing = realHostsMissing();
    return missing === undefined
      ? startFleet(realPeer(programIn("sshd")!), options)
      : Effect.fail(missing);
  });

/** Why there can be no real hosts on this machine; nothing when there can. */
export const realHostsMissing = (): HostFleetError | undefined => {
  if (process.platform !== "linux") {
    return missing(
      "system",
      `there are no namespaces on ${process.platform}`,
      "use emulated hosts",
    );
  }
  if (process.getuid?.() !== 0) {
    return missing("root", "only root may make them", "start it as root, or use emulated hosts");
  }
  const lacks = programs.filter((name) => programIn(name) === undefined);
  if (lacks.length > 0) {
    return missing(
      "tools",
      `not installed: ${lacks.join(", ")}`,
      "install openssh-server and util-linux",
    );
  }
  const refusal = failureOf("unshare", ["--mount", "--uts", "--pid", "--ipc", "--fork", "true"]);
  if (refusal !== undefined) {
    return missing("namespaces", `the system refuses namespaces: ${refusal}`, "use emulated hosts");
  }
  return undefined;
};

const programs = ["sshd", "ssh-keygen", "unshare", "nsenter", "setpriv", "mount", "sleep", "cat"];

const missing = (reason: HostFleetError["reason"], why: string, remedy: string): HostFleetError =>
  new HostFleetError({ reason, message: `There can be no real hosts here: ${why}`, remedy });

/** sshd wants to be called by its full path, and lies where only root looks. */
const programIn = (name: string): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, name))
    .find(isProgram);

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const realPeer = (sshd: string): HostPeer => ({
  name: "real",
  most: 500,
  user: "root",
  untouched: true,
  ownAddresses: true,
  start: (site, wish) => startRealServer(sshd, site, wish),
});
