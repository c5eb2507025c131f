// Calls the real OpenSSH client as a person would: strict, with the configuration that a fleet wrote.

import { spawn, spawnSync } from "node:child_process";
import * as Effect from "effect/Effect";
import type { HostFleet } from "../../src/hosts/index.ts";

export interface SshEnd {
  /** Nothing when we ended the client. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SshCall {
  readonly options?: readonly string[];
  /** Standard input; nothing by default. */
  readonly input?: string;
  /** Standard input stays open: the client then tells of a cut as it reads it, not as it writes. */
  readonly keepsInput?: boolean;
  /** Lets the client tell each step on stderr. */
  readonly verbose?: boolean;
  /** Once the client has told this it is ended; a while later, for what should not follow. */
  readonly until?: RegExp;
  /** Another configuration than the fleet's. */
  readonly config?: string;
}

/** How long what should not follow has time to, in milliseconds. */
const patienceMs = 400;

/** As much output as a test wants to see of a host that never ends. */
const enough = 1024 * 1024;

export const ssh = (
  fleet: HostFleet,
  name: string,
  command: string,
  call: SshCall = {},
): Effect.Effect<SshEnd> =>
  Effect.callback((resume) => {
    const settings = (call.options ?? []).flatMap((option) => ["-o", option]);
    const verbose = call.verbose === true || call.until !== undefined ? ["-v"] : [];
    const child = spawn(
      "ssh",
      ["-F", call.config ?? fleet.sshConfig, ...verbose, ...settings, name, command],
      { stdio: ["pipe", "pipe", "pipe"] },
    );
    const said = { stdout: "", stderr: "" };
    const end = (): boolean => child.kill("SIGKILL");
    let ending: NodeJS.Timeout | undefined;
    const heard = (): void => {
      if (Math.max(said.stdout.length, said.stderr.length) > enough) end();
      if (call.until?.test(said.stderr + said.stdout) === true) {
        ending ??= setTimeout(end, patienceMs);
      }
    };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].setEncoding("utf8").on("data", (text: string) => {
        said[stream] += text;
        heard();
      });
    }
    child.stdin.on("error", () => undefined);
    if (call.keepsInput !== true) child.stdin.end(call.input ?? "");
    child.once("close", (code) => {
      clearTimeout(ending);
      resume(Effect.succeed({ code, ...said }));
    });
    return Effect.sync(end);
  });

/** Whether there is a client to test with; on CI its absence is a failure, elsewhere it is said loudly. */
export const sshPresent = (): boolean => {
  if (spawnSync("ssh", ["-V"]).error === undefined) return true;
  if (process.env["CI"]) throw new Error("ssh must be installed on CI");
  console.warn("SKIPPED: ssh is not installed, so the simulated hosts cannot be tried");
  return false;
};
