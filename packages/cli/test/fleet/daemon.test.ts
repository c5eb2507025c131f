// Checks the control loop, line by line of the specification: reload, desired, discover, reconcile, telemetry, one operation at a time.

import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Queue from "effect/Queue";
import * as Schema from "effect/Schema";
import * as Stream from "effect/Stream";
import { describe, expect, it } from "@effect/vitest";
import { FleetMetrics } from "@muster/sdk/fleet-contract";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";
import { makeDaemon } from "../../src/fleet/daemon.ts";
import { type Opened, withDaemon } from "./daemon.ts";

const write = (world: World, text: string) =>
  Effect.promise(() => world.write("f/fleet.yaml", text));

const isWhole = Schema.is(FleetMetrics);

describe("Master Reconciliation Loop (daemon mode)", () => {
  it(
    "desired is sum(instances[].count); actual != desired: Scale(desiredTotal), then verify and SyncState",
    inWorld(async (world) => {
      await world.write(
        "f/fleet.yaml",
        fleet(0, {
          groups: [
            { name: "web", count: 2 },
            { name: "batch", count: 1 },
          ],
        }),
      );
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          const before = yield* daemon.control.metrics;
          expect(isWhole(before)).toBe(true);
          expect(before.control).toMatchObject({ enabled: true, interval: "30s", desired: 3 });
          expect(before.control).toMatchObject({ loopCount: 0, override: null });
          expect(before.control.actual).toBeUndefined();
          expect(before.control.lastTick).toBeUndefined();

          yield* daemon.whole;
          const after = yield* daemon.control.metrics;
          expect(isWhole(after)).toBe(true);
          expect(after).toMatchObject({ fleet: "web", localActive: 3, remoteActive: 3 });
          expect(after.control).toMatchObject({
            desired: 3,
            actual: 3,
            lastAction: "scale to 3",
            loopCount: 1,
          });
          expect(after.actions).toMatchObject({
            operation: "scale-up",
            phase: "done",
            launchRequested: 3,
            launchSucceeded: 3,
            launchFailed: 0,
          });
          expect(living(world.simulator)).toHaveLength(3);
          expect(
            readFileSync(world.at("f/.web.state.json"), "utf8").match(/"active"/gu),
          ).toHaveLength(3);
        }),
      );
    }),
  );

  it(
    "/control returns enabled=true, correct interval, consistently advancing lastTick and loopCount; else noop",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          const writes = world.simulator.journal().length;
          let last = (yield* daemon.control.metrics).control;
          for (let turn = 2; turn <= 4; turn += 1) {
            yield* daemon.whole;
            const { control } = yield* daemon.control.metrics;
            expect(control).toMatchObject({ loopCount: turn, lastAction: "noop", actual: 1 });
            expect(control.lastTick! >= last.lastTick!).toBe(true);
            expect(control.lastError).toBeUndefined();
            last = control;
          }
          expect(world.simulator.journal()).toHaveLength(writes);
        }),
      );
    }),
  );

  it(
    "launches again what was terminated behind its back, and corrects drift of the count only",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(2));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          world.simulator.kill(living(world.simulator)[0]!);
          yield* daemon.whole;
          expect(living(world.simulator)).toHaveLength(2);
          world.simulator.stop(living(world.simulator)[0]!);
          const writes = world.simulator.journal().length;
          const status = yield* daemon.control.status;
          expect(status).toContain("phase is stopped, asked is running");
          expect(world.simulator.journal()).toHaveLength(writes);
        }),
      );
    }),
  );

  it(
    "Error handling: lastError tells the last loop error, and is gone with it",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          world.simulator.faults.set([
            {
              operation: "ListInstances",
              answer: { status: 404, code: "NotAuthorizedOrNotFound", message: "not for you" },
            },
          ]);
          yield* daemon.whole;
          yield* daemon.whole;
          const { control, remoteActive } = yield* daemon.control.metrics;
          expect(control.lastError).toContain("not for you");
          // In the log too, once while it lasts.
          expect(daemon.said().match(/not for you/gu)).toHaveLength(1);
          expect(control).toMatchObject({ lastAction: "noop", loopCount: 2 });
          expect(remoteActive).toBeUndefined();
          world.simulator.faults.clear();
          yield* daemon.whole;
          const after = yield* daemon.control.metrics;
          expect(after.control.lastError).toBeUndefined();
          expect(after.remoteActive).toBe(1);
        }),
      );
    }),
  );

  it(
    "Error handling: what reconciling dies of is told, and the loop goes on",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, ({ fleet: opened }) =>
        Effect.gen(function* () {
          let said = "";
          const daemon = yield* makeDaemon(
            {
              ...opened,
              tell: ({ type }) =>
                type === "verifying" ? Effect.die(new Error("a hole in it")) : Effect.void,
            },
            {
              file: world.at("f/fleet.yaml"),
              interval: "30s",
              intervalMillis: 30_000,
              graceMillis: 10_000,
              log: (text) => Effect.sync(() => void (said += `${text}\n`)),
              onTurn: () => Effect.void,
            },
          );
          yield* Effect.andThen(daemon.turn, daemon.idle);
          expect((yield* daemon.control.metrics).control.lastError).toContain("a hole in it");
          expect(said).toContain("internal error: Error: a hole in it");
          yield* Effect.andThen(daemon.turn, daemon.idle);
          expect((yield* daemon.control.metrics).control).toMatchObject({
            loopCount: 2,
            actual: 1,
          });
        }),
      );
    }),
  );
});

