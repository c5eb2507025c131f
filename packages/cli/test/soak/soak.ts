// Runs a daemon under load, faults and edits for a while, and tells what it held, how it turned and what it kept to itself.
//
// An error is reported when the daemon says it by itself. Held is that
// - each request is answered, with a status that fits, and a refusal with reason, message and remedy;
// - each fault that stands until it is told of is told in its own words: in an answer, at /status,
//   /control, /metrics or /events, or in the log;
// - each call of OCI that failed is counted under a reason for Prometheus, also where another try
//   got over it;
// - each change that came to nothing by the audit has its line in the log;
// - each edit of the document is taken or refused, and /control tells which.

import { living } from "../fleet.ts";
import type { Started, World } from "../world.ts";
import { isFailed, struck, uncounted, unlogged } from "./accounts.ts";
import { type Edit, edits, keptWords, textOf } from "./edits.ts";
import { faultsOf, type SoakFault } from "./faults.ts";
import { type Heap, inspectorIn, openHeap, type Point } from "./heap.ts";
import * as load from "./load.ts";
import { makeVoices } from "./voices.ts";

/** What an ordinary daemon meets in a minute: a page or two, a scraper, a person now and then. */
const ordinary = {
  metrics: 4,
  scrapes: 4,
  control: 4,
  status: 2,
  health: 6,
  listeners: 2,
  changes: 1,
  trespasses: 0.2,
  /** Beside the loop's own turns, each second. */
  hangUps: 0.5,
  deaths: 0.2,
} as const;

const times = 50;

/** The loop has to turn in each of these, whatever stands in its way. */
const partMillis = 10_000;
/** A fault or an edit that is not told of after so many turns is not told of. */
const patience = 60;
/** A loop that shows the same turn so often, every tenth of a second at most, has stopped. */
const looksAtOneTurn = 300;
/** How long it may take to end, in milliseconds: longer than an operation is waited for. */
const endMillis = 60_000;

export interface Soaked {
  /** How often each sort of event happened. */
  readonly events: ReadonlyMap<string, number>;
  /** The heap after a collection, by seconds. */
  readonly heap: ReadonlyArray<Point>;
  /** How many turns each ten seconds had. */
  readonly turns: ReadonlyArray<number>;
  /** What went wrong and was not told, or was answered as it must not be. */
  readonly faults: ReadonlyArray<string>;
  /** How the daemon ended when it was told to; nothing when it did not. */
  readonly code: number | null;
}

export const soak = async (world: World, seconds: number): Promise<Soaked> => {
  const stage = await open(world, seconds);
  const [measured] = await Promise.all([
    measure(stage, seconds),
    loadAll(stage),
    editAll(stage),
    plantAll(stage),
  ]);
  await converge(stage);
  await settleAccounts(stage);
  const code = await end(stage);
  for (const text of await unlogged(world, stage.daemon)) stage.target.fault(text);
  return { ...measured, events: stage.events, faults: stage.faults, code };
};

interface Stage {
  readonly world: World;
  /** The daemon's document. */
  readonly file: string;
  readonly daemon: Started;
  readonly heap: Heap;
  readonly target: load.Target;
  readonly events: Map<string, number>;
  readonly faults: ReadonlyArray<string>;
  /** When it began, by `performance.now`. */
  readonly began: number;
  /** Milliseconds until the time is over. */
  readonly left: () => number;
  /** The loop was seen to turn no more: nobody waits for it any longer. */
  isStuck: boolean;
}

