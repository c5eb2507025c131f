// A loop over 1,000 documents that has nothing to do: how long a tick takes, and what it holds.

import { execFileSync, fork } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Given, Measured } from "./idle-loop.ts";
import { type Figure, median, plainFigure, report } from "./runner.ts";
import { type Simulator, startSimulator } from "./simulator.ts";

/** At night as many as the bound is for; fewer show the shape sooner. */
const documents = Number(process.env["MUSTER_BENCH_DOCUMENTS"] ?? 1_000);

const fleet = (simulator: Simulator, serial: number): string =>
  JSON.stringify({
    kind: "FleetConfig",
    metadata: { name: `fleet-${serial}` },
    spec: {
      compartmentId: simulator.compartmentId,
      imageId: simulator.imageId,
      subnetId: simulator.subnetId,
      availabilityDomain: "AD-1",
      shape: "VM.Standard.E4.Flex",
      shapeConfig: { ocpus: 1, memoryInGBs: 16 },
      scaling: {},
      auth: { method: "user", profile: "DEFAULT" },
      instances: [{ name: "web", count: 1 }],
    },
  });

const makeRepository = (simulator: Simulator): string => {
  const work = join(simulator.folder, "work");
  const remote = join(simulator.folder, "fleets.git");
  mkdirSync(join(work, "fleets"), { recursive: true });
  for (let serial = 0; serial < documents; serial += 1) {
    writeFileSync(join(work, "fleets", `${serial}.json`), fleet(simulator, serial));
  }
  const git = (...args: ReadonlyArray<string>): void => {
    const who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com"];
    execFileSync("git", [...who, ...args], { cwd: work, stdio: "ignore" });
  };
  execFileSync("git", ["init", "-q", "--bare", "-b", "main", remote]);
  git("init", "-q", "-b", "main");
  git("add", "-A");
  git("commit", "-q", "-m", "fleets");
  git("push", "-q", remote, "main");
  return remote;
};

const loopFile = fileURLToPath(new URL("idle-loop.ts", import.meta.url));

/** What is held must not be what the other task left behind. */
const inProcess = <Answer>(task: "converge" | "measure", given: Given): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const child = fork(loopFile, [task, JSON.stringify(given)], {
      execArgv: [...process.execArgv, "--expose-gc"],
    });
    child.once("message", (message) => resolve(message as Answer));
    child.once("exit", (code) => reject(new Error(`${task} ended with ${code}`)));
  });

async function* figures(): AsyncGenerator<Figure> {
  const simulator = await startSimulator(0);
  try {
    const { endpoint, configFile, folder } = simulator;
    const given: Given = { endpoint, configFile, folder, remote: makeRepository(simulator) };
    const done = await inProcess<number>("converge", given);
    if (done !== documents) throw new Error(`${done} of ${documents} launched`);
    const measured = await inProcess<Measured>("measure", given);
    const requests = await simulator.requests();
    const megabytes = (measured.peakBytes - measured.idleBytes) / 1_048_576;
    yield plainFigure(`first tick over ${documents} documents, ms`, measured.first, 2_000);
    yield plainFigure("a later tick, ms", median(measured.later), 2_000);
    yield plainFigure("memory above the idle process at its peak, MB", megabytes, 80);
    yield plainFigure("kept in the heap after a sweep, MB", measured.keptBytes / 1_048_576, null);
    yield plainFigure("ticks that had news", measured.news, 0);
    yield plainFigure(
      "lists in all, for pages of 1,000",
      requests.filter(({ operation }) => operation === "ListInstances").length,
      null,
    );
  } finally {
    await simulator.close();
  }
}

await report("idle", figures());
