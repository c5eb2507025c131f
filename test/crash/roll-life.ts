// One process of the command about hosts that lives until its point: dying by SIGKILL around a commit.
//
// node roll-life.ts POINT ARGS…

import * as Effect from "effect/Effect";
import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import { crashingStore, makeCrashPoints } from "@muster/testkit/store/crash";
import { teardown } from "../../packages/cli/src/exit.ts";
import { runFleetroll } from "../../packages/cli/src/fleetroll.ts";
import { defaultWiring, Wiring } from "../../packages/cli/src/wiring.ts";

const [point, ...args] = process.argv.slice(2);

const program = Effect.gen(function* () {
  const points = yield* makeCrashPoints({ act: "kill", at: Number(point) });
  yield* runFleetroll(args).pipe(
    Effect.provideService(Wiring, {
      ...defaultWiring,
      openStore: (place, access) =>
        Effect.map(defaultWiring.openStore(place, access), (store) => crashingStore(store, points)),
    }),
  );
});

NodeRuntime.runMain(program, { disableErrorReporting: true, teardown });
