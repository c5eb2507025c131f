// Runs real OpenSSH servers on loopback ports, each with keys and a log of its own, ended with the scope.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { temporaryFolder } from "./folder.ts";
import { makeKeyPair, programPath } from "./keys.ts";

export interface Sshd {
  readonly folder: string;
  readonly port: number;
  /** Type and key of each host key, as a line of known hosts goes on after the name. */
  readonly hostKeys: Readonly<Record<string, string>>;
  /** What it has told so far. */
  readonly log: () => string;
  /** Ends when the log has this. */
  readonly logged: (text: RegExp) => Effect.Effect<void>;
}

export const sshdPath = programPath("sshd");

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

export interface SshdOptions {
  readonly authorized: ReadonlyArray<string>;
  readonly hostKeyTypes?: ReadonlyArray<string>;
  readonly settings?: ReadonlyArray<string>;
}

const settingsOf = (folder: string, port: number, options: SshdOptions): string =>
  [
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    ...(options.hostKeyTypes ?? ["ed25519"]).map((type) => `HostKey ${folder}/host-${type}`),
    `PidFile ${folder}/pid`,
    `AuthorizedKeysFile ${folder}/authorized`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin prohibit-password",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "PrintMotd no",
    "LogLevel VERBOSE",
    ...(options.settings ?? []),
    "",
  ].join("\n");

export const startSshd = (options: SshdOptions): Effect.Effect<Sshd, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder;
    const port = yield* freePort;
    const hostKeys = Object.fromEntries(
      (options.hostKeyTypes ?? ["ed25519"]).map((type) => {
        const line = makeKeyPair(join(folder, `host-${type}`), "", type);
        return [type, line.split(" ").slice(0, 2).join(" ")];
      }),
    );
    writeFileSync(join(folder, "authorized"), `${options.authorized.join("\n")}\n`);
    writeFileSync(join(folder, "sshd_config"), settingsOf(folder, port, options));
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true, mode: 0o755 });
    const running = yield* Effect.acquireRelease(
      Effect.promise(() => listening(folder)),
      ({ child }) => Effect.promise(() => stopped(child)),
    );
    return { folder, port, hostKeys, log: running.log, logged: running.logged };
  });

const listening = (folder: string) =>
  new Promise<{ child: ChildProcess } & Pick<Sshd, "log" | "logged">>((resolve, reject) => {
    const child = spawn(sshdPath!, ["-D", "-e", "-f", join(folder, "sshd_config")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    const waiting = new Set<() => void>();
    const log = (): string => said;
    const logged = (text: RegExp): Effect.Effect<void> =>
      Effect.callback<void>((resume) => {
        const look = (): void => {
          if (!text.test(said)) return;
          waiting.delete(look);
          resume(Effect.void);
        };
        waiting.add(look);
        look();
      });
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString("utf8");
      if (said.includes("Server listening on")) resolve({ child, log, logged });
      for (const look of waiting) look();
    });
    child.once("error", reject);
    child.once("close", () => reject(new Error(`sshd ended: ${said}`)));
  });

const stopped = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("close", () => resolve());
    child.kill("SIGTERM");
  });

/** Who runs the tests, and so who logs in. */
export const me = userInfo().username;
