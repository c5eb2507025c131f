// The command's start-up, held against a bare node; and what it loads that a command does not need.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fleetText } from "./fleets.ts";
import { compare, type Figure, plainFigure, report } from "./runner.ts";

const cli = fileURLToPath(new URL("../packages/cli/", import.meta.url));
const counter = fileURLToPath(new URL("./loaded.ts", import.meta.url));

/** How the command is started: as it is published, and as those who work on it do. */
const ways = [
  { how: "built", args: [join(cli, "bin/muster.js")], needs: join(cli, "dist/main.js") },
  {
    how: "from source",
    args: ["--conditions=muster-source", join(cli, "src/main.ts")],
    needs: cli,
  },
] as const;

/** Runs node to its end and answers what it printed on its fourth channel. Rejects on failure. */
const node = (args: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...args], {
      stdio: ["ignore", "ignore", "inherit", "pipe"],
    });
    let told = "";
    child.stdio[3]!.on("data", (data: Buffer) => (told += data.toString()));
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(told) : reject(new Error(`node ${args.join(" ")} ended with ${code}`)),
    );
  });

/** The packages that a start loads, with how many modules of each. */
const loadedBy = async (args: ReadonlyArray<string>): Promise<ReadonlyMap<string, number>> => {
  const modules = JSON.parse(await node(["--import", counter, ...args])) as ReadonlyArray<string>;
  const counts = new Map<string, number>();
  for (const url of modules) {
    const name = packageOf(url);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
};

const packageOf = (url: string): string => {
  const installed = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//u.exec(url)?.[1];
  const own = /\/packages\/([^/]+)\/(?:src|dist|bin)\//u.exec(url)?.[1];
  return installed ?? (own === undefined ? url : `@muster/${own}`);
};

const isVendor = (name: string): boolean => /^oci-|^openpgp$|^sshpk$/u.test(name);

async function* figures(): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), "muster-bench-"));
  try {
    const document = join(folder, "fleet.yaml");
    await writeFile(document, fleetText(1));
    const commands = [["--version"], ["--help"], ["validate", document]];
    for (const way of ways.filter(({ needs }) => existsSync(needs))) {
      for (const command of commands) yield await startUp(way, command);
      const loaded = await loadedBy([...way.args, "validate", document]);
      const vendor = [...loaded].filter(([name]) => isVendor(name));
      const modules = vendor.reduce((sum, [, count]) => sum + count, 0);
      yield plainFigure(`vendor modules loaded by validate, ${way.how}`, modules, 0);
      const most = [...loaded].sort((a, b) => b[1] - a[1]).filter(([, count]) => count >= 5);
      for (const [name, count] of most) yield plainFigure(`  modules of ${name}`, count, null);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const startUp = (way: (typeof ways)[number], command: ReadonlyArray<string>): Promise<Figure> =>
  compare({
    what: `muster ${command[0]}, ${way.how}`,
    run: () => node([...way.args, ...command]),
    against: "node -e 0",
    peer: () => node(["-e", "0"]),
    bound: null,
    rounds: 7,
  });

await report("cli", figures());
