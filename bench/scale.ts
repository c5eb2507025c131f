// Scaling a fleet from 0 to 200 through the SDK of OCI, held against launches that only wait.

import { join } from "node:path";
import * as Effect from "effect/Effect";
import { formatAddress } from "@muster/core/words/document";
import { launchToken } from "@muster/core/words/member";
import type { Handler } from "@muster/core/words/provider";
import { templateMark } from "@muster/core/words/set";
import { expand } from "@muster/core/plan/plan";
import { readDocuments } from "@muster/core/read/read";
import type { JournalEntry, RequestEntry } from "@muster/testkit/oci/index";
import { oci } from "@muster/provider-oci";
import { createMuster } from "@muster/sdk";
import { layerSqlite } from "@muster/store-sql";
import { type Figure, median, plainFigure, ratioFigure, report, timed } from "./runner.ts";
import { type Simulator, startSimulator } from "./simulator.ts";

const members = 200;
const parallel = 20;
const launchMillis = 1_000;
const waves = members / parallel;
const owner = "bench";

const fleet = (simulator: Simulator, name: string, count: number): string =>
  JSON.stringify({
    kind: "FleetConfig",
    metadata: { name },
    spec: {
      compartmentId: simulator.compartmentId,
      imageId: simulator.imageId,
      subnetId: simulator.subnetId,
      availabilityDomain: "AD-1",
      shape: "VM.Standard.E4.Flex",
      shapeConfig: { ocpus: 1, memoryInGBs: 16 },
      scaling: { parallelLaunch: parallel },
      auth: { method: "user", configFile: simulator.configFile },
      instances: [{ name: "web", count }],
    },
  });

const pluginOf = (simulator: Simulator) =>
  oci({
    endpoint: simulator.endpoint,
    env: { HOME: simulator.folder },
    allowDocumentCredentials: true,
  });

/** One launch after the other, each asked about without pause until it runs: nobody is faster. */
const launchInTurn = (simulator: Simulator, launches: number): Promise<void> =>
  Effect.gen(function* () {
    const plugin = pluginOf(simulator);
    const handler: Handler = yield* plugin.handler(plugin.resources[0]!);
    const text = fleet(simulator, "ideal", launches);
    const { documents } = readDocuments(plugin.kinds, [{ file: "ideal.json", text }]);
    const expansion = expand(plugin.kinds, documents[0]!);
    const set = expansion.sets[0]!;
    const place = "Uocm:PHX-AD-1";
    for (let slot = 1; slot <= launches; slot += 1) {
      const member = { set: set.name, slot, generation: 1 };
      const accepted = yield* handler.create({
        expansion,
        set,
        member,
        owner,
        place,
        token: launchToken(owner, expansion.document, member, place),
        template: templateMark(set.template),
      });
      while (!(yield* handler.created(expansion, accepted)).done) yield* Effect.sleep(5);
    }
  }).pipe(Effect.scoped, Effect.runPromise);

const scaleUp = async (simulator: Simulator, round: number): Promise<void> => {
  const muster = createMuster({
    plugins: [pluginOf(simulator)],
    owner,
    store: layerSqlite({ path: join(simulator.folder, `${round}.db`) }),
  });
  const text = fleet(simulator, "web", members);
  const { outcomes } = await muster.apply([{ file: "web.json", text }]);
  await muster.close();
  const done = outcomes.filter((outcome) => outcome.result === "done");
  if (done.length !== members) {
    const first = outcomes.find((outcome) => outcome.result !== "done");
    const where = first === undefined ? "" : formatAddress(first.document);
    throw new Error(`${done.length} of ${members} launched; ${where} ${first?.message ?? ""}`);
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

const perLaunch = (requests: ReadonlyArray<RequestEntry>, operation?: string): number =>
  requests.filter((entry) => operation === undefined || entry.operation === operation).length /
  members;

async function* figures(): AsyncGenerator<Figure> {
  const simulator = await startSimulator(launchMillis);
  const rounds = 3;
  const times: Array<readonly [run: number, peer: number]> = [];
  const processor: Array<number> = [];
  let peak = 0;
  let asked: ReadonlyArray<RequestEntry> = [];
  try {
    // Loading and compiling the SDK is the start-up's time, not the schedule's.
    await launchInTurn(simulator, 1);
    for (let round = 0; round < rounds; round += 1) {
      await simulator.reset();
      const before = process.cpuUsage();
      const run = await timed(() => scaleUp(simulator, round));
      const { user, system } = process.cpuUsage(before);
      processor.push((user + system) / 1_000 / members);
      peak = Math.max(peak, peakInFlight(await simulator.journal()));
      asked = await simulator.requests();
      await simulator.reset();
      times.push([run, await timed(() => launchInTurn(simulator, waves))]);
    }
    yield ratioFigure(
      {
        what: `scale 0 → ${members}, ${parallel} at a time, 1 s a launch`,
        against: `${waves} launches in turn`,
        bound: 1.15,
      },
      times,
    );
    yield ratioFigure(
      { what: "the same, against the clock alone", against: `${waves} × 1 s`, bound: null },
      times.map(([run]) => [run, waves * launchMillis]),
    );
    yield plainFigure("processor time a launch, ms", median(processor), null);
    yield plainFigure("most launches in flight at once", peak, parallel);
    yield plainFigure("requests per instance launched", perLaunch(asked), 3);
    for (const operation of [...new Set(asked.map((entry) => entry.operation))].sort()) {
      yield plainFigure(`  ${operation}`, perLaunch(asked, operation), null);
    }
  } finally {
    await simulator.close();
  }
}

await report("scale", figures());