describe("Reload config", () => {
  it(
    "When config is modified, lastConfigReload updates and loop reacts accordingly",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          expect((yield* daemon.control.metrics).control.lastConfigReload).toBeUndefined();
          yield* write(world, fleet(3));
          yield* daemon.whole;
          const { control } = yield* daemon.control.metrics;
          expect(control.lastConfigReload).toBeDefined();
          expect(control).toMatchObject({ desired: 3, actual: 3, lastAction: "scale to 3" });
          yield* write(world, fleet(2));
          yield* daemon.whole;
          expect(living(world.simulator)).toHaveLength(2);
        }),
      );
    }),
  );

  it(
    "sees an atomic replacement and a link that was moved, as config maps do",
    inWorld(async (world) => {
      await mkdir(world.at("f"));
      await world.write("v1/fleet.yaml", fleet(1));
      await world.write("v2/fleet.yaml", fleet(2));
      await symlink(world.at("v1/fleet.yaml"), world.at("f/fleet.yaml"));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          yield* Effect.promise(async () => {
            await symlink(world.at("v2/fleet.yaml"), world.at("f/next"));
            await rename(world.at("f/next"), world.at("f/fleet.yaml"));
          });
          yield* daemon.whole;
          expect((yield* daemon.control.metrics).control.desired).toBe(2);
          yield* Effect.promise(async () => {
            await writeFile(world.at("f/draft"), fleet(3));
            await rename(world.at("f/draft"), world.at("f/fleet.yaml"));
          });
          yield* daemon.whole;
          expect(living(world.simulator)).toHaveLength(3);
        }),
      );
    }),
  );

  it.each([
    ["half a document", fleet(3).slice(0, 60), "the content of before holds"],
    ["a number that was cut off", fleet(30).trimEnd().slice(0, -1), "in the middle of a line"],
    ["an empty file", "", "the content of before holds"],
    ["another fleet", fleet(1, { name: "api" }), "it is about another fleet now"],
    ["two fleets", `${fleet(1)}---\n${fleet(1, { name: "api" })}`, "it asks for 2 fleets"],
  ])(
    "keeps the last good content against %s, and tells the fault in lastError",
    (_what, text, fault) =>
      inWorld(async (world) => {
        await world.write("f/fleet.yaml", fleet(2));
        await withDaemon(world, (daemon) =>
          Effect.gen(function* () {
            yield* daemon.whole;
            yield* write(world, text);
            yield* daemon.whole;
            const { control } = yield* daemon.control.metrics;
            expect(control.lastError).toContain(fault);
            expect(control).toMatchObject({ desired: 2, actual: 2 });
            expect(control.lastConfigReload).toBeUndefined();
            expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
            yield* write(world, fleet(2));
            yield* daemon.whole;
            expect((yield* daemon.control.metrics).control.lastError).toBeUndefined();
          }),
        );
      })(),
  );

  it(
    "goes on when the file is gone for a while",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          yield* Effect.promise(() => rm(world.at("f/fleet.yaml")));
          world.simulator.kill(living(world.simulator)[0]!);
          yield* daemon.whole;
          expect((yield* daemon.control.metrics).control.lastError).toContain("ENOENT");
          expect(living(world.simulator)).toHaveLength(1);
        }),
      );
    }),
  );
});

