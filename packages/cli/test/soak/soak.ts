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

import * as Effect from "effect/Effect";
import type { AuditEntry } from "@muster/core";
import type { RequestEntry } from "@muster/testkit/oci/index";
import { openSqliteStore } from "@muster/store-sql";
import { living } from "../fleet.ts";
import type { Started, World } from "../world.ts";
import { type Edit, edits, keptWords, textOf } from "./edits.ts";
import { faultsOf, type SoakFault } from "./faults.ts";
import { inspectorIn, openHeap, type Point } from "./heap.ts";
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
  const file = await world.write("f/fleet.yaml", textOf(3));
  const daemon = world.startFleetctl(
    ["--config", file, "--http", "127.0.0.1:0", "--reconcile-every", "1s"],
    { env: { NODE_OPTIONS: "--inspect=127.0.0.1:0" } },
  );
  await daemon.until("the token for changes");
  const heap = await openHeap(inspectorIn(daemon.said()));

  const events = new Map<string, number>();
  const faults: Array<string> = [];
  const voices = makeVoices();
  const target: load.Target = {
    url: /listening on (http:\/\/\S+?)\/?(?:\s|$)/u.exec(daemon.said())![1]!,
    token: /shown this once: (\S+)/u.exec(daemon.said())![1]!,
    voices,
    count: (sort) => void events.set(sort, (events.get(sort) ?? 0) + 1),
    fault: (text) => {
      // One that comes again and again is told once.
      if (!faults.includes(text)) faults.push(text);
    },
  };
  daemon.process.stderr!.on("data", (data: Buffer) => {
    for (const line of data.toString().split("\n")) voices.hear("log", line);
  });

  const began = performance.now();
  const left = () => began + seconds * 1_000 - performance.now();
  const atWork = new Set<Promise<unknown>>();
  const begin = (work: Promise<unknown>): void => {
    atWork.add(work);
    void work.finally(() => atWork.delete(work));
  };
  /** Begins `act` so often a minute until the time is over, however long one takes. */
  const often = async (perMinute: number, act: (turn: number) => Promise<unknown>) => {
    const step = 60_000 / (perMinute * times);
    for (let turn = 0; left() > step; turn += 1) {
      await sleep(step);
      begin(act(turn));
    }
  };

  let stuck = false;
  /** Looks until `isSo`; no, when the loop turned too often without it, or turns no more. */
  const within = async (
    isSo: (control: NonNullable<Awaited<ReturnType<typeof load.readControl>>>) => boolean,
  ): Promise<boolean> => {
    let [first, last, since]: [number | null, number, number] = [null, 0, 0];
    while (!stuck) {
      const control = await load.readControl(target);
      if (control === null) return false;
      if (isSo(control)) return true;
      first ??= control.loopCount;
      since = control.loopCount === last ? since + 1 : 0;
      last = control.loopCount;
      if (last - first >= patience) return false;
      if (since > looksAtOneTurn) {
        stuck = true;
        target.fault(`the loop stands still at turn ${last}`);
      }
      await sleep(100);
    }
    return false;
  };

  const editAll = async (): Promise<void> => {
    for (let turn = 0; left() > partMillis / 2; turn += 1) {
      const edit = edits[turn % edits.length]!;
      await editOnce(edit, 3 + (turn % 4), turn);
      await sleep(500);
    }
  };

  const editOnce = async (edit: Edit, total: number, turn: number): Promise<void> => {
    await edit.write(file, textOf(total), turn);
    target.count("edits");
    const told = await within(({ desired, lastError }) =>
      edit.isFaulty ? keptWords.test(lastError ?? "") : desired === total,
    );
    if (!told) target.fault(`an edit was not told of: ${edit.name}`);
    // Whole again, so that the next one is seen as another.
    if (edit.isFaulty) await edits[0]!.write(file, textOf(total), turn);
  };

  const plantAll = async (): Promise<void> => {
    for (let round = 0; ; round += 1) {
      for (const fault of faultsOf(round)) {
        if (left() < partMillis / 2) return;
        await plantOnce(fault);
        await sleep(500);
      }
    }
  };

  const plantOnce = async ({ name, rules, words, kills }: SoakFault): Promise<void> => {
    const moment = voices.moment();
    const before = struck(world);
    world.simulator.faults.set(rules);
    if (kills) killOne();
    target.count("faults switched on");
    const strikes = () => struck(world) - before;
    const ended = await within(
      () => strikes() > 0 && (words === null || voices.said(words, moment)),
    );
    if (!ended && strikes() === 0) target.fault(`a fault never struck: ${name}`);
    else if (!ended) target.fault(`a fault was not told of: ${name}, ${strikes()} strikes`);
    world.simulator.faults.clear();
  };

  const killOne = (): void => {
    const [victim] = living(world.simulator);
    if (victim === undefined) return;
    world.simulator.kill(victim);
    target.count("deaths");
  };

  const points: Array<Point> = [];
  const turns: Array<number> = [];
  const measure = async (): Promise<void> => {
    const samples = 60;
    let [part, counted] = [1, 0];
    for (let sample = 1; sample <= samples; sample += 1) {
      await sleep(began + (sample * seconds * 1_000) / samples - performance.now());
      points.push([(performance.now() - began) / 1_000, await heap.afterCollection()]);
      if (performance.now() - began < part * partMillis) continue;
      const loopCount = (await load.readControl(target))?.loopCount ?? counted;
      turns.push(loopCount - counted);
      [part, counted] = [part + 1, loopCount];
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
    often(ordinary.deaths, async () => killOne()),
    editAll(),
    plantAll(),
    measure(),
  ]);
  world.simulator.faults.clear();
  await Promise.all(atWork);

  const total = 7;
  await editOnce(edits[0]!, total, 0);
  const isThere = await within(
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
  const { loopCount = 0 } = (await load.readControl(target)) ?? {};
  events.set("turns", loopCount);
  events.set("requests to OCI", world.simulator.requests().length);
  events.set("of them failed", world.simulator.requests().filter(isFailed).length);
  for (const text of uncounted(world, await load.scrape(target))) target.fault(text);
  heap.close();
  daemon.process.kill("SIGTERM");
  const code = await Promise.race([
    daemon.ended.then((ran) => ran.code),
    sleep(endMillis).then(() => null),
  ]);
  for (const text of await unlogged(world, daemon)) target.fault(text);
  return { events, heap: points, turns, faults, code };
};

