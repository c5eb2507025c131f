import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { killCase } from "./sigkill.ts";

const seconds = 1_000;
/** Chosen by a fixed seed, so that a failure can be met again; all points run at night. */
const seed = 20_260_501;
const pointsPerCommand = 10;

/** A small linear congruential generator: the same points on every machine. */
const seeded = (n: number, many: number): ReadonlyArray<number> => {
  const points: Array<number> = [];
  for (let state = seed; points.length < Math.min(n, many); ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const point = 1 + (state % n);
    if (!points.includes(point)) points.push(point);
  }
  return points;
};

const everyPoint = process.env["MUSTER_EVERY_POINT"] === "1";

describe("law 3: SIGKILL", () => {
  for (const command of ["apply", "run"] as const) {
    it.live(
      command,
      () =>
        Effect.gen(function* () {
          const whole = yield* Effect.scoped(killCase({ command, successor: "same store" }));
          const n = whole.labels.length;
          assert.strictEqual(whole.mutations, 8);
          assert.isAbove(whole.commits, 0);
          assert.strictEqual(whole.pushes > 0, command === "run");
          // Counted from outside: by the simulator, by the repository's hook, by the database's log.
          assert.isAtLeast(n, 2 * whole.mutations + whole.pushes + whole.commits);
          for (const at of seeded(n, everyPoint ? n : pointsPerCommand)) {
            const successor = at % 2 === 0 ? "same store" : "empty store, lagging list";
            const swept = yield* Effect.scoped(killCase({ command, at, successor }));
            assert.isTrue(swept.died, `point ${at} of ${n} was not reached`);
          }
        }),
      (everyPoint ? 7_200 : 600) * seconds,
    );
  }
});
