// Looks at many hosts over SSH: near ones against a floor and against other clients, far ones against what the network allows.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { realHostsMissing } from "@muster/testkit/hosts/index";
import { type Figure, median, plainFigure, ratioFigure, report } from "./runner.ts";
import { type Client, run, type Run } from "./ssh/clients.ts";
import { type Fleet, startFleet } from "./ssh/fleet.ts";
import { makePasses, type Pass } from "./ssh/passes.ts";
import {
  compileFloor,
  firstContacts,
  isInstalled,
  runOnAll,
  secondPassOfClush,
} from "./ssh/peers.ts";

const count = (name: string, usual: number): number => Number(process.env[name] ?? usual);
const hosts = count("MUSTER_BENCH_HOSTS", 200);
const farHosts = count("MUSTER_BENCH_FAR_HOSTS", 500);
const rounds = count("MUSTER_BENCH_ROUNDS", 3);
const roundTripMillis = 100;
const concurrency = 64;

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const isBuilt = existsSync(join(packages, "cli/dist/main.js"));

const told = {
  floor: "libssh in 32 threads",
  command: `muster inventory refresh, ${isBuilt ? "built" : "from source"}`,
  first: "muster in a process that runs",
  again: "muster over kept-open connections",
  clush: "clush -f 64 over ControlPersist",
};

/** The most that may be: a ratio of time, and milliseconds of the client's processors for a host. */
const bounds: Readonly<Record<string, { readonly time: number; readonly cpu: number }>> = {
  [told.command]: { time: 1.5, cpu: 8 },
  [told.first]: { time: 1.5, cpu: 8 },
  // Half as many hosts again in the same time.
  [told.again]: { time: 0.67, cpu: 1.5 },
};

/** Four fifths of what the network allows. */
const farBound = 1.25;

const muster = (fleet: Fleet, store: string, ...words: ReadonlyArray<string>): Client => ({
  name: `muster ${words.slice(0, 2).join(" ")}`,
  program: process.execPath,
  args: [
    ...(isBuilt
      ? [join(packages, "cli/bin/muster.js")]
      : ["--conditions=muster-source", join(packages, "cli/src/main.ts")]),
    ...[...words, "--store", `sqlite:${store}`],
  ],
  env: { HOME: fleet.folder, MUSTER_SSH_CONFIG: fleet.sshConfig },
});

/** As an operator has it, seeds read before; ends with another code when a host does not answer. */
const rollCall = async (fleet: Fleet, store: string): Promise<Run> => {
  await run(muster(fleet, store, "inventory", "seed", "sync", "--from-file", fleet.seeds));
  return run(muster(fleet, store, "inventory", "refresh", "--seed", "all"));
};

const namesOf = (fleet: Fleet): ReadonlyArray<string> => fleet.hosts.map(({ name }) => name);

/** What each side took, by its name, in each round that it went through. */
class Times {
  readonly #passes = new Map<string, Map<number, Pass>>();

