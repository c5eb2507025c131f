// Checks rolling restarts by hand: strictly serial, newest first, continued after an interruption, not begun anew.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { accepted, fleet, living } from "../fleet.ts";
import { inWorld, type World } from "../world.ts";
import { withDaemon } from "./daemon.ts";

const launched = async (world: World, count: number) => {
  const file = await world.write("f/fleet.yaml", fleet(count));
  expect((await world.fleetctl(["--config", file, "--scale", String(count)])).code).toBe(0);
  return file;
};

const restart = (world: World, ...more: ReadonlyArray<string>) =>
  world.fleetctl(["--config", world.at("f/fleet.yaml"), "--rolling-restart", ...more]);

/** Launches and terminations in their order, without those before. */
const steps = (world: World, before: number) =>
  world.simulator
    .journal()
    .slice(before)
    .map(
      ({ operation, freeformTags }) =>
        `${operation === "LaunchInstance" ? "+" : "-"}${freeformTags["muster-member"] ?? ""}`,
    );

describe("Rolling Restart", () => {
  it(
    "Strictly serial: terminate one -> wait -> launch one -> wait, the newest first, all items processed",
    inWorld(async (world) => {
      await launched(world, 3);
      const before = living(world.simulator);
      const ran = await restart(world);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain("3 members to replace, the newest first");
      expect(ran.stdout).toContain("3 of 3 there, 3 launched, 3 terminated");
      expect(ran.stderr.match(/^member \d of 3: \w+/gmu)).toEqual([
        "member 1 of 3: terminate",
        "member 1 of 3: launch",
        "member 2 of 3: terminate",
        "member 2 of 3: launch",
        "member 3 of 3: terminate",
        "member 3 of 3: launch",
      ]);
      const done = steps(world, 3);
      expect(done.filter((_, index) => index % 2 === 0).every((step) => step.startsWith("-"))).toBe(
        true,
      );
      expect(done.map((step) => step.slice(1, 6))).toEqual(
        done.flatMap((step, index) =>
          index % 2 === 0 ? [step.slice(1, 6), step.slice(1, 6)] : [],
        ),
      );
      expect(living(world.simulator).filter((id) => before.includes(id))).toEqual([]);
    }),
  );

  it(
    "avoids outages by never replacing more than one at a time",
    inWorld(async (world) => {
      await launched(world, 3);
      await restart(world);
      let missing = 0;
      for (const step of steps(world, 3)) {
        missing += step.startsWith("-") ? 1 : -1;
        expect(missing).toBeLessThanOrEqual(1);
        expect(missing).toBeGreaterThanOrEqual(0);
      }
    }),
  );

  it(
    "begun anew restarts the new members too; with nobody there it says so",
    inWorld(async (world) => {
      await launched(world, 1);
      await restart(world);
      const again = await restart(world, "-o", "json");
      expect(JSON.parse(again.stdout)).toMatchObject({ launched: 1, terminated: 1 });
      await world.fleetctl(["--config", world.at("f/fleet.yaml"), "--scale", "0"]);
      const none = await restart(world);
      expect(none.code).toBe(0);
      expect(none.stdout).toContain("there is no member to restart");
    }),
  );

  it(
    "is not done because a look failed and showed nobody",
    inWorld(async (world) => {
      await launched(world, 1);
      for (const nth of [1, 2, 3, 4]) {
        const before = accepted(world.simulator).launches;
        world.simulator.faults.set([
          {
            operation: "ListInstances",
            nth,
            answer: { status: 404, code: "NotAuthorizedOrNotFound", message: "not for you" },
          },
        ]);
        const ran = await restart(world);
        const isReplaced = accepted(world.simulator).launches > before;
        expect({ nth, done: ran.code === 0 && !isReplaced }).toEqual({ nth, done: false });
        expect(ran.stdout).not.toContain("there is no member to restart");
      }
      expect(living(world.simulator)).toHaveLength(1);
    }),
  );

  it(
    "with --dry-run shows who goes first, and writes nothing",
    inWorld(async (world) => {
      await launched(world, 2);
      const ran = await restart(world, "--dry-run");
      expect(ran.stdout).toContain("2 members to replace, the newest first");
      expect(ran.stdout.match(/^ {2}- remove/gmu)).toHaveLength(1);
      expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
      const status = await world.fleetctl([
        "--config",
        world.at("f/fleet.yaml"),
        "--status",
        "-o",
        "json",
      ]);
      expect(JSON.parse(status.stdout)).toMatchObject({ restart: null, due: 0 });
    }),
  );
});

