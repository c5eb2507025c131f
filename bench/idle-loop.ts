// What bench/idle.ts does in processes of its own: make the documents so, or loop over them with nothing to do.

import { join } from "node:path";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Queue from "effect/Queue";
import { defaultPace, Store } from "@muster/core";
import {
  Git,
  type LoopEvent,
  ownerOf,
  resolveRepository,
  runLoop,
  runOnce,
} from "@muster/gitops-runner";
import { oci } from "@muster/provider-oci";
import { openSqliteStore } from "@muster/store-sql";
import { spareMemory } from "../packages/cli/src/memory.ts";

/** Garbage that is swept late piles up from tick to tick: after five there is half of it. */
const ticks = 30;

export interface Given {
  readonly endpoint: string;
  readonly configFile: string;
  readonly folder: string;
  readonly remote: string;
}

const openRunner = (given: Given) =>
  Effect.gen(function* () {
    const repository = yield* resolveRepository(given.remote);
    return {
      repository,
      branch: "main",
      path: ".",
      environment: "default",
      owner: ownerOf(repository, "default"),
      cache: join(given.folder, "cache"),
      plugins: [
        oci({
          endpoint: given.endpoint,
          env: { HOME: given.folder },
          profiles: [{ name: "DEFAULT", configFile: given.configFile }],
        }),
      ],
      signers: null,
      holder: "bench",
      pace: { ...defaultPace, pollMillis: 20 },
    };
  });

const inStore = <A, E>(given: Given, program: Effect.Effect<A, E, Store | Git>): Promise<A> =>
  openSqliteStore({ path: join(given.folder, "bench.db") }).pipe(
    Effect.flatMap((store) => Effect.provideService(program, Store, store)),
    Effect.scoped,
    Effect.provide(Git.layer({ environment: process.env })),
    Effect.runPromise,
  );

const converge = (given: Given): Promise<number> =>
  inStore(
    given,
    Effect.gen(function* () {
      const options = yield* openRunner(given);
      const { report: ran } = yield* runOnce({ ...options, run: "first" });
      const done = ran.outcomes.filter(({ result }) => result === "done").length;
      return done;
    }),
  );

export interface Measured {
  readonly first: number;
  readonly later: ReadonlyArray<number>;
  readonly idleBytes: number;
  readonly peakBytes: number;
  /** What stays in the heap after a sweep, above what stood there before. */
  readonly keptBytes: number;
  readonly news: number;
}

/** In a process of its own: what is loaded and held before the first tick is what it is held against. */
const measure = (given: Given): Promise<Measured> =>
  inStore(
    given,
    Effect.gen(function* () {
      // As `muster run` does.
      yield* spareMemory;
      yield* Effect.promise(() => import("../packages/provider-oci/src/client.ts"));
      const options = yield* openRunner(given);
      globalThis.gc?.();
      const idleBytes = process.memoryUsage.rss();
      const heapBefore = process.memoryUsage().heapUsed;
      const stop = yield* Deferred.make<void>();
      const took: Array<number> = [];
      let news = 0;
      const onLoop = (event: LoopEvent) =>
        Effect.suspend(() => {
          if (event.type !== "ticked") return Effect.void;
          took.push(Date.now() - event.state.lastTickAt!);
          if (event.ticked.news) news += 1;
          return took.length > ticks ? Deferred.succeed(stop, undefined) : Effect.void;
        });
      yield* runLoop(
        { settle: Effect.succeed(options), intervalMillis: 1_000, onLoop },
        { reload: yield* Queue.unbounded<void>(), stop },
      );
      const peakBytes = process.resourceUsage().maxRSS * 1_024;
      globalThis.gc?.();
      const keptBytes = process.memoryUsage().heapUsed - heapBefore;
      return { first: took[0]!, later: took.slice(1), idleBytes, peakBytes, keptBytes, news };
    }),
  );

const [task, text] = process.argv.slice(2);
const given = JSON.parse(text!) as Given;
process.send?.(await (task === "converge" ? converge(given) : measure(given)));
process.disconnect();