  /** A side that fails is told and left out of the round: the others go on. */
  readonly take = async (name: string, round: number, pass: () => Promise<Pass>): Promise<void> => {
    try {
      this.add(name, round, await pass());
    } catch (cause) {
      console.error(`left out: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  };

  /** Round 0 only warms up. */
  readonly add = (name: string, round: number, { millis, cpuMillis }: Pass): void => {
    if (round === 0) return;
    const passes = this.#passes.get(name) ?? new Map<number, Pass>();
    this.#passes.set(name, passes.set(round, { millis, cpuMillis }));
  };

  readonly names = (): ReadonlyArray<string> => [...this.#passes.keys()];

  /** Nothing when they never went through the same round. */
  readonly ratio = (what: string, against: string): Figure | null => {
    const peers = this.#passes.get(against);
    const pairs = [...this.#passes.get(what)!].flatMap(
      ([round, { millis }]): Array<readonly [number, number]> => {
        const peer = peers?.get(round);
        return peer === undefined ? [] : [[millis, peer.millis]];
      },
    );
    return pairs.length === 0
      ? null
      : ratioFigure({ what, against, bound: bounds[what]?.time ?? null }, pairs);
  };

  readonly cpu = (what: string): Figure => {
    const passes = [...this.#passes.get(what)!.values()];
    const perHost = median(passes.map(({ cpuMillis }) => cpuMillis / hosts));
    return plainFigure(`${what}: CPU ms a host`, perHost, bounds[what]?.cpu ?? null);
  };
}

/** First all sides of a round, then the next round: what else the machine does meets all of them. */
const timesOf = async (fleet: Fleet): Promise<Times> => {
  const floor = compileFloor(fleet);
  if (typeof floor === "string") console.error(`${floor}: there are no ratios to it`);
  const times = new Times();
  for (let round = 0; round <= rounds; round += 1) {
    if (typeof floor !== "string") {
      await times.take(told.floor, round, () => runOnAll(fleet, floor));
    }
    const store = (what: string): string => join(fleet.folder, `${what}-${round}.db`);
    await times.take(told.command, round, () => rollCall(fleet, store("command")));
    await times.take(told.first, round, async () => {
      const [first, ...later] = await makePasses({
        ...{ concurrency, sshConfig: fleet.sshConfig, store: store("passes") },
        passes: Array.from({ length: 6 }, () => namesOf(fleet)),
      });
      times.add(told.again, round, {
        millis: median(later.map(({ millis }) => millis)),
        cpuMillis: median(later.map(({ cpuMillis }) => cpuMillis)),
      });
      return first!;
    });
    // The others need no warming: what they read from the disk is read by then, or small.
    if (round === 0) continue;
    if (isInstalled("clush")) await times.take(told.clush, round, () => secondPassOfClush(fleet));
    for (const peer of firstContacts(fleet)) {
      await times.take(peer.name, round, () => runOnAll(fleet, peer));
    }
  }
  return times;
};

async function* nearby(): AsyncGenerator<Figure> {
  const missing = realHostsMissing();
  if (missing !== undefined) return console.error(`${missing.message}: nothing near is measured`);
  const fleet = await startFleet({ peer: "real", hosts, roundTripMillis: 0 });
  try {
    const times = await timesOf(fleet);
    const again = [told.again, told.clush];
    const ratios = times
      .names()
      .map((name) => times.ratio(name, again.includes(name) ? told.clush : told.floor));
    for (const figure of ratios) {
      if (figure !== null && figure.what !== figure.peer?.what) yield figure;
    }
    for (const name of times.names()) yield times.cpu(name);
  } finally {
    await fleet.close();
  }
}

/** A host alone shows what a look takes; so many at a time take as many turns. */
async function* farAway(): AsyncGenerator<Figure> {
  const fleet = await startFleet({ peer: "emulated", hosts: farHosts, roundTripMillis });
  try {
    const [warming, alone, ...others] = namesOf(fleet);
    const turns = Math.ceil(others.length / concurrency);
    const pairs = { first: new Array<[number, number]>(), again: new Array<[number, number]>() };
    for (let round = 0; round < rounds; round += 1) {
      const passes = await makePasses({
        ...{ concurrency, sshConfig: fleet.sshConfig },
        passes: [[warming!], [alone!], [alone!], others, others],
        store: join(fleet.folder, `far-${round}.db`),
      });
      const [, aloneFirst, aloneAgain, first, again] = passes.map(({ millis }) => millis);
      pairs.first.push([first!, aloneFirst! * turns]);
      pairs.again.push([again!, aloneAgain! * turns]);
      if (round === 0) {
        yield plainFigure(
          "round trips of a look, first contact",
          aloneFirst! / roundTripMillis,
          null,
        );
        yield plainFigure("round trips of a look, again", aloneAgain! / roundTripMillis, null);
      }
    }
    const far = { against: `one host alone, ${turns} times`, bound: farBound };
    const where = `${farHosts} hosts, ${roundTripMillis} ms away, ${concurrency} at a time`;
    yield ratioFigure({ what: `${where}: first contact`, ...far }, pairs.first);
    yield ratioFigure({ what: `${where}: again`, ...far }, pairs.again);
  } finally {
    await fleet.close();
  }
}

async function* figures(): AsyncGenerator<Figure> {
  if (hosts > 0) yield* nearby();
  if (farHosts > 0) yield* farAway();
}

await report("hosts over SSH", figures());
