// One world to crash in: a simulated OCI, a store, a config repository, and the real commands on them.

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Layer from "effect/Layer";
import type * as Scope from "effect/Scope";
import { runCli } from "../../packages/cli/src/cli.ts";
import { endingOf } from "../../packages/cli/src/exit.ts";
import { Out, type OutShape } from "../../packages/cli/src/screen/out.ts";
import { plain } from "../../packages/cli/src/screen/paint.ts";
import { defaultWiring, Wiring, type WiringShape } from "../../packages/cli/src/wiring.ts";
import type { Pace, Plugin, StoreShape } from "@muster/core";
import { Git, type GitError, type GitOptions } from "@muster/gitops-runner";
import { oci } from "@muster/provider-oci";
import {
  type OciSimulator,
  type OciSimulatorOptions,
  startOciSimulator,
  virtualClock,
  writeAccount,
} from "@muster/testkit/oci/index";
import { type CrashPoints, crashingStore, decorateHandler } from "@muster/testkit/store/crash";
import { gitAside } from "./git-aside.ts";
import { makeRepository, mergeFile, pushesTo } from "./repository.ts";

export type Command = "apply" | "run";

export interface World {
  readonly simulator: OciSimulator;
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Asks for so many members: edits the document, and for `run` merges it. */
  readonly ask: (count: number) => Effect.Effect<void>;
  /** One command; what it answers. */
  readonly command: (life: Life) => Effect.Effect<number>;
  /** Another command, about the document that `ask` edits; what it answers. */
  readonly act: (life: Life, args: ReadonlyArray<string>) => Effect.Effect<number>;
  /** The file of that document. */
  readonly file: string;
  /** Consent to what the runner refused, as a person gives it; what the command answers. */
  readonly approve: (life: Life, digest: string) => Effect.Effect<number>;
  /** What the last command printed, on stdout and stderr. */
  readonly told: () => string;
  readonly args: ReadonlyArray<string>;
  /** Pushes that the repository's own hook counted. */
  readonly pushes: () => Promise<number>;
}

/** One process's worth of surroundings. */
export interface Life {
  readonly points: CrashPoints;
  readonly store: (place: {
    readonly path: string;
  }) => Effect.Effect<StoreShape, never, Scope.Scope>;
  /** Milliseconds that this life is later than the real time: past leases of the dead. */
  readonly later: number;
  /** Shorter patience than usual, where a fault would be waited for in vain. */
  readonly pace?: Partial<Pace>;
  /** The time that one call to OCI may take, in milliseconds. */
  readonly callMillis?: number;
  /** Where git's processes are started. Default: here. */
  readonly git?: (options: GitOptions) => Layer.Layer<Git, GitError>;
}

const fastPace: Partial<Pace> = {
  pollMillis: 1,
  pollMaxMillis: 2,
  retryMillis: 1,
  retryMaxMillis: 5,
};

export interface WorldOptions {
  readonly command: Command;
  readonly listLagMs?: number;
  readonly usedTokenOfDead?: "instance" | "conflict";
  /** How the simulated OCI is different from usual. */
  readonly simulated?: OciSimulatorOptions;
  /** Reports are told as JSON. Default: as to people. */
  readonly json?: boolean;
  /** What the commands are told of their store; in memory when not given. */
  readonly store?: string;
}

export const openWorld = (options: WorldOptions): Effect.Effect<World, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(path.join(tmpdir(), "muster-crash-"))),
      (made) => Effect.promise(() => rm(made, { recursive: true, force: true })),
    );
    const simulator = yield* Effect.orDie(
      startOciSimulator({
        clock: virtualClock({
          start: Date.parse("2026-05-01T12:00:00Z"),
          advancePerRequestMs: 100,
        }),
        launchDelayMs: 100,
        terminateDelayMs: 100,
        pageSize: 3,
        listLagMs: options.listLagMs ?? 0,
        usedTokenOfDead: options.usedTokenOfDead ?? "instance",
        ...options.simulated,
      }),
    );
    const written = yield* Effect.promise(() =>
      writeAccount(path.join(folder, "account"), simulator.accounts[0]!),
    );
    plantStrangers(simulator);
    const env = {
      HOME: folder,
      PATH: process.env["PATH"] ?? "",
      XDG_STATE_HOME: path.join(folder, "state"),
      MUSTER_OCI_ENDPOINT: simulator.endpoint,
      OCI_CLI_CONFIG_FILE: written.configFile,
      NO_COLOR: "1",
    };
    const place = path.join(folder, options.command === "apply" ? "fleets" : "fleets.git");
    yield* Effect.promise(() => prepare(options.command, place));
    const store = options.store ?? "memory:";
    const words = options.json === true ? ["-o", "json"] : [];
    const args =
      options.command === "apply"
        ? ["apply", place, "--store", store, ...words]
        : [
            ...["run", "--repo", place, "--once", "--allow-profile", "DEFAULT", "--store", store],
            ...words,
          ];
    let told = "";
    const act = (life: Life, words: ReadonlyArray<string>) =>
      Effect.suspend(() => {
        told = "";
        return command(words, env, life, (text) => {
          told += `${text}\n`;
        });
      });
    return {
      simulator,
      folder,
      env,
      args,
      ask: (count) => Effect.promise(() => ask(options.command, simulator, place, count)),
      command: (life) => act(life, args),
      act,
      file: path.join(place, "web.yaml"),
      approve: (life, digest) =>
        act(life, ["approve", digest, "--reason", "try again", "--repo", place, "--store", store]),
      told: () => told,
      pushes: () => pushesTo(place),
    };
  });

