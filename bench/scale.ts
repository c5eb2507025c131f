// Scaling a fleet from 0 to 200 and back through the SDK of OCI, held against launches and removals that only wait.

import { join } from "node:path";
import { formatAddress } from "@muster/core/words/document";
import type { JournalEntry, RequestEntry } from "@muster/testkit/oci/index";
import { createMuster } from "@muster/sdk";
import { layerSqlite } from "@muster/store-sql";
import { fleetOf, inTurn, pluginOf } from "./in-turn.ts";
import { type Figure, median, plainFigure, ratioFigure, report, timed } from "./runner.ts";
import { type Simulator, startSimulator } from "./simulator.ts";

const members = 200;
const parallel = 20;
const launchMillis = 1_000;
const terminateMillis = 1_000;
const waves = members / parallel;
const owner = "bench";

const openMuster = (simulator: Simulator, round: number) =>
  createMuster({
    plugins: [pluginOf(simulator)],
    owner,
    store: layerSqlite({ path: join(simulator.folder, `${round}.db`) }),
  });

const scaleTo = async (
  muster: ReturnType<typeof openMuster>,
  simulator: Simulator,
  count: number,
): Promise<void> => {
  const text = fleetOf(simulator, "web", count, { parallel });
  const { outcomes } = await muster.apply([{ file: "web.json", text }]);
  const done = outcomes.filter((outcome) => outcome.result === "done");
  if (done.length !== members) {
    const first = outcomes.find((outcome) => outcome.result !== "done");
    const where = first === undefined ? "" : formatAddress(first.document);
    throw new Error(`${done.length} of ${members} done; ${where} ${first?.message ?? ""}`);
  }
};

/** The most launches that were accepted and did not run yet, at any moment of the simulator's time. */
const peakInFlight = (journal: ReadonlyArray<JournalEntry>): number => {
  const steps = journal
    .filter((entry) => entry.operation === "LaunchInstance")
    .flatMap(({ at }) => [
      { at, step: 1 },
      { at: at + launchMillis, step: -1 },
    ])
    // What ends at a moment ends before what begins at it.
    .sort((a, b) => a.at - b.at || a.step - b.step);
  let inFlight = 0;
  return steps.reduce((peak, { step }) => Math.max(peak, (inFlight += step)), 0);
};

const perMember = (requests: ReadonlyArray<RequestEntry>, operation?: string): number =>
  requests.filter((entry) => operation === undefined || entry.operation === operation).length /
  members;

async function* figures(): AsyncGenerator<Figure> {
  const simulator = await startSimulator(launchMillis, terminateMillis);
  const rounds = 3;
  const up: Array<readonly [run: number, peer: number]> = [];
  const down: Array<readonly [run: number, peer: number]> = [];
  const processor: Array<number> = [];
  let peak = 0;
  let asked: ReadonlyArray<RequestEntry> = [];
  let askedDown: ReadonlyArray<RequestEntry> = [];
  try {
    // Loading and compiling the SDK is the start-up's time, not the schedule's.
    await inTurn(simulator, 1);
    for (let round = 0; round < rounds; round += 1) {
      await simulator.reset();
      const muster = openMuster(simulator, round);
      const before = process.cpuUsage();
      const upward = await timed(() => scaleTo(muster, simulator, members));
      const { user, system } = process.cpuUsage(before);
      processor.push((user + system) / 1_000 / members);
      peak = Math.max(peak, peakInFlight(await simulator.journal()));
      asked = await simulator.requests();
      const downward = await timed(() => scaleTo(muster, simulator, 0));
      askedDown = (await simulator.requests()).slice(asked.length);
      await muster.close();
      await simulator.reset();
      const peer = await inTurn(simulator, waves);
      up.push([upward, peer.launches]);
      down.push([downward, peer.removals]);
    }
    yield ratioFigure(
      {
        what: `scale 0 → ${members}, ${parallel} at a time, 1 s a launch`,
        against: `${waves} launches in turn`,
        bound: 1.1,
      },
      up,
    );
    yield ratioFigure(
      {
        what: `scale ${members} → 0, ${parallel} at a time, 1 s a removal`,
        against: `${waves} removals in turn`,
        bound: 1.1,
      },
      down,
    );
    yield ratioFigure(
      { what: "up, against the clock alone", against: `${waves} × 1 s`, bound: null },
      up.map(([run]) => [run, waves * launchMillis]),
    );
    yield ratioFigure(
      { what: "down, against the clock alone", against: `${waves} × 1 s`, bound: null },
      down.map(([run]) => [run, waves * terminateMillis]),
    );
    yield plainFigure("processor time a launch, ms", median(processor), null);
    yield plainFigure("most launches in flight at once", peak, parallel);
    yield plainFigure("requests per instance launched", perMember(asked), 3);
    yield* byOperation(asked);
    yield plainFigure("requests per instance removed", perMember(askedDown), null);
    yield* byOperation(askedDown);
    yield plainFigure("lists to see a compartment of 1,000", await listsOf(simulator, 1_000), 1);
  } finally {
    await simulator.close();
  }
}

function* byOperation(requests: ReadonlyArray<RequestEntry>): Generator<Figure> {
  for (const operation of [...new Set(requests.map((entry) => entry.operation))].sort()) {
    yield plainFigure(`  ${operation}`, perMember(requests, operation), null);
  }
}

/** How many pages one look at a compartment with so many instances takes. */
const listsOf = async (simulator: Simulator, instances: number): Promise<number> => {
  await simulator.reset();
  await simulator.plant(instances);
  const muster = openMuster(simulator, -1);
  const text = fleetOf(simulator, "web", 1, { parallel });
  await muster.plan([{ file: "web.json", text }]);
  await muster.close();
  const requests = await simulator.requests();
  return requests.filter(({ operation }) => operation === "ListInstances").length;
};

await report("scale", figures());
