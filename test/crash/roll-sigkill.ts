// Kills real processes of the command while they look at hosts and assign them, and holds what they leave behind.

import * as assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import * as Effect from "effect/Effect";
import { verifyChain } from "@muster/core";
import { type Roll, rollOf } from "@muster/core/inventory/roll";
import { type StoreError, type StoreShape } from "@muster/core/store/store";
import type { HostObservation, Sighting } from "@muster/core/words/host";
import type { Scope } from "effect/Scope";
import { type HostFleet, startEmulatedHosts } from "@muster/testkit/hosts/index";
import {
  node,
  openWorld,
  startChild,
  type Started,
  type World,
} from "../../packages/cli/test/world.ts";
import { memoryIn } from "./recorded.ts";
import { seeded } from "./seeded.ts";

const lifeFile = fileURLToPath(new URL("roll-life.ts", import.meta.url));

const hostCount = 24;
const role = "gecko_t_linux_talos";

/** At night every line, and many moments of an assignment; `MUSTER_EVERY_POINT=1`. */
const isNight = process.env["MUSTER_EVERY_POINT"] === "1";
/** After how many lines a refresh is killed. */
export const lines = isNight
  ? Array.from({ length: hostCount }, (_, index) => index + 1)
  : seeded(hostCount, 2);
/** After which thousandth of the time of a command an assignment is killed. */
export const moments = isNight
  ? Array.from({ length: 60 }, (_, index) => 450 + 10 * index)
  : seeded(500, 1).map((moment) => 500 + moment);

export interface Place {
  /** As `MUSTER_STORE` names it. */
  readonly name: (world: World) => string;
  readonly open: (world: World) => Effect.Effect<StoreShape, StoreError, Scope>;
}

interface Scene {
  readonly world: World;
  readonly env: Readonly<Record<string, string>>;
  readonly memory: Effect.Effect<Memory>;
}

interface Memory {
  readonly roll: Roll;
  readonly sightings: ReadonlyMap<string, Sighting>;
  readonly histories: ReadonlyMap<string, ReadonlyArray<HostObservation>>;
  /** How often the audit tells each action. */
  readonly actions: ReadonlyMap<string, number>;
}

const openScene = Effect.fnUntraced(function* (place: Place) {
  const world = yield* Effect.acquireRelease(
    Effect.promise(() => openWorld()),
    (opened) => Effect.promise(() => opened.close()),
  );
  const fleet = yield* Effect.orDie(
    startEmulatedHosts({ hosts: Array.from({ length: hostCount }, () => ({ role })) }),
  );
  const env = { MUSTER_STORE: place.name(world), MUSTER_SSH_CONFIG: fleet.sshConfig };
  const memory = Effect.scoped(
    Effect.flatMap(Effect.orDie(place.open(world)), (store) => recollect(store)),
  );
  const scene: Scene = { world, env, memory };
  yield* Effect.promise(() => begin(scene, fleet));
  return scene;
});

const begin = async (scene: Scene, fleet: HostFleet): Promise<void> => {
  await expectCode(scene, 0, "inventory", "seed", "sync", "--from-file", fleet.seeds);
};

/** All that stands in the store; fails where the chain is not whole. */
const recollect = Effect.fnUntraced(function* (store: StoreShape) {
  const { entries, records } = yield* memoryIn(store);
  assert.equal(verifyChain(entries, yield* Effect.orDie(store.auditHead)), undefined);
  const sightings = new Map<string, Sighting>();
  const histories = new Map<string, ReadonlyArray<HostObservation>>();
  for (const record of records) {
    if (record._tag === "Sighting") sightings.set(record.sighting.host, record.sighting);
    if (record._tag === "History") histories.set(record.host, record.looks);
  }
  const actions = new Map<string, number>();
  for (const { action } of entries) actions.set(action, (actions.get(action) ?? 0) + 1);
  return { roll: rollOf(records), sightings, histories, actions };
});

const expectCode = async (
  { world, env }: Scene,
  code: number,
  ...args: ReadonlyArray<string>
): Promise<void> => {
  const ran = await world.inside(args, { env });
  assert.equal(ran.code, code, `${args.join(" ")}: ${ran.stderr}`);
};

/** SIGKILL to a child of ours that still runs. */
const killChild = ({ process: child }: Started): void => {
  const { pid } = child;
  if (pid === undefined || !Number.isInteger(pid) || pid <= 1) throw new Error("no child to kill");
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
};

const refreshArgs = ["inventory", "refresh", "--concurrency", "4"];

/** A refresh that dies after it told so many hosts; answers how many it had recorded. */
const killRefresh = Effect.fnUntraced(function* (scene: Scene, afterLines: number) {
  const before = yield* scene.memory;
  yield* Effect.promise(async () => {
    const started = scene.world.start(refreshArgs, { env: scene.env });
    let told = 0;
    started.process.stdout!.on("data", (data: Buffer) => {
      told += data.toString().split("\n").length - 1;
      if (told >= afterLines) killChild(started);
    });
    await started.ended;
    assert.ok(told >= Math.min(afterLines, hostCount), started.said());
  });
  const torn = yield* scene.memory;
  expectSound(torn);
  expectKept(before, torn);
  yield* Effect.promise(() => expectCode(scene, 0, "audit", "verify"));
  yield* Effect.promise(() => expectCode(scene, 0, ...refreshArgs));
  const after = yield* scene.memory;
  expectSound(after);
  expectKept(torn, after);
  assert.equal(after.roll.hosts.size, hostCount);
  assert.equal(after.actions.get("discover hosts"), 1, "every host is discovered once");
  for (const sighting of after.sightings.values()) {
    assert.equal(sighting.lastSeen, sighting.contact?.at, `${sighting.host} answered at last`);
    assert.equal(sighting.silence, null);
  }
  return newLooks(before, torn);
});