/** Machines of others, which must look the same at the end. */
const plantStrangers = (simulator: OciSimulator): void => {
  simulator.addForeign({ displayName: "web-web-1.1" });
  simulator.addForeign({
    displayName: "db-1",
    freeformTags: {
      "fleetctl-fleet": "db",
      "muster-owner": "somebody else",
      "muster-member": "web-1.1",
    },
  });
};

/** The folder that `apply` reads, or the repository that `run` watches. */
const prepare = (command: Command, place: string): Promise<unknown> =>
  command === "apply" ? mkdir(place) : makeRepository(place);

const ask = (
  command: Command,
  simulator: OciSimulator,
  place: string,
  count: number,
): Promise<void> => {
  const file = { name: "web.yaml", text: documentOf(simulator, count) };
  return command === "apply"
    ? writeFile(path.join(place, file.name), file.text)
    : mergeFile(place, file, `Ask for ${count}`);
};

const documentOf = (simulator: OciSimulator, count: number): string => `kind: FleetConfig
metadata: { name: web }
spec:
  compartmentId: ${simulator.compartmentId}
  imageId: ${simulator.imageId}
  availabilityDomain: AD-1
  shape: VM.Standard.E4.Flex
  shapeConfig: { ocpus: 1, memoryInGBs: 8 }
  subnetId: ${simulator.subnetId}
  scaling: {}
  auth: { method: user, profile: DEFAULT }
  instances:
    - { name: web, count: ${count} }
`;

const command = (
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>>,
  life: Life,
  say: (text: string) => void,
): Effect.Effect<number> =>
  surroundings(runCli(args), env, { git: gitAside, ...life }).pipe(
    Effect.provideService(Out, listeningOut(env, say)),
    Effect.exit,
    Effect.map((exit) => {
      if (Exit.isSuccess(exit)) return 0;
      const failure = exit.cause.reasons[0];
      if (failure?._tag !== "Fail") {
        say(String(exit.cause));
        return 3;
      }
      const { code, message = "", remedy = "" } = endingOf(failure.error);
      say(`${message}\n${remedy}`);
      return code;
    }),
  );

/** The real wiring, with points around everything durable and outside, and a later clock. */
export const surroundings = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  env: Readonly<Record<string, string>>,
  life: Life,
): Effect.Effect<A, E, R> =>
  program.pipe(
    Effect.provideService(Wiring, wiringOf(env, life)),
    Effect.provideService(Clock.Clock, laterClock(life.later)),
  );

const wiringOf = (env: Readonly<Record<string, string>>, life: Life): WiringShape => ({
  ...defaultWiring,
  plugins: (use) =>
    life.callMillis === undefined
      ? defaultWiring.plugins(use, env)
      : [oci({ env, allowDocumentCredentials: true, timeoutMillis: life.callMillis })],
  pace: { ...fastPace, ...life.pace },
  openStore: (place) =>
    Effect.map(life.store(place._tag === "Sqlite" ? place : { path: "" }), (store) =>
      crashingStore(store, life.points),
    ),
  decorate: (plugin) => crashingPlugin(plugin, life.points),
  git: () =>
    Layer.effect(Git, crashingGit(life.points)).pipe(
      Layer.provide((life.git ?? Git.layer)({ environment: env })),
    ),
});

const crashingPlugin = (plugin: Plugin, points: CrashPoints): Plugin => ({
  ...plugin,
  handler: (resource) =>
    Effect.map(plugin.handler(resource), (handler) => decorateHandler(handler, points)),
});

const crashingGit = (points: CrashPoints) =>
  Effect.map(Git, (real) => ({
    ...real,
    run: (request: Parameters<typeof real.run>[0]) =>
      request.operation === "push"
        ? points.hit("before push").pipe(
            Effect.andThen(real.run(request)),
            Effect.tap(() => points.hit("after push")),
          )
        : Effect.andThen(points.alive, real.run(request)),
  }));

/** The real clock, that much later: what the dead held has run out, and nobody has to wait for it. */
const laterClock = (later: number): Clock.Clock => {
  const real = Effect.runSync(Clock.clockWith(Effect.succeed));
  const nanos = BigInt(later) * 1_000_000n;
  return Object.assign(Object.create(real) as Clock.Clock, {
    currentTimeMillisUnsafe: () => real.currentTimeMillisUnsafe() + later,
    currentTimeMillis: Effect.map(real.currentTimeMillis, (now) => now + later),
    currentTimeNanosUnsafe: () => real.currentTimeNanosUnsafe() + nanos,
    currentTimeNanos: Effect.map(real.currentTimeNanos, (now) => now + nanos),
  });
};

const listeningOut = (
  env: Readonly<Record<string, string>>,
  say: (text: string) => void,
): OutShape => ({
  result: (text) => Effect.sync(() => say(text)),
  say: (text) => Effect.sync(() => say(text)),
  paint: plain,
  paintSaid: plain,
  progress: { onEvent: () => Effect.void, note: () => Effect.void, end: Effect.void },
  env,
  isTerminal: false,
});
