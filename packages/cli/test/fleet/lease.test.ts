// Checks the lease of an operation: how its holder is named, and who is waited out and who is not.

import { spawnSync } from "node:child_process";
import { hostname } from "node:os";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { describe, expect, it } from "@effect/vitest";
import { makeMemoryStore } from "@muster/core";
import type { FleetEvent } from "../../src/fleet/event.ts";
import { holderOf, readHolder, underLease } from "../../src/fleet/lease.ts";
import type { Fleet } from "../../src/fleet/opened.ts";

describe("the holder of a fleet's lease", () => {
  it("names person, process, host and operation", () => {
    const text = holderOf("ann@host", 4711, "host", "scale-up");
    expect(text).toBe("ann@host, process 4711 on host: scale-up");
    const read = { by: "ann@host", pid: 4711, host: "host", operation: "scale-up" };
    expect(readHolder(text)).toEqual(read);
    expect(readHolder(`${text}#0123abcd`)).toEqual(read);
  });

  it.each(["ann@host 6f1c0d5e", "", "x, process -1 on h: scale", "x, process 99999999999 on h: s"])(
    "is not guessed from %j",
    (text) => {
      expect(readHolder(text)).toBeNull();
    },
  );
});

/** The number of a process that has ended. */
const endedPid = (): number => spawnSync(process.execPath, ["-e", ""]).pid;

/** A fleet whose lease somebody holds for 30 s more. */
const heldBy = Effect.fnUntraced(function* (holder: string) {
  const store = makeMemoryStore();
  yield* store.claimLease({ owner: "cli", expected: 0, holder, expiresAt: 30_000 });
  const told: Array<FleetEvent> = [];
  // What a lease asks of a fleet, and no more.
  const fleet = {
    store,
    owner: "cli",
    by: "bob@host",
    pace: {},
    leaseMillis: null,
    tell: (event: FleetEvent) => Effect.sync(() => void told.push(event)),
  } as unknown as Fleet;
  return { fleet, told };
});

describe("a lease that somebody holds", () => {
  it.effect("is waited out when its process on this machine has ended", () =>
    Effect.gen(function* () {
      const { fleet, told } = yield* heldBy(holderOf("ann", endedPid(), hostname(), "scale-up"));
      const work = yield* Effect.forkChild(
        underLease(fleet, "scale-down", () => Effect.succeed("worked")),
      );
      yield* Effect.yieldNow;
      yield* TestClock.adjust(31_000);
      expect(yield* Fiber.join(work)).toBe("worked");
      expect(told).toMatchObject([{ type: "waiting", millis: 30_050 }]);
    }),
  );

  it.effect.each([
    ["a process that lives", process.ppid, hostname(), "scale-up"],
    ["one of another machine", endedPid(), "elsewhere", "rolling-restart"],
  ] as const)("is not waited for when its holder is %s", ([, pid, host, operation]) =>
    Effect.gen(function* () {
      const { fleet, told } = yield* heldBy(holderOf("ann", pid, host, operation));
      const work = yield* Effect.forkChild(underLease(fleet, "scale-down", () => Effect.void));
      yield* Effect.yieldNow;
      yield* TestClock.adjust(31_000);
      const busy = yield* Effect.flip(Fiber.join(work));
      expect(busy).toMatchObject({ _tag: "FleetBusy", operation });
      expect(busy.message).toBe(
        `the fleet is busy: ann, process ${pid} on ${host} is at ${operation}`,
      );
      expect(told).toEqual([]);
    }),
  );

  it.effect("by another sort of run is told as it names itself", () =>
    Effect.gen(function* () {
      const { fleet } = yield* heldBy("ann@host 6f1c0d5e#0123abcd");
      const busy = yield* Effect.flip(underLease(fleet, "scale-down", () => Effect.void));
      expect(busy.message).toBe("the fleet is busy: ann@host 6f1c0d5e is at another run");
    }),
  );
});