const open = async (world: World, seconds: number): Promise<Stage> => {
  const file = await world.write("f/fleet.yaml", textOf(3));
  const daemon = world.startFleetctl(
    ["--config", file, "--http", "127.0.0.1:0", "--reconcile-every", "1s"],
    { env: { NODE_OPTIONS: "--inspect=127.0.0.1:0" } },
  );
  await daemon.until("the token for changes");
  const events = new Map<string, number>();
  const faults: Array<string> = [];
  const voices = makeVoices();
  daemon.process.stderr!.on("data", (data: Buffer) => {
    for (const line of data.toString().split("\n")) voices.hear("log", line);
  });
  const heap = await openHeap(inspectorIn(daemon.said()));
  const began = performance.now();
  return {
    world,
    file,
    daemon,
    heap,
    events,
    faults,
    began,
    left: () => began + seconds * 1_000 - performance.now(),
    isStuck: false,
    target: {
      url: /listening on (http:\/\/\S+?)\/?(?:\s|$)/u.exec(daemon.said())![1]!,
      token: /shown this once: (\S+)/u.exec(daemon.said())![1]!,
      voices,
      count: (sort) => void events.set(sort, (events.get(sort) ?? 0) + 1),
      fault: (text) => {
        // One that comes again and again is told once.
        if (!faults.includes(text)) faults.push(text);
      },
    },
  };
};

/** Everything that comes from outside, each so often; ends when all of it is answered. */
const loadAll = async (stage: Stage): Promise<void> => {
  const { target, left, daemon } = stage;
  const atWork = new Set<Promise<unknown>>();
  /** Begins `act` so often a minute until the time is over, however long one takes. */
  const often = async (perMinute: number, act: (turn: number) => Promise<unknown>) => {
    const step = 60_000 / (perMinute * times);
    for (let turn = 0; left() > step; turn += 1) {
      await sleep(step);
      const work = act(turn);
      atWork.add(work);
      void work.finally(() => atWork.delete(work));
    }
  };
  await Promise.all([
    often(ordinary.metrics, () => load.readMetrics(target)),
    often(ordinary.scrapes, () => load.scrape(target)),
    often(ordinary.control, () => load.readControl(target)),
    often(ordinary.status, () => load.readStatus(target)),
    often(ordinary.health, () => load.readHealth(target)),
    often(ordinary.listeners, (turn) =>
      load.listen(target, Math.min(left(), 2_000 + 1_000 * (turn % 9)), turn % 5 !== 4),
    ),
    often(ordinary.changes, (turn) => change(target, turn)),
    often(ordinary.trespasses, (turn) => load.trespass(target, turn)),
    often(ordinary.hangUps, async () => {
      target.count("hang-ups");
      daemon.process.kill("SIGHUP");
    }),
    often(ordinary.deaths, async () => killOne(stage)),
  ]);
  await Promise.all(atWork);
};

/** Mostly to another size, now and then a restart, which takes longest. */
const change = (target: load.Target, turn: number): Promise<unknown> => {
  target.count("changes asked for");
  if (turn % 20 === 11) return load.restart(target);
  return turn % 7 === 5 ? load.sync(target) : load.scale(target, 2 + ((turn * 5) % 6));
};

const killOne = ({ world, target }: Stage): void => {
  const [victim] = living(world.simulator);
  if (victim === undefined) return;
  world.simulator.kill(victim);
  target.count("deaths");
};

type Control = NonNullable<Awaited<ReturnType<typeof load.readControl>>>;

/** Looks until `isSo`; no, when the loop turned too often without it, or turns no more. */
const within = async (stage: Stage, isSo: (control: Control) => boolean): Promise<boolean> => {
  let [first, last, since]: [number | null, number, number] = [null, 0, 0];
  while (!stage.isStuck) {
    const control = await load.readControl(stage.target);
    if (control === null) return false;
    if (isSo(control)) return true;
    const { loopCount } = control;
    first ??= loopCount;
    since = loopCount === last ? since + 1 : 0;
    last = loopCount;
    if (last - first >= patience) return false;
    if (since > looksAtOneTurn) {
      stage.isStuck = true;
      stage.target.fault(`the loop stands still at turn ${last}`);
    }
    await sleep(100);
  }
  return false;
};

