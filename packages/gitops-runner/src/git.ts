// Runs the git binary: the one file that starts a git process.

import { spawn, type ChildProcess } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import { classify, sentenceOf } from "./classify.ts";
import { GitError } from "./error.ts";
import { tracedGit } from "./git-trace.ts";
import { type Kept, makeKept } from "./kept.ts";
import { quoteOutside } from "./redact.ts";
import {
  askpassScript,
  credentialsOf,
  environmentOf,
  fixedArguments,
  searchPath,
  type Credentials,
  type Environment,
  type Reach,
} from "./settings.ts";
import { knownHostsOf, sshCommandOf } from "./ssh.ts";

/** Milliseconds that a command on the local copy may take. */
export const localTimeout = 20_000;
/** Milliseconds that a command that speaks to the remote may take. */
export const remoteTimeout = 60_000;
/** Bytes that a command may answer with. */
export const defaultOutputLimit = 64 * 1024 * 1024;

const errorTextLimit = 16 * 1024;
const patienceMillis = 2_000;

export interface GitRequest {
  /** What is being done, for messages. */
  readonly operation: string;
  readonly arguments: ReadonlyArray<string>;
  /** The bare repository to work in. */
  readonly folder: string;
  /** Whether it speaks to the remote, and how: only https gets the credentials. Default `local`. */
  readonly reach?: Reach;
  readonly input?: string | Uint8Array;
  /** Default `localTimeout` or `remoteTimeout`. Real time, whatever the clock of the program. */
  readonly timeoutMillis?: number;
  /** Bytes; default `defaultOutputLimit`. */
  readonly outputLimit?: number;
  /** Bytes that any file it writes may have; no limit when not given. */
  readonly fileLimit?: number;
  /** Exit codes beside 0 that are answers and not failures. */
  readonly accept?: ReadonlyArray<number>;
}

export interface GitAnswer {
  readonly code: number;
  readonly output: Buffer;
}

export interface GitShape {
  readonly run: (request: GitRequest) => Effect.Effect<GitAnswer, GitError>;
  /** Where programs such as `ssh-keygen` are looked for. */
  readonly searchPath: ReadonlyArray<string>;
  /** What was read of objects, as long as this lives. */
  readonly kept: Kept;
}

export interface GitOptions {
  /** Where PATH, proxies and `MUSTER_GIT_TOKEN`, `MUSTER_GIT_USERNAME` are read. */
  readonly environment: Environment;
  /** Default `git`, found on PATH. */
  readonly binary?: string;
  /** A file of certificates that https servers are checked with, beside none of the system's. */
  readonly caFile?: string;
}

export class Git extends Context.Service<Git, GitShape>()("@muster/gitops-runner/git/Git") {
  /** Keeps a private folder for an empty HOME and the askpass script while it lives. */
  static readonly layer = (options: GitOptions): Layer.Layer<Git, GitError> =>
    Layer.effect(Git, makeGit(options));
}

const makeGit = (options: GitOptions): Effect.Effect<GitShape, GitError, Scope.Scope> =>
  Effect.map(privateFolder, (folder) => {
    const credentials = credentialsOf(options.environment);
    return {
      searchPath: searchPath(options.environment),
      kept: makeKept(),
      run: (request) =>
        Effect.gen(function* () {
          const reach = request.reach ?? "local";
          const askpass =
            reach === "https" && credentials !== null
              ? { path: join(folder, "askpass"), credentials }
              : null;
          const ssh =
            reach === "ssh"
              ? { sshCommand: yield* Effect.fromResult(sshCommandOf(options.environment)) }
              : {};
          const binary = options.binary ?? "git";
          const words = [...fixedArguments(options.caFile, reach), ...request.arguments];
          return yield* tracedGit(
            request,
            runProcess(request, {
              ...limited(binary, words, request.fileLimit),
              binary,
              secrets: secretsOf(credentials),
              knownHosts: knownHostsOf(options.environment),
              environment: environmentOf({
                given: options.environment,
                folder: request.folder,
                home: join(folder, "home"),
                askpass,
                ...ssh,
              }),
            }),
          );
        }),
    };
  });

/**
 * The kernel holds the limit, whatever git is fooled into; the shell is replaced by git. A lower
 * limit of the machine cannot be raised, and holds as well.
 */
const limited = (
  binary: string,
  words: ReadonlyArray<string>,
  fileLimit: number | undefined,
): Pick<Launch, "command" | "arguments"> =>
  fileLimit === undefined
    ? { command: binary, arguments: words }
    : {
        command: "/bin/sh",
        arguments: [
          ...["-c", 'ulimit -f "$1" 2>/dev/null; shift; exec "$@"', "sh"],
          ...[String(Math.ceil(fileLimit / 512)), binary, ...words],
        ],
      };

const secretsOf = (credentials: Credentials | null): ReadonlyArray<string> =>
  credentials === null
    ? []
    : [
        credentials.token,
        Buffer.from(`${credentials.username}:${credentials.token}`).toString("base64"),
      ];

