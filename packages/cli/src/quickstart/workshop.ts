// Keeps the quickstart's own world: a folder, a process for the simulator, and commands that are really run.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { envText, quoteArgument } from "../env-file.ts";

/** A command ended with a code that was not expected. */
export class StepFailed extends Error {
  override readonly name = "StepFailed";
}

export interface Simulator {
  readonly endpoint: string;
  readonly configFile: string;
  readonly compartmentId: string;
  readonly imageId: string;
  readonly subnetId: string;
}

export interface Workshop {
  readonly folder: string;
  /** Runs muster itself, and shows the command and what it prints. */
  readonly muster: (args: ReadonlyArray<string>) => Promise<string>;
  /** Runs git quietly and answers what it prints. */
  readonly git: (args: ReadonlyArray<string>) => Promise<string>;
  readonly startSimulator: () => Promise<Simulator>;
  /** Writes `env`, with the variables that a shell needs to go on by hand. */
  readonly writeEnv: () => Promise<void>;
  /** Ends when the simulator does. */
  readonly simulatorEnd: () => Promise<void>;
  /** Ends what was started and, unless it is kept, removes the folder. */
  readonly close: () => Promise<void>;
}

const startMillis = 30_000;

/** A kept workshop lies in `muster-quickstart` of the current folder, another in a temporary one. */
export const openWorkshop = async (keep: boolean): Promise<Workshop> => {
  const folder = keep
    ? await keptFolder()
    : await mkdtemp(path.join(tmpdir(), "muster-quickstart-"));
  const env: Record<string, string | undefined> = {
    ...process.env,
    XDG_STATE_HOME: path.join(folder, "state"),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Quick Start",
    GIT_AUTHOR_EMAIL: "quickstart@localhost",
    GIT_COMMITTER_NAME: "Quick Start",
    GIT_COMMITTER_EMAIL: "quickstart@localhost",
  };
  const given: Record<string, string> = { XDG_STATE_HOME: path.join(folder, "state") };
  let simulator: ChildProcess | undefined;

  const start = (command: string, args: ReadonlyArray<string>, show: boolean) =>
    run(spawn(command, [...args], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] }), show);

  return {
    folder,
    muster: async (args) => {
      process.stdout.write(`\n$ muster ${args.map(quoteArgument).join(" ")}\n`);
      return start(process.execPath, [...process.execArgv, mainFile, ...args], true);
    },
    git: (args) => start("git", args, false),
    startSimulator: async () => {
      simulator = spawn(
        process.execPath,
        [
          ...process.execArgv,
          mainFile,
          "dev",
          "oci",
          "-o",
          "json",
          "--folder",
          "account",
          "--launch-delay",
          "1500",
        ],
        { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] },
      );
      const facts = await firstLine(simulator);
      const told = JSON.parse(facts) as Simulator;
      given["MUSTER_OCI_ENDPOINT"] = told.endpoint;
      given["OCI_CLI_CONFIG_FILE"] = told.configFile;
      Object.assign(env, given);
      return told;
    },
    writeEnv: () => writeFile(path.join(folder, "env"), envText(given)),
    simulatorEnd: () =>
      new Promise((resolve) => {
        if (simulator === undefined || simulator.exitCode !== null) resolve();
        else simulator.once("exit", () => resolve());
      }),
    close: async () => {
      if (simulator !== undefined) await stop(simulator);
      if (!keep) await rm(folder, { recursive: true, force: true });
    },
  };
};

/** Where the person stands, not where npm runs us. */
const keptFolder = async (): Promise<string> => {
  const folder = path.resolve(process.env["INIT_CWD"] ?? ".", "muster-quickstart");
  await mkdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new StepFailed(
      cause.code === "EEXIST"
        ? `${folder} is there already: remove it, or go on in it`
        : `cannot make ${folder}: ${cause.code}`,
    );
  });
  return folder;
};

/** The command line beside this file, built or not. */
const mainFile = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "../main.ts" : "../main.js", import.meta.url),
);

const run = (child: ChildProcess, show: boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    let printed = "";
    let said = "";
    child.stdout!.on("data", (data: Buffer) => {
      printed += data.toString();
      if (show) process.stdout.write(data);
    });
    child.stderr!.on("data", (data: Buffer) => {
      said += data.toString();
      if (show) process.stdout.write(data);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(printed);
      else
        reject(
          new StepFailed(
            `${child.spawnargs.join(" ")} ended with ${code}${show ? "" : `:\n${said}`}`,
          ),
        );
    });
  });

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let printed = "";
    const timer = setTimeout(
      () => reject(new StepFailed(`the simulator did not start within ${startMillis / 1000} s`)),
      startMillis,
    );
    child.stdout!.on("data", (data: Buffer) => {
      printed += data.toString();
      const end = printed.indexOf("\n");
      if (end < 0) return;
      clearTimeout(timer);
      resolve(printed.slice(0, end));
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new StepFailed(`the simulator ended with ${code}`));
    });
  });

const stop = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