const newLooks = (before: Memory, after: Memory): number =>
  [...after.histories].reduce(
    (sum, [host, looks]) => sum + looks.length - (before.histories.get(host)?.length ?? 0),
    0,
  );

/** What is known of a host stands in its history, and no look stands there twice. */
const expectSound = ({ sightings, histories }: Memory): void => {
  for (const [host, { contact }] of sightings) {
    const looks = histories.get(host) ?? [];
    assert.ok(
      looks.some(({ at }) => at === contact?.at),
      `${host} is known by no look`,
    );
  }
  for (const [host, looks] of histories) {
    assert.equal(new Set(looks.map(({ at }) => at)).size, looks.length, `${host} twice`);
  }
};

/** Ten looks are kept; of those that are newer than the oldest one now, none is lost. */
const expectKept = (before: Memory, after: Memory): void => {
  for (const [host, looks] of before.histories) {
    const now = (after.histories.get(host) ?? []).map(({ at }) => at);
    const oldest = now.length < 10 ? "" : now.at(-1)!;
    for (const { at } of looks) {
      assert.ok(at < oldest || now.includes(at), `a look at ${host} is lost`);
    }
  }
};

/** One command in a process of its own; answers whether it was killed. */
type Life = (scene: Scene, args: ReadonlyArray<string>) => Promise<boolean>;

/** Killed from outside, so many milliseconds after it was started. */
const untilMoment =
  (millis: number): Life =>
  ({ world, env }, args) => {
    const started = world.start(args, { env });
    setTimeout(() => killChild(started), millis);
    return wasKilled(started);
  };

/** Killed by itself, before or after the so many-th commit. */
const untilPoint =
  (point: number): Life =>
  ({ world, env }, args) =>
    wasKilled(
      startChild(new Set(), node, ["--conditions=muster-source", lifeFile, `${point}`, ...args], {
        cwd: world.folder,
        env: { ...world.env, ...env },
      }),
    );

const wasKilled = async (started: Started): Promise<boolean> => {
  const { code, stderr } = await started.ended;
  const isKilled = started.process.signalCode === "SIGKILL";
  assert.ok(isKilled || code === 0, stderr);
  return isKilled;
};

/** An assignment of all hosts that dies; answers whether it did, and whether it was written by then. */
const killAssignment = Effect.fnUntraced(function* (scene: Scene, population: string, life: Life) {
  yield* Effect.promise(() => expectCode(scene, 0, "population", "create", population));
  const { actions } = yield* scene.memory;
  const entries = actions.get("assign population") ?? 0;
  const args = [
    ...["host", "assign-population", "--filter", `role:${role}`],
    ...["--population", population, "--confirm"],
  ];
  const isKilled = yield* Effect.promise(() => life(scene, args));
  const torn = yield* scene.memory;
  const assigned = belonging(torn, population);
  assert.ok([0, hostCount].includes(assigned), `${assigned} of ${hostCount} are assigned`);
  const isWritten = assigned > 0;
  assert.ok(isKilled || isWritten, "it ended, and did nothing");
  assert.equal(torn.actions.get("assign population") ?? 0, entries + (isWritten ? 1 : 0));
  yield* Effect.promise(() => expectCode(scene, 0, "audit", "verify"));
  yield* Effect.promise(() => expectCode(scene, 0, ...args));
  const after = yield* scene.memory;
  assert.equal(belonging(after, population), hostCount);
  assert.equal(after.actions.get("assign population"), entries + 1, "one entry");
  return { isKilled, isWritten };
});

const belonging = ({ roll }: Memory, population: string): number =>
  [...roll.hosts.values()].filter((host) => host.population === population).length;

/** How long a command takes here when nobody kills it, in milliseconds. */
const usualMillis = Effect.fnUntraced(function* ({ world, env }: Scene) {
  const begun = performance.now();
  const ran = yield* Effect.promise(() => world.muster(["host", "list"], { env }));
  assert.equal(ran.code, 0, ran.stderr);
  return performance.now() - begun;
});

export interface Killed {
  /** How many looks each killed refresh had recorded. */
  readonly recorded: ReadonlyArray<number>;
  /** Whether an assignment was written, by the point that it died at. */
  readonly atPoints: ReadonlyArray<boolean>;
  /** The same, by the moment. */
  readonly atMoments: ReadonlyArray<boolean>;
}

export const killRoll = (place: Place): Effect.Effect<Killed> =>
  Effect.scoped(
    Effect.gen(function* () {
      const scene = yield* openScene(place);
      const recorded: Array<number> = [];
      for (const after of lines) recorded.push(yield* killRefresh(scene, after));
      const atPoints: Array<boolean> = [];
      while (true) {
        const point = atPoints.length + 1;
        const died = yield* killAssignment(scene, `at-${point}`, untilPoint(point));
        if (!died.isKilled) break;
        atPoints.push(died.isWritten);
      }
      const usual = yield* usualMillis(scene);
      const atMoments: Array<boolean> = [];
      for (const [index, moment] of moments.entries()) {
        const life = untilMoment((usual * moment) / 1_000);
        atMoments.push((yield* killAssignment(scene, `in-${index}`, life)).isWritten);
      }
      return { recorded, atPoints, atMoments };
    }),
  );