const privateFolder: Effect.Effect<string, GitError, Scope.Scope> = Effect.acquireRelease(
  Effect.tryPromise({
    try: async () => {
      const folder = await mkdtemp(join(tmpdir(), "muster-git-"));
      await mkdir(join(folder, "home"), { mode: 0o700 });
      await writeFile(join(folder, "askpass"), askpassScript, { mode: 0o700 });
      await chmod(folder, 0o700);
      return folder;
    },
    catch: (cause) =>
      new GitError({
        reason: "Unsupported",
        operation: "start",
        message: `cannot make a private temporary folder: ${quoteOutside(String(cause))}`,
        remedy: "check that TMPDIR names a folder that muster may write to",
      }),
  }),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true })),
);

interface Launch {
  /** What is looked for, for messages. */
  readonly binary: string;
  readonly command: string;
  readonly arguments: ReadonlyArray<string>;
  readonly environment: Record<string, string>;
  readonly secrets: ReadonlyArray<string>;
  readonly knownHosts: string;
}

const isRemote = (request: GitRequest): boolean => (request.reach ?? "local") !== "local";

const runProcess = (request: GitRequest, launch: Launch): Effect.Effect<GitAnswer, GitError> =>
  Effect.callback<GitAnswer, GitError>((resume) => {
    const child = spawn(launch.command, [...launch.arguments], {
      cwd: "/",
      env: launch.environment,
      stdio: ["pipe", "pipe", "pipe"],
      // Its own process group, so that its helpers can be stopped with it.
      detached: true,
    });
    const limit = request.outputLimit ?? defaultOutputLimit;
    const timeout = request.timeoutMillis ?? (isRemote(request) ? remoteTimeout : localTimeout);
    const output: Array<Buffer> = [];
    let size = 0;
    let errors = "";
    let stopped: GitError | undefined;
    const stop = (error: GitError): void => {
      if (stopped !== undefined) return;
      stopped = error;
      terminate(child);
    };
    const timer = setTimeout(() => stop(timedOut(request, timeout)), timeout);
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) stop(tooLarge(request, limit));
      else output.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString("utf8")).slice(-errorTextLimit);
    });
    // A process that ends without reading its input says why on its own.
    child.stdin.on("error", () => undefined);
    child.stdin.end(request.input ?? "");
    child.on("error", (cause) => {
      clearTimeout(timer);
      resume(Effect.fail(notStarted(request, launch, cause)));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (stopped !== undefined) return resume(Effect.fail(stopped));
      if (code === 0 || (code !== null && request.accept?.includes(code))) {
        return resume(Effect.succeed({ code, output: Buffer.concat(output) }));
      }
      resume(Effect.fail(failed(request, launch, code, errors)));
    });
    return Effect.sync(() => clearTimeout(timer)).pipe(Effect.andThen(ended(child)));
  });

/** First the signal on which git removes its lock files, then the one that nothing survives. */
const terminate = (child: ChildProcess): void => {
  const hard = setTimeout(() => signalGroup(child, "SIGKILL"), patienceMillis);
  child.once("close", () => clearTimeout(hard));
  signalGroup(child, "SIGTERM");
};

/** Stops a process that nobody waits for any more, and waits until it and its helpers are gone. */
const ended = (child: ChildProcess): Effect.Effect<void> =>
  Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        if (child.pid === undefined) return resolve();
        child.once("close", () => resolve());
        terminate(child);
      }),
  );

const signalGroup = (child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): void => {
  const pid = child.pid;
  if (pid === undefined || !Number.isInteger(pid) || pid <= 1) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already, which is what was wanted.
  }
};

const timedOut = (request: GitRequest, millis: number): GitError =>
  new GitError({
    reason: "TimedOut",
    operation: request.operation,
    message: `git ${request.operation} did not end within ${millis / 1000} s`,
    remedy: isRemote(request)
      ? "check the network and the server; muster tries again"
      : "check the load and the disk of this machine; muster tries again",
  });

const tooLarge = (request: GitRequest, limit: number): GitError =>
  new GitError({
    reason: "TooLarge",
    operation: request.operation,
    message: `git ${request.operation} answered with more than ${limit} bytes`,
    remedy: "keep what muster reads in a smaller folder or repository",
  });

const notStarted = (request: GitRequest, launch: Launch, cause: Error): GitError =>
  new GitError({
    reason: "Unsupported",
    operation: request.operation,
    message: `cannot start ${launch.binary}: ${quoteOutside(cause.message, launch.secrets)}`,
    remedy: "install git 2.36 or newer and see that it is on PATH",
  });

const failed = (
  request: GitRequest,
  launch: Launch,
  code: number | null,
  errors: string,
): GitError => {
  const said = quoteOutside(sentenceOf(errors), launch.secrets);
  return new GitError({
    ...classify(errors, { remote: isRemote(request), knownHosts: launch.knownHosts }),
    operation: request.operation,
    message: `git ${request.operation} failed: ${said || `exit ${code ?? "by a signal"}`}`,
  });
};
