// One process that lives until its point: muster itself, dying by SIGKILL where it is told to.
//
// node life.ts POINT LATER_MILLIS LABELS_FILE -- ARGS…   (POINT 0 lives to the end)

import { appendFileSync } from "node:fs";
import * as Effect from "effect/Effect";
import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import { makeCrashPoints } from "@muster/testkit/store/crash";
import { openSqliteStore } from "@muster/store-sql";
import { runCli } from "../../packages/cli/src/cli.ts";
import { teardown } from "../../packages/cli/src/exit.ts";
import { surroundings } from "./world.ts";

const [point, later, labelsFile, , ...args] = process.argv.slice(2);
const at = Number(point);

const program = Effect.gen(function* () {
  const points = yield* makeCrashPoints(at === 0 ? { act: "count" } : { act: "kill", at });
  const told = {
    ...points,
    hit: (label: string) =>
      Effect.andThen(
        Effect.sync(() => appendFileSync(labelsFile!, `${label}\n`)),
        points.hit(label),
      ),
  };
  const env = process.env as Record<string, string>;
  const store = (place: { readonly path: string }) => Effect.orDie(openSqliteStore(place));
  yield* surroundings(runCli(args), env, { points: told, store, later: Number(later) });
});

NodeRuntime.runMain(program, { disableErrorReporting: true, teardown });
