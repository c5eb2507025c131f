import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeCrashPoints } from "@muster/testkit/store/crash";
import { journalledMemory } from "@muster/testkit/store/journalled-memory";
import { openWorld, type World } from "./crash/world.ts";

const later = 200_000;
const lagMillis = 30_000;

/** One `apply`, on the given disk, late enough that no lease of before is in the way. */
const applyOn = (world: World, disk: ReturnType<typeof journalledMemory>, turn: number) =>
  Effect.gen(function* () {
    const points = yield* makeCrashPoints({ act: "count" });
    const store = yield* disk.reopen;
    return yield* world.command({
      points,
      store: () => Effect.succeed(store),
      later: turn * later,
    });
  });

const launches = (world: World): ReadonlyArray<string> =>
  world.simulator
    .journal()
    .filter((entry) => entry.operation === "LaunchInstance")
    .map((entry) => entry.freeformTags?.["muster-member"] ?? "");

const occupant = (world: World, member: string): string => {
  const found = world.simulator
    .instances()
    .find(
      ({ freeformTags }) =>
        freeformTags["fleetctl-fleet"] === "web" && freeformTags["muster-member"] === member,
    );
  assert.isDefined(found, member);
  return found.id;
};

describe("a member that dies, and whose replacement dies, is replaced twice", () => {
  for (const usedTokenOfDead of ["instance", "conflict"] as const) {
    for (const stores of ["one store", "an empty store each time"] as const) {
      it.live(`a used token answers with ${usedTokenOfDead}, ${stores}`, () =>
        Effect.gen(function* () {
          const world = yield* openWorld({ command: "apply", usedTokenOfDead });
          const first = journalledMemory();
          const disk = () => (stores === "one store" ? first : journalledMemory());
          yield* world.ask(1);
          for (const [turn, dies] of ["web-1.1", "web-1.2", null].entries()) {
            assert.strictEqual(yield* applyOn(world, disk(), turn), 0);
            if (dies !== null) world.simulator.kill(occupant(world, dies));
          }
          assert.deepStrictEqual(launches(world), ["web-1.1", "web-1.2", "web-1.3"]);
        }),
      );
    }

    it.live(`dead before any list told of it, and the token answers with ${usedTokenOfDead}`, () =>
      Effect.gen(function* () {
        const world = yield* openWorld({ command: "apply", usedTokenOfDead, listLagMs: lagMillis });
        yield* world.ask(1);
        assert.strictEqual(yield* applyOn(world, journalledMemory(), 0), 0);
        world.simulator.kill(occupant(world, "web-1.1"));
        // The store is gone and the list shows nothing: only the token knows that there was one.
        const heir = journalledMemory();
        const code = yield* applyOn(world, heir, 1);
        if (usedTokenOfDead === "instance") {
          assert.strictEqual(code, 0);
        } else {
          // Refused is not dead: it waits until the list tells, and launches nothing meanwhile.
          assert.include([2, 7], code);
          assert.deepStrictEqual(launches(world), ["web-1.1"]);
          world.simulator.advance(lagMillis);
          assert.strictEqual(yield* applyOn(world, heir, 2), 0);
        }
        assert.deepStrictEqual(launches(world), ["web-1.1", "web-1.2"]);
      }),
    );
  }
});
