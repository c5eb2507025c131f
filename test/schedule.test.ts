// Holds operations on a fleet against the ideal schedule of their waits, in virtual time, which no machine slows down.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeMemoryStore } from "@muster/core";
import { type FakeCloud, fakeResource, makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { FakeFleet } from "@muster/testkit/fleet/fake-fleet";
import { whileTimePasses } from "@muster/testkit/fleet/passing-time";
import type { Ended, OperationError } from "../packages/cli/src/fleet/answer.ts";
import { askedIn, type Fleet } from "../packages/cli/src/fleet/opened.ts";
import { rollingRestart } from "../packages/cli/src/fleet/restart.ts";
import { scale } from "../packages/cli/src/fleet/scale.ts";

/** Members that the plan removes at a time, as the fake fleet has it. */
const parallelRemove = 10;
/** So much of a launch or a removal passes at a time. */
const grain = 100;

const fleetOf = (cloud: FakeCloud, folder: string, count: number): Fleet => {
  const spec = { parallel: 20, groups: [{ name: "web", count }] };
  const document = { kind: "FakeFleet", metadata: { name: "site" }, spec };
  const asked = askedIn({ file: "site.json", text: JSON.stringify(document) }, [FakeFleet]);
  if ("faults" in asked) throw new Error(JSON.stringify(asked.faults));
  return {
    ...asked,
    kinds: [FakeFleet],
    handlers: (resource) =>
      resource === fakeResource ? Effect.succeed(cloud.handler) : Effect.die(resource),
    store: makeMemoryStore(),
    owner: "us",
    by: "tester",
    pace: {},
    leaseMillis: null,
    verifyMillis: 120_000,
    ledger: join(folder, "ledger.json"),
    tell: () => Effect.void,
  };
};

/** A fleet of so many, on a cloud whose launches and removals take their time from now on. */
const open = (count: number, times: { readonly launch: number; readonly remove: number }) =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "muster-schedule-"))),
      (made) => Effect.promise(() => rm(made, { recursive: true, force: true })),
    );
    const cloud = makeFakeCloud();
    const fleet = fleetOf(cloud, folder, count);
    yield* whileTimePasses(scale(fleet, scaleTo(count)));
    cloud.faults.launchMillis = times.launch;
    cloud.faults.removeMillis = times.remove;
    return { cloud, fleet, grainMillis: Math.min(times.launch, times.remove) / grain };
  });

const scaleTo = (desired: number) => ({
  desired,
  by: "tester",
  reason: null,
  forMillis: null,
  dryRun: false,
  daemon: { running: false, holder: null },
});

/** From the first change to the last look at one: what comes before and after waits for nothing. */
const spanOf = (
  cloud: FakeCloud,
  operation: Effect.Effect<Ended, OperationError>,
  grainMillis: number,
) =>
  Effect.gen(function* () {
    const before = { changes: cloud.mutations().length, calls: cloud.calls().length };
    const { verdict } = yield* whileTimePasses(operation, grainMillis);
    assert.strictEqual(verdict, "done");
    const began = cloud.mutations()[before.changes]!.at;
    const looks = cloud
      .calls()
      .slice(before.calls)
      .filter((call) => call.operation === "created" || call.operation === "removed");
    return looks.at(-1)!.at - began;
  });

describe("a schedule in virtual time", () => {
  for (const remove of [1_000, 30_000]) {
    it.effect(`of 200 removals of ${remove / 1_000} s loses little`, () =>
      Effect.gen(function* () {
        const { cloud, fleet, grainMillis } = yield* open(200, { launch: 1_000, remove });
        const took = yield* spanOf(cloud, scale(fleet, scaleTo(0)), grainMillis);
        const ratio = took / ((200 / parallelRemove) * remove);
        assert.isAtLeast(ratio, 1);
        assert.isAtMost(ratio, 1.1);
      }).pipe(Effect.scoped),
    );
  }

  for (const times of [
    { launch: 2_000, remove: 1_000 },
    { launch: 5_000, remove: 3_000 },
    { launch: 45_000, remove: 30_000 },
  ]) {
    const named = `${times.remove / 1_000} s and launches of ${times.launch / 1_000} s`;
    it.effect(`of a rolling restart of 20, by removals of ${named}, loses little`, () =>
      Effect.gen(function* () {
        const { cloud, fleet, grainMillis } = yield* open(20, times);
        const restart = rollingRestart(fleet, { by: "tester", reason: null, dryRun: false });
        const took = yield* spanOf(cloud, restart, grainMillis);
        assert.lengthOf(
          cloud.mutations().filter(({ operation }) => operation === "remove"),
          20,
        );
        const ratio = took / (20 * (times.launch + times.remove));
        assert.isAtLeast(ratio, 1);
        assert.isAtMost(ratio, 1.15);
      }).pipe(Effect.scoped),
    );
  }
});
