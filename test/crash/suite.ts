// Kills one command at every one of its points, in process, and lets a successor take it up.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { sweepInMemory } from "./room.ts";
import { type Case, sweepCase } from "./sweep.ts";

const seconds = 1_000;

/** Every point of one command, one after the other. */
const sweepAll = (command: Case["command"], successor: Case["successor"]) =>
  Effect.gen(function* () {
    const whole = yield* Effect.scoped(sweepCase({ command, successor }));
    const n = whole.labels.length;
    const commits = whole.labels.filter((label) => label === "after commit").length;
    assert.isAtLeast(n, 2 * whole.mutations + whole.pushes + commits);
    assert.strictEqual(whole.mutations, 8);
    for (let at = 1; at <= n; at += 1) {
      yield* Effect.scoped(sweepCase({ command, at, successor })).pipe(
        Effect.catchDefect((defect) =>
          Effect.die(
            new Error(
              `${command}, ${successor}, point ${at} of ${n} (${whole.labels[at - 1]}): ${String(defect)}`,
            ),
          ),
        ),
      );
    }
    return n;
  });

/** One command with one sort of successor; each has a file of its own, so that they run side by side. */
export const describeSweep = (command: Case["command"], successor: Case["successor"]): void => {
  describe("law 3: killed at every point", () => {
    sweepInMemory();
    it.live(`${command}, ${successor}`, () => sweepAll(command, successor), 900 * seconds);
  });
};
