// Runs `writer.ts` as a process of its own, and tells how it ended and what it was answered.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";

const writer = fileURLToPath(new URL("writer.ts", import.meta.url));

export interface Ended {
  readonly signal: string | null;
  readonly code: number | null;
  /** The numbers that the process printed. */
  readonly answered: ReadonlyArray<number>;
  readonly stderr: string;
}

export const runWriter = (...parameters: ReadonlyArray<string | number>): Effect.Effect<Ended> =>
  Effect.callback<Ended>((resume) => {
    const flags = ["--conditions=muster-source", writer, ...parameters.map(String)];
    const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "pipe"] });
    const [out, err]: [Array<Buffer>, Array<Buffer>] = [[], []];
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
    child.on("close", (code, signal) => {
      const lines = Buffer.concat(out).toString().split("\n").filter(Boolean);
      const stderr = Buffer.concat(err).toString();
      resume(Effect.succeed({ code, signal, answered: lines.map(Number), stderr }));
    });
    return Effect.sync(() => child.kill("SIGKILL"));
  });
