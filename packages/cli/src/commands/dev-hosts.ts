// `muster dev hosts`: hosts of one's own on this machine, to call the roll of without a fleet.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import type { HostFleet, HostOptions } from "@muster/testkit/hosts/index";
import { envText, quoteArgument } from "../env-file.ts";
import { CommandEnd, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";

const count = Flag.Int("count").pipe(
  Flag.withDescription("How many hosts: host-0001, host-0002 and so on"),
  Flag.withDefault(20),
);

const real = Flag.Boolean("real").pipe(
  Flag.withDescription("Real OpenSSH servers in namespaces of their own; only as root, on Linux"),
  Flag.withDefault(false),
);

const port = Flag.Int("port").pipe(
  Flag.withDescription("Port of all hosts, each at an address of the loopback; any when 0"),
  Flag.withDefault(0),
);

const fault = Flag.String("fault").pipe(
  Flag.withDescription("Give a host a fault from the start, such as host-0003=timeout; repeat it"),
  Flag.withMetavar("HOST=NAME"),
  Flag.atLeast(0),
);

const folder = Flag.String("folder").pipe(
  Flag.withDescription("Where hosts.env, which a shell can read, and seeds.txt are written"),
  Flag.withDefault(".muster-dev"),
);

export const simulateHosts = Command.make(
  "hosts",
  { count, real, port, fault, folder, output: Flags.output },
  Effect.fn("dev hosts")(function* (flags) {
    const screen = yield* Out;
    if (flags.port < 0 || flags.port > 65_535) {
      return yield* wrongInput(`${flags.port} is no port`, "use 0 to 65535");
    }
    // Loaded only here: nothing else needs a simulator.
    const { hostFaultNames, startEmulatedHosts, startRealHosts } = yield* Effect.promise(
      () => import("@muster/testkit/hosts/index"),
    );
    const start = flags.real ? startRealHosts : startEmulatedHosts;
    const hosts = Array.from({ length: Math.max(0, flags.count) }, (_, place) => hostAt(place));
    const fleet = yield* start({ hosts, port: flags.port }).pipe(Effect.mapError(asEnd));
    for (const told of flags.fault) {
      const at = told.lastIndexOf("=");
      const host = fleet.hosts.find(({ name }) => name === told.slice(0, Math.max(0, at)));
      const name = hostFaultNames.find((each) => each === told.slice(at + 1));
      if (host === undefined || name === undefined) {
        return yield* wrongInput(
          `--fault ${told} names no host, or no fault`,
          `give HOST=NAME with one of ${hostFaultNames.join(", ")}`,
        );
      }
      yield* Effect.mapError(host.strike(name), asEnd);
    }
    const written = yield* writeFiles(flags.folder, fleet);
    const facts = {
      peer: fleet.peer,
      count: fleet.hosts.length,
      sshConfig: fleet.sshConfig,
      seeds: fleet.seeds,
      knownHosts: fleet.knownHosts,
      identity: fleet.identity,
      ...written,
      pid: process.pid,
    };
    yield* screen.result(flags.output === "json" ? JSON.stringify(facts) : view(facts));
    return yield* Effect.never;
  }, Effect.scoped),
).pipe(
  Command.withDescription(
    "Run simulated hosts on this machine, each with its own address, host key, role and files, and forget them at the end. Each tenth has an override. By default they are emulated in one process and know a few commands and muster's probe; with --real they are OpenSSH's own servers. In the shell that reads hosts.env the roll is one of their own, and is forgotten with them. Control-C ends them.",
  ),
  Command.withShortDescription("Simulated hosts on this machine"),
  Command.withExamples([
    {
      command: "muster dev hosts --count 50",
      description: "Then, in another terminal in the same folder: . .muster-dev/hosts.env",
    },
    {
      command: "muster dev hosts --fault host-0003=timeout --fault host-0004=no-sudo",
      description: "With faults from the start",
    },
    {
      command: "muster dev hosts -o json",
      description: "Where the client's files are, as one JSON line",
    },
  ]),
);

const roles = ["web", "worker", "builder"];

/** Hosts of several sorts, so that there is something to tell apart. */
const hostAt = (place: number): HostOptions => ({
  role: roles[place % roles.length]!,
  ...(place % 10 === 9 ? { override: "PUPPET_BRANCH=feature\n" } : {}),
});

const asEnd = (error: {
  readonly reason: string;
  readonly message: string;
  readonly remedy: string;
}): CommandEnd => {
  const { reason, message, remedy } = error;
  return new CommandEnd({ code: reason === "options" ? 1 : 2, message, remedy });
};

/** Variables and seeds at a place that is the same each time; the roll goes when the hosts do. */
const writeFiles = (
  asked: string,
  fleet: HostFleet,
): Effect.Effect<{ readonly envFile: string; readonly seedFile: string }, CommandEnd> => {
  const home = path.resolve(asked);
  const envFile = path.join(home, "hosts.env");
  const seedFile = path.join(home, "seeds.txt");
  const variables = {
    MUSTER_SSH_CONFIG: fleet.sshConfig,
    MUSTER_STORE: `sqlite:${path.join(fleet.folder, "roll.db")}`,
  };
  return Effect.tryPromise({
    try: async () => {
      await mkdir(home, { recursive: true, mode: 0o700 });
      await writeFile(envFile, envText(variables), { mode: 0o600 });
      await writeFile(seedFile, await readFile(fleet.seeds));
      return { envFile, seedFile };
    },
    catch: (cause) =>
      wrongInput(`cannot write to ${home}: ${String(cause)}`, "choose another --folder"),
  });
};

const view = (facts: {
  readonly peer: string;
  readonly count: number;
  readonly envFile: string;
  readonly seedFile: string;
}): string =>
  [
    `${facts.count} ${facts.peer} host${facts.count === 1 ? "" : "s"} (Control-C ends them)`,
    "",
    "In another terminal:",
    "",
    `  . ${quoteArgument(facts.envFile)}`,
    `  fleetroll inventory seed sync --from-file ${quoteArgument(facts.seedFile)}`,
    "  fleetroll inventory refresh --seed all",
    "",
    'Or by ssh itself: ssh -F "$MUSTER_SSH_CONFIG" host-0001 hostname',
  ].join("\n");