describe("POST /scale", () => {
  it(
    "performs scale up/down with verification and SyncState; desired stays the document's, override shows it",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          const request = { desired: 3, reason: "the sale", for: "2h" };
          const answer = yield* daemon.control.scale(request, "token holder");
          expect(answer).toMatchObject({
            operation: "scale-up",
            desired: 3,
            actual: 3,
            launched: 2,
            override: { desired: 3, by: "token holder", reason: "the sale" },
          });
          expect(answer.messages.join("\n")).toContain(
            "then the daemon brings back what the document asks: 2 members are removed",
          );
          const { override } = (yield* daemon.control.metrics).control;
          expect(override).toEqual(answer.override);
          yield* daemon.whole;
          const { control, remoteActive } = yield* daemon.control.metrics;
          expect(control).toMatchObject({ desired: 1, actual: 3, lastAction: "noop" });
          expect(control.override).toMatchObject({
            desired: 3,
            counts: [{ count: 3, instead: 1 }],
          });
          expect(remoteActive).toBe(3);
        }),
      );
    }),
  );

  it.each(["soon", "0m", "1000h"])("refuses to hold for %s", (text) =>
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          const failed = yield* Effect.flip(daemon.control.scale({ desired: 2, for: text }, "x"));
          expect(failed).toMatchObject({ _tag: "FleetFailed", reason: "Invalid" });
          expect(living(world.simulator)).toEqual([]);
        }),
      );
    })(),
  );

  it(
    "fails with what stands in the way, and the answer as far as it came",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          world.simulator.faults.set([
            {
              operation: "LaunchInstance",
              nth: 2,
              times: 1,
              answer: { status: 400, code: "InvalidParameter", message: "no such thing" },
            },
          ]);
          const failed = yield* Effect.flip(daemon.control.scale({ desired: 2 }, "x"));
          expect(failed).toMatchObject({
            _tag: "FleetFailed",
            reason: "Failed",
            answer: { desired: 2, actual: 1, launched: 1 },
          });
          const { actions } = yield* daemon.control.metrics;
          expect(actions).toMatchObject({ phase: "done", launchSucceeded: 1, launchFailed: 1 });
          expect(actions.lastError).toContain("no such thing");
        }),
      );
    }),
  );
});

describe("POST /rolling-restart and POST /sync-state", () => {
  it(
    "performs serial rolling restart, with rollingRestartIndex and Total; rebuilds the ledger",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(2));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          const before = living(world.simulator);
          const answer = yield* daemon.control.rollingRestart({}, "token holder");
          expect(answer).toMatchObject({ launched: 2, terminated: 2, actual: 2 });
          expect(living(world.simulator).some((id) => before.includes(id))).toBe(false);
          expect((yield* daemon.control.metrics).actions).toMatchObject({
            operation: "rolling-restart",
            phase: "done",
            rollingRestartIndex: 2,
            rollingRestartTotal: 2,
          });
          world.simulator.addForeign({
            displayName: "web-web-9",
            freeformTags: { "fleetctl-fleet": "web" },
          });
          const synced = yield* daemon.control.syncState("token holder");
          expect(synced.messages.join("\n")).toContain("web-web-9 joined group web");
          expect((yield* daemon.control.metrics).actions.operation).toBe("sync-state");
        }),
      );
    }),
  );
});

describe("one operation at a time", () => {
  it(
    "mutations wait for nothing: busy names what runs, and turns go on counting",
    inWorld(
      async (world) => {
        await world.write("f/fleet.yaml", fleet(1));
        await withDaemon(world, (daemon) =>
          Effect.gen(function* () {
            const scaling = yield* Effect.forkChild(daemon.control.scale({ desired: 2 }, "x"));
            yield* daemon.control.changes.pipe(
              Stream.takeUntil(({ actions }) => actions.phase === "launch"),
              Stream.runDrain,
            );
            const busy = yield* Effect.flip(daemon.control.rollingRestart({}, "y"));
            expect(busy).toMatchObject({ _tag: "FleetBusy", operation: "scale-up" });
            expect(busy.message).toContain(`the daemon, process ${process.pid}`);
            const { loopCount } = (yield* daemon.control.metrics).control;
            yield* daemon.turn;
            expect((yield* daemon.control.metrics).control.loopCount).toBe(loopCount + 1);
            expect(yield* daemon.control.status).toContain("running  scale-up");
            const other = yield* Effect.promise(() =>
              world.fleetctl(["--config", world.at("f/fleet.yaml"), "--scale", "0"]),
            );
            expect(other.code).toBe(2);
            expect(other.stderr).toContain("is at scale-up");
            world.simulator.advance(60_000);
            expect((yield* Fiber.join(scaling)).actual).toBe(2);
          }),
        );
      },
      { launchDelayMs: 5_000 },
    ),
  );

  it(
    "a command at work in another process keeps a turn from acting, and is named",
    inWorld(
      async (world) => {
        await world.write("f/fleet.yaml", fleet(1));
        const file = world.at("f/fleet.yaml");
        await withDaemon(world, (daemon) =>
          Effect.gen(function* () {
            const other = world.startFleetctl(["--config", file, "--scale", "2"]);
            yield* Effect.promise(() => other.until("create web-2.1: "));
            yield* daemon.whole;
            const { control } = yield* daemon.control.metrics;
            expect(control.lastError ?? "").toContain(`process ${other.pid}`);
            world.simulator.advance(60_000);
            expect((yield* Effect.promise(() => other.ended)).code).toBe(0);
            expect(accepted(world.simulator).launches).toBe(2);
          }),
        );
      },
      { launchDelayMs: 50_000 },
    ),
  );

  it(
    "changes tell the newest to who listens, and leave out what a slow one could not follow",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(2));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          const seen = yield* Effect.forkChild(
            daemon.control.changes.pipe(
              Stream.takeUntil(
                ({ control, actions }) => control.loopCount === 40 && actions.phase === "done",
              ),
              Stream.runCollect,
            ),
          );
          yield* Effect.yieldNow;
          yield* daemon.whole;
          for (let turn = 2; turn <= 40; turn += 1) yield* daemon.turn;
          const all = yield* Fiber.join(seen);
          expect(all.every(isWhole)).toBe(true);
          expect(all.at(-1)).toMatchObject({ remoteActive: 2, actions: { launchSucceeded: 2 } });
          // Each turn tells twice.
          expect(all.length).toBeLessThan(40);
        }),
      );
    }),
  );
});

