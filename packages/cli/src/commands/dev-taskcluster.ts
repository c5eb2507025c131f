// `muster dev taskcluster`: a Taskcluster of one's own on this machine, whose workers are the simulated hosts.

import { mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import type { SimulatedWorker, TaskclusterFault } from "@muster/testkit/taskcluster/index";
import { envText, quoteArgument } from "../env-file.ts";
import { CommandEnd, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";

const pool = Flag.String("pool").pipe(
  Flag.withDescription("The pool of the workers: PROVISIONER/WORKERTYPE"),
  Flag.withMetavar("POOL"),
  Flag.withDefault("muster-dev/hosts"),
);

const count = Flag.Int("count").pipe(
  Flag.withDescription("How many workers: host-0001, host-0002 and so on, as `muster dev hosts`"),
  Flag.withDefault(20),
);

const missing = Flag.String("missing").pipe(
  Flag.withDescription("Leave a worker out; repeat it"),
  Flag.withMetavar("NAME"),
  Flag.atLeast(0),
);

const misplaced = Flag.String("misplaced").pipe(
  Flag.withDescription("Put a worker into another pool: NAME=PROVISIONER/WORKERTYPE; repeat it"),
  Flag.withMetavar("NAME=POOL"),
  Flag.atLeast(0),
);

const fault = Flag.String("fault").pipe(
  Flag.withDescription("Answer everything with a fault, such as throttled, hang or torn"),
  Flag.withMetavar("NAME"),
  Flag.atLeast(0),
);

const port = Flag.Int("port").pipe(
  Flag.withDescription("Port on 127.0.0.1; any free one when 0"),
  Flag.withDefault(0),
);

const folder = Flag.String("folder").pipe(
  Flag.withDescription("Where taskcluster.env is written, which a shell can read"),
  Flag.withDefault(".muster-dev"),
);

export const simulateTaskcluster = Command.make(
  "taskcluster",
  { pool, count, missing, misplaced, fault, port, folder, output: Flags.output },
  Effect.fn("dev taskcluster")(function* (flags) {
    const screen = yield* Out;
    if (flags.port < 0 || flags.port > 65_535) {
      return yield* wrongInput(`${flags.port} is no port`, "use 0 to 65535");
    }
    if (flags.count < 0 || flags.count > mostWorkers) {
      return yield* wrongInput(`${flags.count} workers are too many`, `give 0 to ${mostWorkers}`);
    }
    // Loaded only here: nothing else needs a simulator.
    const { startTaskcluster, taskclusterFaultNames } = yield* Effect.promise(
      () => import("@muster/testkit/taskcluster/index"),
    );
    const faults = yield* Effect.forEach(flags.fault, (name) =>
      faultOf(name, taskclusterFaultNames),
    );
    const simulator = yield* startTaskcluster({
      port: flags.port,
      workers: yield* workersOf(flags),
      faults,
    }).pipe(
      Effect.mapError(
        ({ message }) =>
          new CommandEnd({
            code: 2,
            message,
            remedy: "choose another --port (0 is any free one), or end what holds it",
          }),
      ),
    );
    const file = path.resolve(flags.folder, "taskcluster.env");
    yield* Effect.tryPromise({
      try: async () => {
        await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
        await writeFile(file, envText(simulator.env), { mode: 0o600 });
      },
      catch: (cause) =>
        wrongInput(`cannot write ${file}: ${String(cause)}`, "choose another --folder"),
    });
    const facts = {
      rootUrl: simulator.rootUrl,
      envFile: file,
      pool: flags.pool,
      workers: flags.count - flags.missing.length,
      pid: process.pid,
    };
    yield* screen.result(flags.output === "json" ? JSON.stringify(facts) : view(facts));
    return yield* Effect.never;
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Run a Taskcluster simulator on this machine: it lists workers as worker-manager does, checks signatures and scopes, tells activity up to half an hour late, and forgets everything when it ends. Its workers are called like the hosts of `muster dev hosts`. Control-C ends it.",
  ),
  Command.withShortDescription("A Taskcluster simulator on this machine"),
  Command.withExamples([
    {
      command: "muster dev taskcluster",
      description: "Then, in another terminal in the same folder: . .muster-dev/taskcluster.env",
    },
    {
      command: "muster dev taskcluster --missing host-0003 --misplaced host-0004=muster-dev/other",
      description: "With something to find",
    },
    {
      command: "muster dev taskcluster --fault throttled -o json",
      description: "One that does not want to be asked, told as one JSON line",
    },
  ]),
);

const mostWorkers = 100_000;

interface Asked {
  readonly pool: string;
  readonly count: number;
  readonly missing: ReadonlyArray<string>;
  readonly misplaced: ReadonlyArray<string>;
}

const workersOf = Effect.fnUntraced(function* ({
  pool: own,
  count: asked,
  missing: out,
  misplaced: moved,
}: Asked): Effect.fn.Return<ReadonlyArray<SimulatedWorker>, CommandEnd> {
  const names = Array.from(
    { length: asked },
    (_, place) => `host-${String(place + 1).padStart(4, "0")}`,
  );
  const elsewhere = new Map<string, string>();
  for (const told of moved) {
    const at = told.indexOf("=");
    elsewhere.set(told.slice(0, Math.max(0, at)), told.slice(at + 1));
  }
  const strange = [...out, ...elsewhere.keys()].find((name) => !names.includes(name));
  if (strange !== undefined) {
    return yield* wrongInput(
      `"${strange}" is none of the workers`,
      `they are called host-0001 to ${names.at(-1) ?? "nothing"}`,
    );
  }
  return yield* Effect.forEach(
    names.filter((name) => !out.includes(name)),
    (name) => Effect.map(poolOf(elsewhere.get(name) ?? own), (at) => ({ ...at, workerId: name })),
  );
});

const poolOf = (
  text: string,
): Effect.Effect<{ readonly provisionerId: string; readonly workerType: string }, CommandEnd> => {
  const [, provisionerId, workerType] =
    /^([a-zA-Z0-9_-]{1,38})\/([a-z](?:[-a-z0-9]{0,36}[a-z0-9])?)$/u.exec(text) ?? [];
  return provisionerId === undefined || workerType === undefined
    ? Effect.fail(wrongInput(`"${text}" is no worker pool`, "such as --pool muster-dev/hosts"))
    : Effect.succeed({ provisionerId, workerType });
};

const faultOf = (name: string, known: ReadonlyArray<TaskclusterFault>) => {
  const found = known.find((one) => one === name);
  return found === undefined
    ? Effect.fail(wrongInput(`there is no fault "${name}"`, `give one of ${known.join(", ")}`))
    : Effect.succeed({ fault: found });
};

const view = (facts: {
  readonly rootUrl: string;
  readonly envFile: string;
  readonly pool: string;
  readonly workers: number;
}): string =>
  [
    `Taskcluster simulator at ${facts.rootUrl} with ${facts.workers} workers (Control-C ends it)`,
    "",
    `In another terminal: . ${quoteArgument(facts.envFile)}`,
    `and give a population: --workers ${facts.pool}`,
  ].join("\n");
