// Keeps the quickstart's own world: a folder, processes for the simulators, and commands that are really run.

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

interface Hosts {
  readonly count: number;
  readonly peer: string;
  readonly sshConfig: string;
}

interface Showing {
  /** So many lines of its answer are shown; all when not given. */
  readonly lines?: number;
  /** The code that it must end with. Default 0. */
  readonly exit?: number;
}

export interface Workshop {
  readonly folder: string;
  /** Runs muster itself, and shows the command and what it prints. */
  readonly muster: (args: ReadonlyArray<string>) => Promise<string>;
  /** The same for fleetroll. */
  readonly fleetroll: (args: ReadonlyArray<string>, showing?: Showing) => Promise<string>;
  /** Runs git quietly and answers what it prints. */
  readonly git: (args: ReadonlyArray<string>) => Promise<string>;
  readonly startSimulator: () => Promise<Simulator>;
  /** Starts so many hosts, one of them with a fault; their client's files lie in `hosts`. */
  readonly startHosts: (count: number, fault: string) => Promise<Hosts>;
  /** Writes `env`, with the variables that a shell needs to go on by hand. */
  readonly writeEnv: () => Promise<void>;
  /** Ends when the first of the simulators does. */
  readonly simulatorsEnd: () => Promise<void>;
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
  const simulators: Array<ChildProcess> = [];

  const start = (command: string, args: ReadonlyArray<string>, showing: Showing | null) =>
    run(
      spawn(command, [...args], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] }),
      showing,
    );

  const show = (name: "muster" | "fleetroll", args: ReadonlyArray<string>, showing: Showing) => {
    process.stdout.write(`\n$ ${name} ${args.map(quoteArgument).join(" ")}\n`);
    return start(process.execPath, [...process.execArgv, mainFiles[name], ...args], showing);
  };

  /** Its first line tells where it is; it goes on until the workshop is closed. */
  const simulate = async <Told>(args: ReadonlyArray<string>): Promise<Told> => {
    const simulator = spawn(
      process.execPath,
      [...process.execArgv, mainFiles.muster, "dev", ...args, "-o", "json"],
      { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] },
    );
    simulators.push(simulator);
    return JSON.parse(await firstLine(simulator)) as Told;
  };

  const give = (variables: Readonly<Record<string, string>>): void => {
    Object.assign(given, variables);
    Object.assign(env, variables);
  };

  return {
    folder,
    muster: (args) => show("muster", args, {}),
    fleetroll: (args, showing = {}) => show("fleetroll", args, showing),
    git: (args) => start("git", args, null),
    startSimulator: async () => {
      const delay = ["--launch-delay", "1500"];
      const told = await simulate<Simulator>(["oci", "--folder", "account", ...delay]);
      give({ MUSTER_OCI_ENDPOINT: told.endpoint, OCI_CLI_CONFIG_FILE: told.configFile });
      return told;
    },
    startHosts: async (count, fault) => {
      const told = await simulate<Hosts>([
        ...["hosts", "--count", `${count}`, "--fault", fault, "--folder", "hosts"],
      ]);
      give({ MUSTER_SSH_CONFIG: told.sshConfig });
      return told;
    },
    writeEnv: () => writeFile(path.join(folder, "env"), envText(given)),
    simulatorsEnd: () => Promise.race(simulators.map(endOf)),
    close: async () => {
      await Promise.all(simulators.map(stop));
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

/** The command lines beside this file, built or not. */
const mainFile = (name: string): string =>
  fileURLToPath(
    new URL(`../${name}.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
  );

const mainFiles = { muster: mainFile("main"), fleetroll: mainFile("fleetroll-main") };

/** What it prints is shown as it comes, or when it has ended where not all of it is. */
const run = (child: ChildProcess, showing: Showing | null): Promise<string> =>
  new Promise((resolve, reject) => {
    let printed = "";
    let said = "";
    const { lines, exit = 0 } = showing ?? {};
    const atOnce = showing !== null && lines === undefined;
    child.stdout!.on("data", (data: Buffer) => {
      printed += data.toString();
      if (atOnce) process.stdout.write(data);
    });
    child.stderr!.on("data", (data: Buffer) => {
      said += data.toString();
      if (atOnce) process.stdout.write(data);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (lines !== undefined) process.stdout.write(firstLines(printed, lines) + said);
      if (code === exit) resolve(printed);
      else
        reject(
          new StepFailed(
            `${child.spawnargs.join(" ")} ended with ${code}${showing === null ? `:\n${said}` : ""}`,
          ),
        );
    });
  });

/** What is cut is told by `…`. */
const firstLines = (text: string, most: number): string => {
  const lines = text.replace(/\n$/u, "").split("\n");
  return lines.length <= most ? text : `${lines.slice(0, most).join("\n")}\n…\n`;
};

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

const stop = (child: ChildProcess): Promise<void> => {
  const ended = endOf(child);
  child.kill("SIGTERM");
  return ended;
};

const endOf = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once("exit", () => resolve());
  });
