// A process of its own for tests: commits and claims on a store, and may be told to die at a point.

import { crashingStore, makeCrashPoints } from "@muster/testkit/store/crash";
import { sampleDraft, sampleStatus } from "@muster/testkit/store/samples";
import * as Effect from "effect/Effect";
import { openSqliteStore } from "../src/open.ts";

const [path = "", name = "", count = "0", at = "0"] = process.argv.slice(2);

const program = Effect.gen(function* () {
  const points = yield* makeCrashPoints({ act: "kill", at: Number(at) });
  const store = crashingStore(yield* openSqliteStore({ path }), points);
  for (let turn = 0; turn < Number(count); turn += 1) {
    const action = `${name}-${turn}`;
    const puts = [sampleStatus(action)];
    const { seq } = yield* store.commit({ owner: name, puts, audit: [sampleDraft(action)] });
    process.stdout.write(`${seq}\n`);
  }
});

await Effect.runPromise(Effect.scoped(program));
