// Runs a real OpenSSH server on a loopback port, with keys of its own, and stops it with the scope.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { userInfo } from "node:os";
import { delimiter, join } from "node:path";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";

export interface SshServer {
  /** Where keys lie. */
  readonly folder: string;
  readonly port: number;
  /** A private key that the server lets in. */
  readonly key: string;
  /** A file that vouches for the server. */
  readonly knownHosts: string;
  readonly user: string;
}

/** sshd wants to be started by its full path, and lies where only root looks for programs. */
const sshdPath = (): string | undefined =>
  [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]
    .map((folder) => join(folder, "sshd"))
    .find((path) => existsSync(path));

/** Whether there is a server to test with; on CI its absence is a failure, elsewhere it is said loudly. */
export const sshdPresent = (): boolean => {
  if (sshdPath() !== undefined) return true;
  if (process.env["CI"]) throw new Error("sshd must be installed on CI");
  console.warn("SKIPPED: sshd is not installed, so the tests of ssh remotes cannot run");
  return false;
};

export const makeKey = (path: string): string => {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path]);
  return readFileSync(`${path}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
};

/** A port of the loopback that nobody listens on now. */
export const freePort: Effect.Effect<number> = Effect.promise(
  () =>
    new Promise<number>((resolve) => {
      const probe = createServer();
      probe.listen(0, "127.0.0.1", () => {
        const { port } = probe.address() as AddressInfo;
        probe.close(() => resolve(port));
      });
    }),
);

const settingsOf = (folder: string, port: number): string =>
  [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${folder}/host`,
    `PidFile ${folder}/pid`,
    `AuthorizedKeysFile ${folder}/authorized`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "AcceptEnv GIT_PROTOCOL",
    "PrintMotd no",
    "",
  ].join("\n");

/** Lets one key in; git on the server sees no settings of the machine. */
export const startSshServer = (folder: string): Effect.Effect<SshServer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const port = yield* freePort;
    const [host, client] = [makeKey(join(folder, "host")), makeKey(join(folder, "client"))];
    writeFileSync(join(folder, "authorized"), `${client}\n`);
    writeFileSync(join(folder, "known_hosts"), `[127.0.0.1]:${port} ${host}\n`);
    writeFileSync(join(folder, "sshd_config"), settingsOf(folder, port));
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    yield* Effect.acquireRelease(
      Effect.promise(() => listening(folder)),
      (child) => Effect.promise(() => stopped(child)),
    );
    return {
      folder,
      port,
      key: join(folder, "client"),
      knownHosts: join(folder, "known_hosts"),
      user: userInfo().username,
    };
  });

const listening = (folder: string): Promise<ReturnType<typeof spawn>> =>
  new Promise((resolve, reject) => {
    const child = spawn(sshdPath()!, ["-D", "-e", "-f", join(folder, "sshd_config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.includes("Server listening on")) resolve(child);
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`sshd ended: ${said}`)));
  });

const stopped = (child: ReturnType<typeof spawn>): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("close", () => resolve());
    child.kill("SIGTERM");
  });
