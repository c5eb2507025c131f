// The long runs, by hand or at night: every crash point with real SIGKILL and under every fault, then the benchmarks.
//
// npm run nightly -- PART…   only the runs whose name holds one of the parts; default all

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { root } from "./setup.mjs";

interface Run {
  readonly name: string;
  readonly command: readonly [string, ...ReadonlyArray<string>];
  readonly env?: Readonly<Record<string, string>>;
}

const benches = globSync("bench/{read,plan,scale,restart,idle,cli,daemon,ssh,inventory-10000}.ts", {
  cwd: root,
}).sort();

const runs: ReadonlyArray<Run> = [
  {
    name: "every crash point, SIGKILL",
    command: [
      "vitest",
      "run",
      "test/crash/apply-sigkill.test.ts",
      "test/crash/run-sigkill.test.ts",
    ],
    env: { MUSTER_EVERY_POINT: "1" },
  },
  {
    name: "the roll of hosts, killed at every point, and SIGKILL at many moments",
    command: [
      "vitest",
      "run",
      "test/crash/roll-postgres.test.ts",
      "test/crash/roll-sigkill.test.ts",
    ],
    env: { MUSTER_EVERY_POINT: "1" },
  },
  {
    name: "take-over, twenty rounds of each sort",
    command: ["vitest", "run", "packages/gitops-runner/test/take-over.test.ts"],
    env: { MUSTER_EVERY_POINT: "1" },
  },
  {
    name: "apply: every crash point under every fault",
    command: [
      "vitest",
      "run",
      "test/crash/faults-apply-even.test.ts",
      "test/crash/faults-apply-odd.test.ts",
    ],
    env: { MUSTER_EVERY_POINT: "1" },
  },
  {
    name: "run: every crash point under every fault",
    command: ["vitest", "run", "test/crash/faults-run.test.ts"],
    env: { MUSTER_EVERY_POINT: "1" },
  },
  {
    name: "soak: a daemon under load, faults and edits for ten minutes",
    command: ["vitest", "run", "packages/cli/test/soak/soak.test.ts"],
    env: { MUSTER_SOAK_SECONDS: "600" },
  },
  {
    name: "queries: a hundred thousand, printed, and in memory, in SQLite and in Postgres",
    command: [
      "vitest",
      "run",
      "packages/testkit/test/query/print.test.ts",
      "packages/store-sql/test/query-sql.test.ts",
      "packages/store-sql/test/postgres-query.test.ts",
    ],
    env: { MUSTER_QUERY_CASES: "100000" },
  },
  {
    name: "onboarding: the runbook's hundred hosts, emulated and on real sshd",
    command: ["vitest", "run", "packages/cli/test/inventory/onboarding.test.ts"],
    env: { MUSTER_ONBOARDING_HOSTS: "100" },
  },
  {
    name: "populations of documents, killed at every point",
    command: ["vitest", "run", "packages/testkit/test/laws/populations.test.ts"],
    env: { MUSTER_EVERY_POINT: "1" },
  },
  ...benches.map((file): Run => ({
    name: file,
    command: ["node", "--conditions=muster-source", file],
  })),
];

const parts = process.argv.slice(2);
const isAsked = ({ name }: Run): boolean =>
  parts.length === 0 || parts.some((part) => name.includes(part));
const asked = runs.filter(isAsked);
if (asked.length === 0) {
  process.stderr.write(`no such run; there are:\n${runs.map(({ name }) => name).join("\n")}\n`);
}

const failed = asked.filter(({ name, command: [tool, ...args], env }) => {
  process.stdout.write(`\n== ${name}\n`);
  const { status } = spawnSync(tool, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return status !== 0;
});

for (const { name } of failed) process.stdout.write(`failed: ${name}\n`);
process.exitCode = failed.length === 0 && asked.length > 0 ? 0 : 1;