describe("a start", () => {
  it(
    "announces what an override that is over will make it remove, one interval before it does so",
    inWorld(async (world) => {
      const file = await world.write("f/fleet.yaml", fleet(1));
      const scaled = await world.fleetctl(["--config", file, "--scale", "3", "--for", "1m"]);
      expect(scaled.stdout).toContain("a daemon announces a removal one interval before");
      const turns = (daemon: Opened) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          expect(daemon.said()).toMatch(/in 30s 2 members are removed: web-\d\.1, web-\d\.1/u);
          expect(daemon.said()).toContain("the document asks for 1");
          expect(yield* daemon.control.status).toContain("coming   in 30s 2 members are removed");
          expect((yield* daemon.control.metrics).control.lastAction).toBe("noop");
          expect(living(world.simulator)).toHaveLength(3);
          yield* daemon.whole;
          expect((yield* daemon.control.metrics).control.lastAction).toBe("scale to 1");
          expect(living(world.simulator)).toHaveLength(1);
          expect(yield* daemon.control.status).not.toContain("coming");
          expect((yield* daemon.control.metrics).control.override).toBeNull();
        });
      await withDaemon(world, turns, { later: 120_000 });
    }),
  );

  it(
    "leaves an override alone that holds",
    inWorld(async (world) => {
      const file = await world.write("f/fleet.yaml", fleet(1));
      await world.fleetctl(["--config", file, "--scale", "3"]);
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          yield* daemon.whole;
          expect(living(world.simulator)).toHaveLength(3);
          expect(daemon.said()).toBe("");
        }),
      );
    }),
  );

  it(
    "launches what is missing at once",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(1));
      await withDaemon(world, (daemon) =>
        Effect.andThen(
          daemon.whole,
          Effect.sync(() => expect(living(world.simulator)).toHaveLength(1)),
        ),
      );
    }),
  );

  it(
    "later lowers a count without announcing it: a number that a person wrote is consent",
    inWorld(async (world) => {
      await world.write("f/fleet.yaml", fleet(2));
      await withDaemon(world, (daemon) =>
        Effect.gen(function* () {
          yield* daemon.whole;
          yield* write(world, fleet(1));
          yield* daemon.whole;
          expect(living(world.simulator)).toHaveLength(1);
        }),
      );
    }),
  );
});

describe("the end", () => {
  it(
    "begins nothing more, and waits for what was begun",
    inWorld(
      async (world) => {
        await world.write("f/fleet.yaml", fleet(1));
        await withDaemon(world, (daemon) =>
          Effect.gen(function* () {
            const stop = yield* Deferred.make<void>();
            const reload = yield* Queue.unbounded<void>();
            const running = yield* Effect.forkChild(daemon.run({ stop, reload }));
            yield* daemon.control.changes.pipe(
              Stream.takeUntil(({ actions }) => actions.phase === "launch"),
              Stream.runDrain,
            );
            yield* Deferred.succeed(stop, undefined);
            yield* Fiber.join(running);
            const { actions } = yield* daemon.control.metrics;
            expect(actions).toMatchObject({ phase: "done", launchSucceeded: 1 });
            const late = yield* Effect.flip(daemon.control.scale({ desired: 2 }, "x"));
            expect(late).toMatchObject({ _tag: "FleetBusy", operation: "its end" });
            expect(existsSync(world.at("f/.web.state.json"))).toBe(true);
          }),
        );
      },
      { launchDelayMs: 500 },
    ),
  );
});
