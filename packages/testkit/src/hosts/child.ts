// Starts the programs that simulated hosts are made of, hears them and ends them; no other file does.

import { spawn, spawnSync, type ChildProcess, type StdioOptions } from "node:child_process";

export type Child = ChildProcess;

export interface ChildOptions {
  /** Where it runs. Default: where this process does. */
  readonly folder?: string;
  /** Default: that of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Its descriptors from 0 on. */
  readonly stdio: StdioOptions;
}

export const startChild = (
  program: string,
  words: readonly string[],
  { folder, environment, stdio }: ChildOptions,
): Child =>
  spawn(program, words, {
    ...{ stdio },
    ...(folder === undefined ? {} : { cwd: folder }),
    ...(environment === undefined ? {} : { env: environment }),
  });

/** Ends when the child and all that holds its pipes are gone, or when it never was. */
export const goneOf = (child: Child): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });

/** Ends a child at once. */
export const endChild = async (child: Child): Promise<void> => {
  const gone = goneOf(child);
  child.kill("SIGKILL");
  await gone;
};

/** Calls for each whole line of a stream. */
export const eachLine = (
  stream: NodeJS.ReadableStream | null,
  each: (line: string) => void,
): void => {
  let rest = "";
  stream?.setEncoding("utf8");
  stream?.on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) each(line.trimEnd());
  });
};

/** Runs a program to its end; rejects with what it said on stderr when it fails. */
export const run = (program: string, words: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`${program}: ${errors.trim()}`));
    });
  });

/** Why a program fails, tried at once; nothing when it succeeds. */
export const failureOf = (program: string, words: readonly string[]): string | undefined => {
  const { status, stderr, error } = spawnSync(program, words);
  return status === 0 ? undefined : (error?.message ?? String(stderr).trim());
};
