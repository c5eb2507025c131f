// Keeps one test's own world: a folder, a simulated OCI, and the muster command as a user runs it.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import * as Console from "effect/Console";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import {
  makeAccount,
  type OciSimulatorOptions,
  openOciSimulator,
  type OpenOciSimulator,
  throwawayAccount,
  writeAccount,
} from "@muster/testkit/oci/index";
import { runCli } from "../src/cli.ts";
import { runFleetctl } from "../src/fleetctl.ts";
import { teardown } from "../src/exit.ts";
import { Asked } from "../src/screen/ask.ts";
import { makeProgress } from "../src/screen/progress.ts";
import { Out, type OutShape } from "../src/screen/out.ts";
import { plain } from "../src/screen/paint.ts";
import { defaultWiring, Wiring, type WiringShape } from "../src/wiring.ts";

/** How a command ended and what it printed. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly cwd?: string;
  /** Beside the world's own; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Inside: what the person at the terminal answers; nobody sits there when not given. */
  readonly answer?: boolean;
  /** Inside: what is wired otherwise. */
  readonly wiring?: Partial<WiringShape>;
}

export interface Started {
  readonly process: ChildProcess;
  readonly pid: number;
  /** What stands on stderr or stdout so far. */
  readonly said: () => string;
  /** Resolves once the text was said; rejects when the process ended without it. */
  readonly until: (text: string) => Promise<void>;
  readonly ended: Promise<Ran>;
}

export interface World {
  readonly folder: string;
  readonly simulator: OpenOciSimulator;
  readonly env: Readonly<Record<string, string>>;
  /** An absolute path in the folder. */
  readonly at: (...parts: ReadonlyArray<string>) => string;
  /** Writes a file, with the folders it needs, and answers its path. */
  readonly write: (file: string, text: string | Uint8Array) => Promise<string>;
  /** Runs muster in a process of its own. */
  readonly muster: (args: ReadonlyArray<string>, options?: RunOptions) => Promise<Ran>;
  readonly start: (args: ReadonlyArray<string>, options?: RunOptions) => Started;
  /** Runs muster in this process, with short waits; paths must be absolute. */
  readonly inside: (args: ReadonlyArray<string>, options?: RunOptions) => Promise<Ran>;
  /** Runs fleetctl in this process, with short waits; paths must be absolute. */
  readonly fleetctl: (args: ReadonlyArray<string>, options?: RunOptions) => Promise<Ran>;
  /** Runs fleetctl in a process of its own. */
  readonly startFleetctl: (args: ReadonlyArray<string>, options?: RunOptions) => Started;
  /** Runs fleetroll in a process of its own. */
  readonly fleetroll: (args: ReadonlyArray<string>, options?: RunOptions) => Promise<Ran>;
  /** Files below a folder of the world, sorted. */
  readonly files: (folder: string) => ReadonlyArray<string>;
  readonly close: () => Promise<void>;
}

export const node = process.execPath;
export const mainFile = fileURLToPath(new URL("../src/main.ts", import.meta.url));
/** Where compiled code is kept from one process to the next: without it each takes twice as long. */
const compileCache = fileURLToPath(
  new URL("../../../node_modules/.cache/muster-cli-test", import.meta.url),
);
export const nodeArguments = ["--conditions=muster-source", mainFile];
const fleetrollFile = fileURLToPath(new URL("../src/fleetroll-main.ts", import.meta.url));
const fleetctlFile = fileURLToPath(new URL("../src/fleetctl-main.ts", import.meta.url));