const editAll = async (stage: Stage): Promise<void> => {
  for (let turn = 0; stage.left() > partMillis / 2; turn += 1) {
    await editOnce(stage, edits[turn % edits.length]!, 3 + (turn % 4), turn);
    await sleep(500);
  }
};

const editOnce = async (stage: Stage, edit: Edit, total: number, turn: number): Promise<void> => {
  const { file, target } = stage;
  await edit.write(file, textOf(total), turn);
  target.count("edits");
  const told = await within(stage, ({ desired, lastError }) =>
    edit.isFaulty ? keptWords.test(lastError ?? "") : desired === total,
  );
  if (!told) target.fault(`an edit was not told of: ${edit.name}`);
  // Whole again, so that the next one is seen as another.
  if (edit.isFaulty) await edits[0]!.write(file, textOf(total), turn);
};

const plantAll = async (stage: Stage): Promise<void> => {
  for (let round = 0; ; round += 1) {
    for (const fault of faultsOf(round)) {
      if (stage.left() < partMillis / 2) return;
      await plantOnce(stage, fault);
      await sleep(500);
    }
  }
};

const plantOnce = async (stage: Stage, fault: SoakFault): Promise<void> => {
  const { world, target } = stage;
  const { name, rules, words, kills } = fault;
  const { voices } = target;
  const moment = voices.moment();
  const before = struck(world);
  world.simulator.faults.set(rules);
  if (kills) killOne(stage);
  target.count("faults switched on");
  const strikes = () => struck(world) - before;
  const ended = await within(
    stage,
    () => strikes() > 0 && (words === null || voices.said(words, moment)),
  );
  if (!ended && strikes() === 0) target.fault(`a fault never struck: ${name}`);
  else if (!ended) target.fault(`a fault was not told of: ${name}, ${strikes()} strikes`);
  world.simulator.faults.clear();
};

/** The heap, sixty times in all, and how many turns each part had. */
const measure = async (
  { heap, target, began }: Stage,
  seconds: number,
): Promise<Pick<Soaked, "heap" | "turns">> => {
  const samples = 60;
  const points: Array<Point> = [];
  const turns: Array<number> = [];
  let counted = 0;
  for (let sample = 1; sample <= samples; sample += 1) {
    await sleep(began + (sample * seconds * 1_000) / samples - performance.now());
    points.push([(performance.now() - began) / 1_000, await heap.afterCollection()]);
    if (performance.now() - began < (turns.length + 1) * partMillis) continue;
    const loopCount = (await load.readControl(target))?.loopCount ?? counted;
    turns.push(loopCount - counted);
    counted = loopCount;
  }
  return { heap: points, turns };
};

/** Without faults and load it comes to what the document asks for, and has nothing to complain of. */
const converge = async (stage: Stage): Promise<void> => {
  const { world, target } = stage;
  const total = 7;
  await editOnce(stage, edits[0]!, total, 0);
  const isThere = await within(
    stage,
    ({ desired, actual, override, lastError, lastAction }) =>
      desired === total &&
      actual === total &&
      override === null &&
      lastError === undefined &&
      lastAction === "noop",
  );
  if (!isThere || living(world.simulator).length !== total) {
    target.fault(`it did not converge: ${await load.readStatus(target)}`);
  }
};

const settleAccounts = async ({ world, target, events }: Stage): Promise<void> => {
  const requests = world.simulator.requests();
  events.set("turns", (await load.readControl(target))?.loopCount ?? 0);
  events.set("requests to OCI", requests.length);
  events.set("of them failed", requests.filter(isFailed).length);
  for (const text of uncounted(world, await load.scrape(target))) target.fault(text);
};

const end = ({ daemon, heap }: Stage): Promise<number | null> => {
  heap.close();
  daemon.process.kill("SIGTERM");
  return Promise.race([daemon.ended.then(({ code }) => code), sleep(endMillis).then(() => null)]);
};

const sleep = (millis: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, millis)));
