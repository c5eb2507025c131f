// A process of its own for tests: commits or counts on a store, and may be told to die at a point.

import { crashingStore, makeCrashPoints } from "@muster/testkit/store/crash";
import { sampleDraft, sampleStatus } from "@muster/testkit/store/samples";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { openPostgresStore } from "../src/open-postgres.ts";
import { openSqliteStore } from "../src/open.ts";
import { parseStorePlace } from "../src/place.ts";
import { countUp } from "./count.ts";

const [text = "", name = "", count = "0", at = "0"] = process.argv.slice(2);

const open = () => {
  const place = Result.getOrThrow(parseStorePlace(text));
  if (place._tag === "Memory") throw new Error("a store in memory is no other process's");
  return place._tag === "Postgres" ? openPostgresStore({ place }) : openSqliteStore(place);
};

const program = Effect.gen(function* () {
  const points = yield* makeCrashPoints({ act: "kill", at: Number(at) });
  const store = crashingStore(yield* open(), points);
  for (let turn = 0; turn < Number(count); turn += 1) {
    const action = `${name}-${turn}`;
    if (name.startsWith("count-")) {
      process.stdout.write(`${yield* countUp(store)}\n`);
      continue;
    }
    const puts = [sampleStatus(action)];
    const { seq } = yield* store.commit({ owner: name, puts, audit: [sampleDraft(action)] });
    process.stdout.write(`${seq}\n`);
  }
});

await Effect.runPromise(Effect.scoped(program));
