// A rolling restart of 20 through the SDK of OCI, one after the other, held against the same waits without anything between.

import { join } from "node:path";
import { createMuster } from "@muster/sdk";
import { layerSqlite } from "@muster/store-sql";
import { fleetOf, inTurn, pluginOf } from "./in-turn.ts";
import { type Figure, plainFigure, ratioFigure, report, timed } from "./runner.ts";
import { startSimulator } from "./simulator.ts";

const members = 20;
const launchMillis = 2_000;
const terminateMillis = 1_000;
const rounds = 3;

async function* figures(): AsyncGenerator<Figure> {
  const simulator = await startSimulator(launchMillis, terminateMillis);
  const times: Array<readonly [run: number, peer: number]> = [];
  let perMember = 0;
  try {
    await inTurn(simulator, 1);
    for (let round = 0; round < rounds; round += 1) {
      await simulator.reset();
      const muster = createMuster({
        plugins: [pluginOf(simulator)],
        owner: "bench",
        store: layerSqlite({ path: join(simulator.folder, `${round}.db`) }),
      });
      const apply = (restart?: string) =>
        muster.apply([
          {
            file: "web.json",
            text: fleetOf(simulator, "web", members, {
              parallel: members,
              ...(restart === undefined ? {} : { restart }),
            }),
          },
        ]);
      await apply();
      const before = (await simulator.requests()).length;
      let replaced = 0;
      const run = await timed(async () => {
        const { outcomes } = await apply("again");
        replaced = outcomes.filter(
          ({ change, result }) => change.action === "create" && result === "done",
        ).length;
      });
      if (replaced !== members) throw new Error(`${replaced} of ${members} were replaced`);
      perMember = ((await simulator.requests()).length - before) / members;
      await muster.close();
      await simulator.reset();
      const peer = await inTurn(simulator, members);
      times.push([run, peer.launches + peer.removals]);
    }
  } finally {
    await simulator.close();
  }
  yield ratioFigure(
    {
      what: `a rolling restart of ${members}, 2 s a launch, 1 s a removal`,
      against: `${members} launches and removals in turn`,
      bound: 1.15,
    },
    times,
  );
  yield ratioFigure(
    { what: "the same, against the clock alone", against: `${members} × 3 s`, bound: null },
    times.map(([run]) => [run, members * (launchMillis + terminateMillis)]),
  );
  yield plainFigure("requests per member replaced", perMember, null);
}

await report("restart", figures());
