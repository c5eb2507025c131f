// Holds that a daemon under load, faults and edits holds no more and more, goes on turning, and tells of every error.

import { describe, expect, it } from "@effect/vitest";
import { inWorld } from "../world.ts";
import { floorOf, slopeOf } from "./heap.ts";
import { soak, type Soaked } from "./soak.ts";

/** A minute, and at night ten. */
const seconds = Number(process.env["MUSTER_SOAK_SECONDS"] ?? 60);
/** By then most of what is made once is there: shapes of objects, caches, connections. */
const warmUp = 1 / 3;
/** Bytes that the rest of it may add, however long it is: what is made once ends, a leak goes on. */
const growthLimit = 1_200_000;

const growthOf = ({ heap }: Soaked): number => {
  const points = heap.slice(Math.floor(heap.length * warmUp));
  return slopeOf(floorOf(points)) * (points.at(-1)![0] - points[0]![0]);
};

const tell = (soaked: Soaked): void => {
  const { events, heap, turns } = soaked;
  const lines = [
    [...events].map(([sort, count]) => `${sort}: ${count}`).join(", "),
    `turns in ten seconds each: ${turns.join(" ")}`,
    `objects in MB: ${heap.map(([, bytes]) => (bytes / 1e6).toFixed(2)).join(" ")}`,
    `growth after a third of it: ${Math.round(growthOf(soaked) / 1_000)} kB`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
};

describe(`a daemon, for ${seconds} s at fifty times its events`, () => {
  it(
    "has a flat heap, a loop that turns, and no error that it kept to itself",
    inWorld(
      async (world) => {
        const soaked = await soak(world, seconds);
        tell(soaked);
        expect(soaked.faults).toEqual([]);
        expect(Math.min(...soaked.turns)).toBeGreaterThan(0);
        expect(soaked.code).toBe(0);
        const verify = ["audit", "verify", "--store", `sqlite:${world.at("f/.web.state.db")}`];
        expect((await world.inside(verify)).code).toBe(0);
        expect(growthOf(soaked)).toBeLessThan(growthLimit);
      },
      // The dead leave the list soon: what is held of them is no leak, and there are many.
      { launchDelayMs: 200, terminateDelayMs: 100, keptAfterEndMs: 60_000 },
    ),
    (seconds + 300) * 1_000,
  );
});