const sleep = (millis: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, millis)));

/** Mostly to another size, now and then a restart, which takes longest. */
const change = (target: load.Target, turn: number): Promise<unknown> => {
  target.count("changes asked for");
  if (turn % 20 === 11) return load.restart(target);
  return turn % 7 === 5 ? load.sync(target) : load.scale(target, 2 + ((turn * 5) % 6));
};

const isFailed = ({ status, operation }: RequestEntry): boolean =>
  status === 0 || (status >= 400 && !(status === 404 && asksForOne(operation)));

/** That it is not there is an answer, too. */
const asksForOne = (operation: string): boolean =>
  operation.startsWith("Get") || operation === "TerminateInstance";

const struck = ({ simulator }: World): number =>
  simulator.requests().filter(({ fault }) => fault !== undefined).length;

/** Calls of OCI that failed, and stand under no reason in what is told to Prometheus. */
const uncounted = ({ simulator }: World, exposition: string): ReadonlyArray<string> =>
  [...Map.groupBy(simulator.requests().filter(isFailed), ({ operation }) => operation)].flatMap(
    ([operation, failed]) => {
      const told = exposition
        .split("\n")
        .filter(
          (line) =>
            line.startsWith("muster_provider_call_duration_seconds_count{") &&
            line.includes(`muster_operation="${operation}"`) &&
            line.includes('error_type="'),
        )
        .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
      return told >= failed.length
        ? []
        : [`${failed.length} calls of ${operation} failed, and ${told} are counted`];
    },
  );

/** Changes that came to nothing by the audit, and have no line in the log. */
const unlogged = async (world: World, daemon: Started): Promise<ReadonlyArray<string>> => {
  const lines = daemon.said().split("\n");
  const entries = await auditOf(world);
  const said = (outcome: string) =>
    lines.filter((line) => line.includes(`muster.result=${outcome}`)).length;
  return ["failed", "unknown"].flatMap((outcome) => {
    const written = entries.filter((entry) => entry.outcome === outcome).length;
    return said(outcome) >= written
      ? []
      : [`${written} changes ended as ${outcome}, and ${said(outcome)} are in the log`];
  });
};

const auditOf = (world: World): Promise<ReadonlyArray<AuditEntry>> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(
        openSqliteStore({ path: world.at("f/.web.state.db"), readOnly: true }),
        (store) => store.auditEntries(0, 1_000_000),
      ),
    ),
  );
