// Checks `muster status`: how fleets stand as the last run left them, in one word and one exit code.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { runCli } from "../../src/cli.ts";
import { Live, makeLive } from "../../src/screen/live.ts";
import { Out } from "../../src/screen/out.ts";
import { defaultWiring, Wiring } from "../../src/wiring.ts";
import { accepted, fleet } from "../fleet.ts";
import { openRepository } from "../repository.ts";
import { inWorld, openWorld, type World } from "../world.ts";

const here = (world: World) => ["--store", `sqlite:${world.at("store.db")}`];
const status = (world: World, ...args: ReadonlyArray<string>) =>
  world.inside(["status", ...args, ...here(world)]);

interface Told {
  readonly exitCode: number;
  readonly documents: ReadonlyArray<{ readonly document: string; readonly state: string }>;
}

describe("muster status", () => {
  it(
    "says that all run, from the store alone, and names members when a fleet is named",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(2));
      const none = await status(world);
      expect(none.code).toBe(1);
      expect(none.stderr).toContain("there is no store at sqlite:");
      await world.inside(["apply", file, ...here(world)]);
      const asked = world.simulator.requests().length;
      const all = await status(world);
      expect(all).toMatchObject({ code: 0, stderr: "" });
      expect(all.stdout).toMatch(
        /^FLEET {12}STATE {2}RUNNING {2}SINCE +COMMIT\nFleetConfig\/web {2}Ready {2}2 of 2 {3}\d+ s ago\nsqlite:/u,
      );
      const one = await status(world, "web");
      expect(one.stdout).toContain("  web: 2 asked, 2 there, 2 running\n");
      expect(one.stdout).toMatch(/ {2}web-2\.1 {2}running {2}\S+ {2}ours {2}ocid1\.instance\./u);
      const json = JSON.parse((await status(world, "-o", "json")).stdout) as Told;
      expect(json).toMatchObject({ exitCode: 0, documents: [{ state: "ready" }] });
      expect(world.simulator.requests()).toHaveLength(asked);
      const other = await status(world, "api");
      expect(other.code).toBe(1);
      expect(other.stderr).toContain(
        'does not know "api" of owner cli\n  it knows FleetConfig/web; ',
      );
    }),
  );

  it(
    "ends with 5 and the remedy when a fleet is stalled, and with 4 when it waits",
    inWorld(async (world) => {
      const file = await world.write("fleets/web.yaml", fleet(2));
      world.simulator.faults.set([
        {
          operation: "LaunchInstance",
          answer: { status: 400, code: "InvalidParameter", message: "no\u001b[31m such shape" },
        },
      ]);
      await world.inside(["apply", file, ...here(world)]);
      const stalled = await status(world);
      expect(stalled.code).toBe(5);
      expect(stalled.stdout).toMatch(/\nFleetConfig\/web {2}Invalid {2}0 of 2 .*\n {2}\S/u);
      expect(stalled.stdout).not.toContain("\u001b");

      world.simulator.faults.clear();
      await world.inside(["apply", file, ...here(world)]);
      world.simulator.faults.set([
        {
          operation: "ListInstances",
          answer: { status: 503, code: "ServiceUnavailable", message: "come back later" },
        },
      ]);
      await world.inside(["apply", file, ...here(world)]);
      const waiting = await status(world);
      expect(waiting.stdout).toContain("come back later");
      expect(waiting.code).toBe(4);
      expect(accepted(world.simulator).terminations).toBe(0);
    }),
  );

  it(
    "watches: says what is there, then what changed, and ends with 130 at Control-C",
    inWorld(async (world) => {
      const repository = await openRepository(world);
      await repository.commit({ "web.yaml": fleet(1) });
      const run = ["run", "--repo", repository.url, "--once", "--allow-profile", "DEFAULT"];
      await world.inside(run);
      const started = world.start(["status", "--watch", "--repo", repository.url]);
      await started.until("1 of 1");
      await repository.commit({ "web.yaml": fleet(2) });
      await world.inside(run);
      await started.until("2 of 2");
      started.process.kill("SIGINT");
      const ended = await started.ended;
      expect(ended.code).toBe(130);
      expect(ended.stdout.match(/FLEET/gu)).toHaveLength(2);
      expect(ended.stderr).toBe("");
    }),
  );
});

/** Lets real files be read until something has come true. */
const until = (isTrue: () => boolean): Effect.Effect<void> =>
  Effect.promise(async () => {
    while (!isTrue()) await new Promise(setImmediate);
  });

describe("muster status --watch, by a clock of its own", () => {
  it.effect.each([
    { isTTY: false, said: 1, drawn: 0 },
    { isTTY: true, said: 0, drawn: 5 },
  ])("says again only what changed, and redraws a terminal in place: %o", (expected) =>
    Effect.gen(function* () {
      const world = yield* Effect.acquireRelease(
        Effect.promise(() => openWorld()),
        (open) => Effect.promise(open.close),
      );
      const file = yield* Effect.promise(() => world.write("fleets/web.yaml", fleet(0)));
      yield* Effect.promise(() => world.inside(["apply", file, ...here(world)]));
      const out = yield* Out;
      let opened = 0;
      let said = 0;
      const drawn: Array<string> = [];
      const fiber = yield* runCli(["status", "--watch", ...here(world)]).pipe(
        Effect.provideService(Out, {
          ...out,
          env: world.env,
          result: () => Effect.sync(() => void (said += 1)),
        }),
        Effect.provideService(
          Live,
          makeLive({ ...expected, columns: 40, rows: 3, write: (text) => drawn.push(text) }),
        ),
        Effect.provideService(Wiring, {
          ...defaultWiring,
          openStore: (place, access) =>
            Effect.suspend(() => {
              opened += 1;
              return defaultWiring.openStore(place, access);
            }),
        }),
        Effect.forkChild,
      );
      for (let tick = 1; tick <= 4; tick += 1) {
        yield* until(() => opened === tick && said + Math.max(0, drawn.length - 1) > 0);
        yield* until(() => !expected.isTTY || drawn.length === tick + 1);
        yield* TestClock.adjust("2 seconds");
      }
      yield* Fiber.interrupt(fiber);
      expect(said).toBe(expected.said);
      expect(drawn.slice(0, 5)).toHaveLength(expected.drawn);
      for (const text of drawn) {
        expect(text).toMatch(/^\u001b\[\?7l\u001b\[H(?:.*\u001b\[K\n){1,2}\u001b\[J\u001b\[\?7h$/u);
      }
    }),
  );
});
