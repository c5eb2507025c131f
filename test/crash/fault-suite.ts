// Kills a command at a few of its points under every fault of the simulator; at night at all of them.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { chosenFaults } from "./chosen.ts";
import { type FaultCase, allFaults, nameOf } from "./fault-cases.ts";
import { type FaultSwept, sweepFault } from "./fault-sweep.ts";
import { sweepInMemory } from "./room.ts";
import { seeded } from "./seeded.ts";
import type { Command } from "./world.ts";

const seconds = 1_000;
const everyPoint = process.env["MUSTER_EVERY_POINT"] === "1";

/** Most of a case is waiting for the fault to pass. */
const casesAtOnce = 4;

/** One way of a fault, to its end or dead at one point. */
interface Case {
  readonly way: FaultCase;
  readonly at?: number;
}

interface Swept extends Case {
  /** What came of it, or what did not hold. */
  readonly came: FaultSwept | Error;
}

const named = ({ way, at }: Case): string =>
  `${way.name}, ${way.mode}, ${at === undefined ? "to the end" : `point ${at}`}`;

const sweep = (command: Command, one: Case): Effect.Effect<Swept> =>
  Effect.scoped(
    sweepFault({ command, fault: one.way, ...(one.at === undefined ? {} : { at: one.at }) }),
  ).pipe(
    Effect.catchDefect((defect) =>
      Effect.succeed(new Error(`${command}: ${named(one)}: ${String(defect)}`)),
    ),
    Effect.map((came) => ({ ...one, came })),
  );

const sweepAll = (command: Command, cases: ReadonlyArray<Case>) =>
  Effect.forEach(cases, (one) => sweep(command, one), { concurrency: casesAtOnce });

const pointsOf = ({ came }: Swept): number => (came instanceof Error ? 0 : came.points);

/**
 * The whole product: every point of the way that has most, each once. The ways take turns, each
 * round beginning with another one, so that every point meets the fault and every way meets points
 * all over; a way that has no such point, because it stopped before, leaves its turn to the next.
 */
const everyPointOf = (wholes: ReadonlyArray<Swept>): ReadonlyArray<Case> => {
  const many = wholes.length;
  return Array.from({ length: Math.max(...wholes.map(pointsOf)) }, (_, index) => {
    const first = (index + Math.floor(index / many)) % many;
    const turns = [...wholes.slice(first), ...wholes];
    return { way: turns.find((whole) => pointsOf(whole) > index)!.way, at: index + 1 };
  });
};

const pointsPerFault = 5;

/** In CI the chosen ways share a few seeded points. */
const somePointsOf = (wholes: ReadonlyArray<Swept>): ReadonlyArray<Case> =>
  wholes.flatMap((whole, part) =>
    seeded(pointsOf(whole), Math.floor((pointsPerFault + part) / wholes.length)).map((at) => ({
      way: whole.way,
      at,
    })),
  );

/** In CI two ways of each fault, other ones for other faults. */
const waysOf = (ways: ReadonlyArray<FaultCase>, index: number): ReadonlyArray<FaultCase> => {
  if (everyPoint || ways.length <= 2) return ways;
  const first = index % ways.length;
  return [ways[first]!, ways[(first + 1 + (ways.length >> 1)) % ways.length]!];
};

/** Each way of a fault to its end, then its points. */
const sweepWays = (command: Command, ways: ReadonlyArray<FaultCase>) =>
  Effect.gen(function* () {
    const wholes = yield* sweepAll(
      command,
      ways.map((way) => ({ way })),
    );
    const points = everyPoint ? everyPointOf(wholes) : somePointsOf(wholes);
    return [...wholes, ...(yield* sweepAll(command, points))];
  });

interface Sum {
  readonly killed: number;
  readonly strikes: number;
  readonly failures: ReadonlyArray<string>;
}

const sumOf = (swept: ReadonlyArray<Swept>): Sum => {
  const came = swept.flatMap((one) => (one.came instanceof Error ? [] : [one.came]));
  return {
    killed: came.filter(({ died }) => died).length,
    strikes: came.reduce((sum, one) => sum + one.strikes, 0),
    failures: swept.flatMap((one) => (one.came instanceof Error ? [one.came.message] : [])),
  };
};

/** A run of hours that was stopped says how far it came. */
const tellProgress = (what: string, swept: ReadonlyArray<Swept>, sum: Sum, since: number): void => {
  const ways = swept.filter(({ at }) => at === undefined).length;
  const failed = sum.failures.map((failure) => `\n  failed: ${failure.slice(0, 500)}`);
  process.stdout.write(
    `${what}: killed at ${sum.killed} points, ${ways} ways to the end, ${sum.failures.length} failed, ` +
      `${Math.round((performance.now() - since) / seconds)} s${failed.join("")}\n`,
  );
};

/** What `run` adds is git: in CI a few faults of different sorts are enough for it. */
const fewForRun = ["lose-answer", "throttled", "out-of-capacity"];

type Part = "even" | "odd" | "few";

const isMine = (part: Part, index: number, name: string): boolean => {
  if (part === "few") return everyPoint || fewForRun.includes(name);
  return index % 2 === (part === "even" ? 0 : 1);
};

/**
 * One part of the faults; each has a file of its own, so that they run side by side.
 *
 * With `MUSTER_EVERY_POINT=1`, as at night, each fault meets every point once and each of its ways
 * is run to its end. `MUSTER_FAULTS` chooses some of the faults, as in `chosen.ts`.
 */
export const describeFaults = (command: Command, part: Part): void => {
  const chosen = chosenFaults(allFaults.map(nameOf), process.env["MUSTER_FAULTS"]);
  const mine = allFaults
    .map((ways, index) => ({ ways, index, name: nameOf(ways) }))
    .filter(({ index, name }) => isMine(part, index, name) && chosen.has(name));
  // The faults that were asked for may all be in another file, and this one has nothing to do.
  describe.skipIf(mine.length === 0)("law 3: killed under every fault", () => {
    sweepInMemory();
    for (const { ways, index, name } of mine) {
      it.live(
        `${command}: ${name}`,
        () =>
          Effect.gen(function* () {
            const since = performance.now();
            const swept = yield* sweepWays(command, waysOf(ways, index));
            const sum = sumOf(swept);
            if (everyPoint) tellProgress(`${command}: ${name}`, swept, sum, since);
            assert.deepStrictEqual(sum.failures, []);
            assert.isAbove(sum.killed, 0, "there is a point to die at");
            if (ways[0]!.isPlanted) assert.isAbove(sum.strikes, 0, "the fault strikes");
          }),
        (everyPoint ? 7_200 : 300) * seconds,
      );
    }
  });
};
