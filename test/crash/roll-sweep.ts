// Kills each command of the roll at every point on its way, in this process, and lets another one take it up.

import * as assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { historyOwner, sightingsOwner } from "@muster/core/inventory/history";
import { inventoryOwner } from "@muster/core/inventory/roll";
import { recordKey, type StoreRecord } from "@muster/core/words/record";
import { type StoreError, type StoreShape, verifyChain } from "@muster/core";
import { makeCrashPoints } from "@muster/testkit/store/crash";
import {
  type Image,
  makeJourney,
  plantImage,
  readImage,
  spell,
  type Step,
  take,
} from "./roll-world.ts";
import { seeded } from "./seeded.ts";

/** A new place for a store, which can be opened again and again. */
export type Place = Effect.Effect<
  { readonly open: Effect.Effect<StoreShape, StoreError, Scope.Scope> },
  never,
  Scope.Scope
>;

interface Stage {
  readonly step: Step;
  readonly before: Image;
  readonly after: Image;
  readonly points: ReadonlyArray<string>;
}

/** `most`: how many points of one command, chosen by a seed; all when not given. */
export const sweepRoll = (place: Place, most?: number): Effect.Effect<ReadonlyArray<string>> =>
  Effect.scoped(
    Effect.gen(function* () {
      const stages = yield* liveThrough(place);
      const died: Array<string> = [];
      for (const stage of stages) {
        const n = stage.points.length;
        const chosen =
          most === undefined ? stage.points.map((_, index) => index + 1) : seeded(n, most);
        for (const at of chosen) {
          const where = `${stage.step.name}, point ${at} of ${n}`;
          const label = yield* Effect.scoped(dieAt(place, stage, at)).pipe(
            Effect.catchDefect((defect) => Effect.die(new Error(`${where}: ${String(defect)}`))),
          );
          died.push(`${stage.step.args[0]}: ${label.replace(/ at .*/u, "")}`);
        }
      }
      return died;
    }),
  );

/** The journey without a death: what there is before and after each step, and its points. */
const liveThrough = Effect.fnUntraced(function* (place: Place) {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "muster-roll-"))),
    (made) => Effect.promise(() => rm(made, { recursive: true, force: true })),
  );
  const store = yield* Effect.orDie((yield* place).open);
  const stages: Array<Stage> = [];
  for (const step of yield* Effect.promise(() => makeJourney(folder))) {
    const before = yield* readImage(store);
    const points = yield* makeCrashPoints({ act: "count" });
    assert.equal(yield* take(step, store, points), step.code, step.name);
    stages.push({ step, before, after: yield* readImage(store), points: yield* points.labels });
  }
  return stages;
});

/** Dies at a point, looks at what is left, and takes the step up; answers what it died at. */
const dieAt = Effect.fnUntraced(function* (
  place: Place,
  { step, before, after }: Stage,
  at: number,
) {
  const { open } = yield* place;
  const end = yield* Effect.scoped(
    Effect.gen(function* () {
      const store = yield* Effect.orDie(open);
      yield* plantImage(store, before);
      const points = yield* makeCrashPoints({ act: "interrupt", at });
      return yield* points.run(take(step, store, points));
    }),
  );
  // What was under way at the same time may have come out otherwise than when the points were counted.
  if (end._tag === "Ended") return "nothing";
  const store = yield* Effect.orDie(open);
  expectNoHalves(yield* readImage(store), before, after);
  yield* expectWholeChain(store);
  const code = yield* take(step, store, yield* makeCrashPoints({ act: "count" }));
  assert.equal(code, step.code, "the next run ends as the first would have");
  assert.equal(spell(yield* readImage(store)), spell(after), "as if nothing had happened");
  yield* expectWholeChain(store);
  yield* expectQuiet(store, step, after);
  return end.label;
});

/** What was said is not said again, however late somebody repeats it. */
const expectQuiet = Effect.fnUntraced(function* (store: StoreShape, step: Step, after: Image) {
  if (step.args.includes("refresh")) return;
  const late = { ...step, at: new Date(step.at.getTime() + 3_600_000) };
  yield* take(late, store, yield* makeCrashPoints({ act: "count" }));
  assert.equal(spell(yield* readImage(store)), spell(after), "repeated, it changes nothing");
});

const expectWholeChain = (store: StoreShape): Effect.Effect<void> =>
  Effect.gen(function* () {
    const entries = yield* store.auditEntries(0, 10_000);
    assert.equal(verifyChain(entries, yield* store.auditHead), undefined);
  }).pipe(Effect.orDie);

/**
 * What was said of the roll is there with its audit entry, or neither is. Each host's history and
 * sighting is the old one or the new one, nothing is known that no history tells, and each override
 * that a history names is there.
 */
const expectNoHalves = (torn: Image, before: Image, after: Image): void => {
  const rollIn = ({ shares, audit }: Image) =>
    spell({ shares: new Map([["roll", shares.get(inventoryOwner) ?? []]]), audit });
  assert.ok([rollIn(before), rollIn(after)].includes(rollIn(torn)), "the roll and its audit");
  const histories = keyed(torn, historyOwner);
  for (const [owner, what] of [
    [historyOwner, "history"],
    [sightingsOwner, "sighting"],
  ] as const) {
    const [old, now] = [keyed(before, owner), keyed(after, owner)];
    for (const key of new Set([...old.keys(), ...now.keys(), ...keyed(torn, owner).keys()])) {
      const record = keyed(torn, owner).get(key);
      // An override that is new may stand without the history that names it, never without bytes.
      const isWhole = [old.get(key), now.get(key)].some((one) => isSame(one, record));
      assert.ok(isWhole, `the ${what} ${key} is half of one`);
      if (record?._tag !== "Sighting" || isSame(record, old.get(key))) continue;
      const history = histories.get(`History/${record.sighting.host}`);
      const told = keyed(after, historyOwner).get(`History/${record.sighting.host}`);
      assert.ok(isSame(history, told), `${key} is known, and no history tells it`);
    }
  }
  for (const record of histories.values()) {
    if (record._tag !== "History") continue;
    const old = keyed(before, historyOwner).get(recordKey(record));
    for (const look of old?._tag === "History" ? old.looks : []) {
      assert.ok(
        record.looks.some(({ at }) => at === look.at),
        `a look at ${record.host} is lost`,
      );
    }
    for (const { facts } of record.looks) {
      const sha = facts?.overrideSha ?? null;
      assert.ok(sha === null || histories.has(`Content/${sha}`), `the override ${sha} is lost`);
    }
  }
};

const keyed = ({ shares }: Image, owner: string): ReadonlyMap<string, StoreRecord> =>
  new Map((shares.get(owner) ?? []).map((record) => [recordKey(record), record]));

const isSame = (one: StoreRecord | undefined, other: StoreRecord | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