describe("a restart after which nobody could be launched", () => {
  const gone = [
    ["image", "GetImage", "spec.imageId"],
    ["subnet", "GetSubnet", "subnetId"],
  ] as const;
  const notFound = (operation: "GetImage" | "GetSubnet") => ({
    operation,
    answer: { status: 404, code: "NotAuthorizedOrNotFound", message: "no such thing" },
  });

  it.each(gone)(
    "is refused before the first termination: its %s is gone",
    (what, operation, field) =>
      inWorld(async (world) => {
        await launched(world, 2);
        world.simulator.faults.set([notFound(operation)]);
        for (const more of [["--dry-run"], []]) {
          const ran = await restart(world, ...more);
          expect(ran.code).toBe(2);
          expect(ran.stderr).toContain(`the ${what} `);
          expect(ran.stderr).toContain("is absent, or this account may not see it");
          expect(ran.stderr).toContain(`check ${field}`);
        }
        expect(accepted(world.simulator)).toEqual({ launches: 2, terminations: 0, others: 0 });
        // Nothing of it is left to come true later.
        world.simulator.faults.set([]);
        const file = world.at("f/fleet.yaml");
        const status = await world.fleetctl(["--config", file, "--status", "-o", "json"]);
        expect(JSON.parse(status.stdout)).toMatchObject({ restart: null, due: 0 });
      })(),
  );

  it.each(gone)(
    "is refused by a daemon that launched with the same %s a moment ago",
    (what, operation, field) =>
      inWorld(async (world) => {
        await world.write("f/fleet.yaml", fleet(2));
        await withDaemon(world, ({ control, whole }) =>
          Effect.gen(function* () {
            yield* whole;
            expect(accepted(world.simulator).launches).toBe(2);
            world.simulator.faults.set([notFound(operation)]);
            const refused = yield* Effect.flip(control.rollingRestart({}, "ann"));
            expect(refused).toMatchObject({ _tag: "FleetFailed", reason: "Refused" });
            expect(refused.message).toContain(`the ${what} `);
            expect("remedy" in refused ? refused.remedy : "").toContain(field);
            expect(accepted(world.simulator).terminations).toBe(0);
          }),
        );
      })(),
  );
});

describe("a restart that was interrupted", () => {
  it(
    "is continued where it stopped, says so, and restarts nobody twice",
    inWorld(async (world) => {
      await launched(world, 3);
      // The second launch is refused for good: the restart stops in the middle of its second member.
      world.simulator.faults.set([
        {
          operation: "LaunchInstance",
          nth: 2,
          times: 1,
          answer: { status: 400, code: "InvalidParameter", message: "no more of these" },
        },
      ]);
      const broken = await restart(world);
      expect(broken.code).toBe(2);
      expect(broken.stderr).toContain("no more of these");
      expect(living(world.simulator)).toHaveLength(2);
      world.simulator.faults.clear();
      const status = await world.fleetctl(["--config", world.at("f/fleet.yaml"), "--status"]);
      expect(status.stdout).toContain("restart  1 of 3 still to replace, by ann@");

      const on = await restart(world);
      expect(on.code).toBe(0);
      expect(on.stdout).toContain("an unfinished restart is continued, which ann@");
      expect(on.stdout).toContain("1 of 3 were replaced before");
      expect(on.stderr.match(/^member \d of 3: \w+/gmu)).toEqual([
        "member 2 of 3: launch",
        "member 3 of 3: terminate",
        "member 3 of 3: launch",
      ]);
      // Three at first, two more before the fault and after it one refused, then the rest.
      expect(living(world.simulator)).toHaveLength(3);
      expect(accepted(world.simulator)).toEqual({ launches: 6, terminations: 3, others: 0 });
    }),
  );
});
