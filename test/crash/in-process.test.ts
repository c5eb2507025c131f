import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
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
            new Error(`${command}, ${successor}, point ${at} of ${n} (${whole.labels[at - 1]}): ${String(defect)}`),
          ),
        ),
      );
    }
    return n;
  });

describe("law 3: killed at every point", () => {
  for (const command of ["apply", "run"] as const) {
    for (const successor of ["same store", "empty store, lagging list"] as const) {
      it.live(`${command}, ${successor}`, () => sweepAll(command, successor), 600 * seconds);
    }
  }
});
