// Kills one command at some of its points, in processes of their own, and counts the points from outside.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { seeded } from "./seeded.ts";
import { killCase } from "./sigkill.ts";
import type { Command } from "./world.ts";

const seconds = 1_000;
const pointsPerCommand = 10;

const cache = mkdtempSync(join(tmpdir(), "muster-compiled-"));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

/** At night all points are tried, each with both successors; `MUSTER_EVERY_POINT=1`. */
const everyPoint = process.env["MUSTER_EVERY_POINT"] === "1";

const successors = ["same store", "empty store, lagging list"] as const;

const casesOf = (n: number) =>
  everyPoint
    ? Array.from({ length: n }, (_, index) => index + 1).flatMap((at) =>
        successors.map((successor) => ({ at, successor })),
      )
    : seeded(n, pointsPerCommand).map((at) => ({ at, successor: successors[at % 2]! }));

/** A few seeded points in CI, all of them at night; each command has a file of its own. */
export const describeKills = (command: Command): void => {
  describe("law 3: SIGKILL", () => {
    it.live(
      command,
      () =>
        Effect.gen(function* () {
          const whole = yield* Effect.scoped(killCase({ command, successor: "same store", cache }));
          const n = whole.labels.length;
          assert.strictEqual(whole.mutations, 8);
          assert.isAbove(whole.commits, 0);
          assert.strictEqual(whole.pushes > 0, command === "run");
          // Counted from outside: by the simulator, by the repository's hook, by the database's log.
          assert.isAtLeast(n, 2 * whole.mutations + whole.pushes + whole.commits);
          let beyond = 0;
          for (const { at, successor } of casesOf(n)) {
            const swept = yield* Effect.scoped(killCase({ command, at, successor, cache }));
            // Commits are gathered as the clock has it, so a sequence may have a few points less.
            const ended = swept.labels.length;
            assert.isTrue(swept.died || ended < at, `lived past point ${at} of ${ended}`);
            if (!swept.died) beyond += 1;
          }
          assert.isAtMost(beyond, n / 10);
        }),
      (everyPoint ? 7_200 : 600) * seconds,
    );
  });
};