/** A world with nothing in it but an account of a simulator that is quick. */
export const openWorld = async (
  options: OciSimulatorOptions & { readonly passPhrase?: string } = {},
): Promise<World> => {
  const { passPhrase, ...simulated } = options;
  const folder = await mkdtemp(path.join(tmpdir(), "muster-cli-"));
  const account =
    passPhrase === undefined ? await throwawayAccount() : await makeAccount({ passPhrase });
  const simulator = await openOciSimulator({
    launchDelayMs: 50,
    terminateDelayMs: 20,
    accounts: [account],
    ...simulated,
  });
  const { configFile } = await writeAccount(path.join(folder, "account"), account);
  const home = path.join(folder, "home");
  await mkdir(home);
  const env: Record<string, string> = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    USER: "ann",
    TMPDIR: tmpdir(),
    NODE_COMPILE_CACHE: compileCache,
    XDG_STATE_HOME: path.join(folder, "state"),
    MUSTER_OCI_ENDPOINT: simulator.endpoint,
    OCI_CLI_CONFIG_FILE: configFile,
  };
  const running = new Set<ChildProcess>();
  const at = (...parts: ReadonlyArray<string>) => path.join(folder, ...parts);
  const startFile =
    (file: string) =>
    (args: ReadonlyArray<string>, run: RunOptions = {}): Started =>
      startChild(running, node, ["--conditions=muster-source", file, ...args], {
        cwd: run.cwd ?? folder,
        env: definedOf({ ...env, ...run.env }),
      });
  const start = startFile(mainFile);
  return {
    folder,
    simulator,
    env,
    at,
    write: async (file, text) => {
      await mkdir(path.dirname(at(file)), { recursive: true });
      await writeFile(at(file), text);
      return at(file);
    },
    start,
    muster: (args, run) => start(args, run).ended,
    inside: (args, run = {}) => runInside(runCli(args), definedOf({ ...env, ...run.env }), run),
    fleetctl: (args, run = {}) =>
      runInside(runFleetctl(args), definedOf({ ...env, ...run.env }), run),
    startFleetctl: startFile(fleetctlFile),
    fleetroll: (args, run) => startFile(fleetrollFile)(args, run).ended,
    files: (below) => filesBelow(at(below)),
    close: async () => {
      for (const child of running) child.kill("SIGKILL");
      await simulator.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
};

/** Opens a world for the length of a test. */
export const inWorld =
  (use: (world: World) => Promise<void>, options?: Parameters<typeof openWorld>[0]) =>
  async (): Promise<void> => {
    const world = await openWorld(options);
    try {
      await use(world);
    } finally {
      await world.close();
    }
  };

type Env = Readonly<Record<string, string>>;

const definedOf = (env: Readonly<Record<string, string | undefined>>): Env =>
  Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

/** Starts a process; its output is kept, and it counts as running until it is closed. */
export const startChild = (
  running: Set<ChildProcess>,
  command: string,
  args: ReadonlyArray<string>,
  where: { readonly cwd: string; readonly env: Env },
): Started => {
  const child = spawn(command, [...args], { ...where, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  const take = (add: (text: string) => void) => (data: Buffer) => {
    add(data.toString());
    for (const look of [...waiting]) look();
  };
  child.stdout.on(
    "data",
    take((text) => void (stdout += text)),
  );
  child.stderr.on(
    "data",
    take((text) => void (stderr += text)),
  );
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? (signal === null ? -1 : -2), stdout, stderr });
    });
  });
  const said = () => stderr + stdout;
  return {
    process: child,
    pid: child.pid ?? -1,
    said,
    until: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!said().includes(text)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
        void ended.then(() => {
          waiting.delete(look);
          reject(new Error(`it ended without saying ${text}:\n${said()}`));
        }, reject);
      }),
    ended,
  };
};

const runInside = async (
  command: Effect.Effect<void, unknown>,
  env: Env,
  { answer, wiring }: RunOptions,
): Promise<Ran> => {
  let stdout = "";
  let stderr = "";
  const stream = { write: (text: string) => void (stderr += text) };
  const out: OutShape = {
    result: (text) => Effect.sync(() => void (stdout += `${text}\n`)),
    say: (text) => Effect.sync(() => void (stderr += `${text}\n`)),
    paint: plain,
    paintSaid: plain,
    progress: makeProgress(stream, plain),
    env,
    isTerminal: false,
  };
  const fiber = Effect.runFork(
    command.pipe(
      Effect.provideService(Out, out),
      Effect.provideService(Asked, () => Effect.succeed(answer ?? null)),
      // What the parser of the command line prints: help and its faults.
      Effect.provideService(
        Console.Console,
        Object.assign(Object.create(console) as Console.Console, {
          log: (...words: ReadonlyArray<unknown>) => void (stdout += `${words.join(" ")}\n`),
          error: (...words: ReadonlyArray<unknown>) => void (stderr += `${words.join(" ")}\n`),
        }),
      ),
      Effect.provideService(Wiring, { ...quickWiring, ...wiring }),
    ),
  );
  const exit = await Effect.runPromise(Fiber.await(fiber));
  const code = await new Promise<number>((resolve) => teardown(exit, resolve));
  return { code, stdout, stderr };
};

/** Where nobody listens. */
export const quietOut = (env: Env): OutShape => ({
  result: () => Effect.void,
  say: () => Effect.void,
  paint: plain,
  paintSaid: plain,
  progress: makeProgress({ write: () => undefined }, plain),
  env,
  isTerminal: false,
});

/** The wiring of the command line with shorter waits. */
export const quickWiring: WiringShape = {
  ...defaultWiring,
  pace: {
    pollMillis: 20,
    retryMillis: 20,
    retryMaxMillis: 100,
    looksAgain: 1,
    unreachableMillis: 1_000,
  },
};

const filesBelow = (folder: string): ReadonlyArray<string> =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
        .sort()
    : [];

/** All bytes of all files below a folder, as one Latin-1 text to look for markers in. */
export const allBytes = (folder: string): string =>
  filesBelow(folder)
    .map((file) => readFileSync(path.join(folder, file)).toString("latin1"))
    .join("\n");
