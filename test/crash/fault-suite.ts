// Kills a command at a few of its points under every fault of the simulator; at night at all of them.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { type FaultCase, allFaults } from "./fault-cases.ts";
import { sweepFault } from "./fault-sweep.ts";
import { sweepInMemory } from "./room.ts";
import { seeded } from "./seeded.ts";
import type { Command } from "./world.ts";

const seconds = 1_000;
const everyPoint = process.env["MUSTER_EVERY_POINT"] === "1";

const named = (fault: FaultCase, at: number | undefined): string =>
  `${fault.name}, ${fault.mode}, ${at === undefined ? "to the end" : `point ${at}`}`;

const sweep = (command: Command, fault: FaultCase, at?: number) =>
  Effect.scoped(sweepFault({ command, fault, ...(at === undefined ? {} : { at }) })).pipe(
    Effect.catchDefect((defect) =>
      Effect.die(new Error(`${command}: ${named(fault, at)}: ${String(defect)}`)),
    ),
  );

const pointsPerFault = 5;

/** Most of a case is waiting for the fault to pass. */
const casesAtOnce = 4;

/** One way of a fault to its end, then some of its points. */
const sweepWay = (command: Command, fault: FaultCase, most: number) =>
  Effect.gen(function* () {
    const whole = yield* sweep(command, fault);
    const points = everyPoint
      ? Array.from({ length: whole.points }, (_, index) => index + 1)
      : seeded(whole.points, most);
    const swept = yield* Effect.forEach(points, (at) => sweep(command, fault, at), {
      concurrency: casesAtOnce,
    });
    const strikes = swept.reduce((sum, one) => sum + one.strikes, whole.strikes);
    return { killed: points.length, strikes };
  });

/** In CI, and for `run`, two ways of each fault share its points, other ways for other faults. */
const waysOf = (
  command: Command,
  ways: ReadonlyArray<FaultCase>,
  index: number,
): ReadonlyArray<FaultCase> => {
  if ((everyPoint && command === "apply") || ways.length <= 2) return ways;
  const first = index % ways.length;
  return [ways[first]!, ways[(first + 1 + (ways.length >> 1)) % ways.length]!];
};

/** What `run` adds is git: in CI a few faults of different sorts are enough for it. */
const fewForRun = ["lose-answer", "throttled", "out-of-capacity"];

type Part = "even" | "odd" | "few";

const isMine = (part: Part, index: number, name: string): boolean => {
  if (part === "few") return everyPoint || fewForRun.includes(name);
  return index % 2 === (part === "even" ? 0 : 1);
};

/** One part of the faults; each has a file of its own, so that they run side by side. */
export const describeFaults = (command: Command, part: Part): void => {
  describe("law 3: killed under every fault", () => {
    sweepInMemory();
    for (const [index, ways] of allFaults.entries()) {
      const name = ways[0]!.name.replace(/, .*$/u, "");
      if (!isMine(part, index, name)) continue;
      const chosen = waysOf(command, ways, index);
      it.live(
        `${command}: ${name}`,
        () =>
          Effect.gen(function* () {
            const shares = chosen.map((way, part) => ({
              way,
              most: Math.floor((pointsPerFault + part) / chosen.length),
            }));
            const swept = yield* Effect.forEach(
              shares,
              ({ way, most }) => sweepWay(command, way, most),
              { concurrency: casesAtOnce },
            );
            const most = (of: (one: (typeof swept)[number]) => number) =>
              Math.max(...swept.map(of));
            assert.isAbove(
              most(({ killed }) => killed),
              0,
              "there is a point to die at",
            );
            if (!chosen[0]!.isPlanted) return;
            assert.isAbove(
              most(({ strikes }) => strikes),
              0,
              "the fault strikes",
            );
          }),
        (everyPoint ? 7_200 : 300) * seconds,
      );
    }
  });
};
