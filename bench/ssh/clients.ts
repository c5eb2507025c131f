// Runs a client to its end and tells its time, its processor time with that of all its children, and how many hosts answered.

import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { usualPlaces, probeFrame, probeScript } from "@muster/provider-ssh/probe-script";

export interface Client {
  readonly name: string;
  readonly program: string;
  readonly args: ReadonlyArray<string>;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Run {
  readonly millis: number;
  /** User and system, in steps of 10 ms. */
  readonly cpuMillis: number;
  readonly stdout: string;
}

const marker = "0123456789abcdef".repeat(2);

/** What muster asks of a host, for clients that cannot hand over standard input: the same bytes. */
export const job = `exec sh -c '${probeScript}' <<'VALUES'\n${String(probeFrame(marker, usualPlaces))}VALUES\n`;

/** How many hosts gave a whole answer to the job. */
export const answersIn = (stdout: string): number => stdout.split(`${marker} end`).length - 1;

/** Prints on its fourth channel what its children took, and ends as they did. */
const timing = '"$@"; code=$?; times >&3; exit $code';

/** Rejects when it ends with another code than 0. */
export const run = ({ name, program, args, env }: Client): Promise<Run> =>
  new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn("sh", ["-c", timing, "sh", program, ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const said = { stdout: "", stderr: "", times: "" };
    child.stdout!.on("data", (data: Buffer) => (said.stdout += data.toString("latin1")));
    child.stderr!.on("data", (data: Buffer) => (said.stderr += data.toString("latin1")));
    child.stdio[3]!.on("data", (data: Buffer) => (said.times += data.toString("latin1")));
    child.once("error", reject);
    child.once("close", (code) => {
      const millis = performance.now() - began;
      if (code !== 0)
        reject(new Error(`${name} ended with ${code}: ${said.stderr.slice(0, 2_000)}`));
      else resolve({ millis, cpuMillis: childrenIn(said.times), stdout: said.stdout });
    });
  });

/** Of the second line of `times`: user and system of the children, as `1m2.34s`. */
const childrenIn = (times: string): number => {
  const [, children = ""] = times.trim().split("\n");
  return Array.from(
    children.matchAll(/(\d+)m([\d.]+)s/gu),
    ([, minutes, seconds]) => (Number(minutes) * 60 + Number(seconds)) * 1_000,
  ).reduce((sum, millis) => sum + millis, 0);
};

/** As the kernel counts in /proc. */
const millisOfTick = 10;

/** What processes have taken that are nobody's children any more and have this in their command line. */
export const cpuOfStrays = (mark: string): number => {
  let millis = 0;
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/u.test(name))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(mark)) continue;
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      millis += (Number(fields[11]) + Number(fields[12])) * millisOfTick;
    } catch {
      // It ended meanwhile.
    }
  }
  return millis;
};
