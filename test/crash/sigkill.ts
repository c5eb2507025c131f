// The same sweep with real processes, real SIGKILL, a real database file and a count from outside.

import * as assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import * as path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { openSqliteStore } from "@muster/store-sql";
import { countWalCommits } from "@muster/testkit/store/wal";
import { expectAnnounced, expectAnswered, memoryIn } from "./recorded.ts";
import { counts, expectWhole, lagMillis, live, pastLease, type Sweep } from "./sweep.ts";
import { type Command, openWorld, type World } from "./world.ts";

const lifeFile = fileURLToPath(new URL("life.ts", import.meta.url));

export interface KillCase {
  readonly command: Command;
  /** Which of the whole sequence's points to die at; nothing lives to the end. */
  readonly at?: number;
  readonly successor: "same store" | "empty store, lagging list";
  /** A folder where the many short lives keep compiled code for each other. */
  readonly cache: string;
}

export interface KillSweep extends Sweep {
  /** Transactions that the database itself shows in its log. */
  readonly commits: number;
  readonly died: boolean;
}

export const killCase = (one: KillCase): Effect.Effect<KillSweep, never, Scope.Scope> =>
  Effect.gen(function* () {
    const lagging = one.successor !== "same store";
    const world = yield* openWorld({
      command: one.command,
      listLagMs: lagging ? lagMillis : 0,
      store: "sqlite:PLACE",
    });
    yield* Effect.promise(() => mkdir(path.join(world.folder, "stores")));
    const first = path.join(world.folder, "stores", "first.db");
    let place = first;
    const labels = path.join(world.folder, "labels");
    const course = { passed: 0, later: 0, died: false };
    const watcher = yield* watchDatabase(place);
    for (const count of counts) {
      yield* world.ask(count);
      const left = one.at === undefined || course.died ? 0 : Math.max(0, one.at - course.passed);
      let code = yield* liveOnce({ world, cache: one.cache }, place, labels, left, course.later);
      course.passed = labelsIn(labels).length;
      if (code === "killed") {
        course.died = true;
        if (lagging) place = path.join(world.folder, "stores", "second.db");
        course.later += pastLease;
        code = yield* liveOnce({ world, cache: one.cache }, place, labels, 0, course.later);
      }
      assert.equal(code, 0, `asked for ${count}`);
      if (lagging && course.died) {
        world.simulator.advance(lagMillis);
        course.later += pastLease;
        assert.equal(
          yield* liveOnce({ world, cache: one.cache }, place, labels, 0, course.later),
          0,
        );
      }
      assert.equal(live(world).length, count, `after ${count} was asked`);
    }
    yield* expectWhole(world);
    const memories = yield* Effect.forEach(new Set([first, place]), memoryOf);
    expectAnswered(memories.at(-1)!);
    const entries = memories.flatMap((memory) => memory.entries);
    expectAnnounced(entries, world.simulator.journal());
    return {
      labels: labelsIn(labels),
      mutations: world.simulator.journal().length,
      pushes: yield* Effect.promise(() => world.pushes()),
      commits: watcher(),
      died: course.died,
    };
  });

const memoryOf = (file: string) =>
  Effect.scoped(
    Effect.flatMap(Effect.orDie(openSqliteStore({ path: file, readOnly: true })), memoryIn),
  );

/** Makes the store, and holds its log back from being cleared, so that it shows every commit. */
const watchDatabase = (file: string): Effect.Effect<() => number, never, Scope.Scope> =>
  Effect.gen(function* () {
    yield* Effect.scoped(Effect.orDie(openSqliteStore({ path: file })));
    const database = yield* Effect.acquireRelease(
      Effect.sync(() => new DatabaseSync(file)),
      (opened) => Effect.sync(() => opened.close()),
    );
    database.exec("BEGIN; SELECT count(*) FROM records;");
    const before = countWalCommits(file);
    return () => countWalCommits(file) - before;
  });

const labelsIn = (file: string): ReadonlyArray<string> => {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
};

const liveOnce = (
  { world, cache }: { readonly world: World; readonly cache: string },
  place: string,
  labels: string,
  at: number,
  later: number,
): Effect.Effect<number | "killed"> =>
  Effect.promise(
    () =>
      new Promise((resolve, reject) => {
        const args = world.args.map((arg) => (arg === "sqlite:PLACE" ? `sqlite:${place}` : arg));
        const child: ChildProcess = spawn(
          process.execPath,
          [
            "--conditions=muster-source",
            lifeFile,
            String(at),
            String(later),
            labels,
            "--",
            ...args,
          ],
          {
            env: { ...world.env, NODE_NO_WARNINGS: "1", NODE_COMPILE_CACHE: cache },
            stdio: ["ignore", "ignore", "pipe"],
          },
        );
        let said = "";
        child.stderr!.on("data", (data: Buffer) => (said += data.toString()));
        child.once("error", reject);
        child.once("close", (code, signal) => {
          if (signal === "SIGKILL") resolve("killed");
          else if (code === 0) resolve(0);
          else
            reject(
              new Error(`${args.join(" ")} ended with ${code ?? signal}: ${said.slice(-2000)}`),
            );
        });
      }),
  );
