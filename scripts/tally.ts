// Sums up the reports of all test runs in one last line; fails for a failed, skipped or absent test.

import { globSync, readFileSync } from "node:fs";
import path from "node:path";

interface Report {
  readonly success: boolean;
  readonly testResults: ReadonlyArray<{
    readonly name: string;
    readonly status: string;
    readonly assertionResults: ReadonlyArray<{
      readonly fullName: string;
      readonly status: string;
    }>;
  }>;
}

/** Usage: node scripts/tally.ts FOLDER RUNS, where RUNS reports must lie in FOLDER. */
const [folder = "", runs = ""] = process.argv.slice(2);
const reports = globSync(path.join(folder, "*.json")).map(
  (file) => JSON.parse(readFileSync(file, "utf8")) as Report,
);
const files = reports.flatMap(({ testResults }) => testResults);
const tests = files.flatMap((file) => file.assertionResults);

const passed = tests.filter(({ status }) => status === "passed").length;
const broken = tests.filter(({ status }) => status === "failed");
const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");
// Nothing is forbidden to root; every other test that is skipped lacks something of this machine.
const root = process.getuid?.() === 0;
const lacking = skipped.filter(({ fullName }) => !(root && /this user may not/.test(fullName)));
// A file that does not even load has failed without a test.
const unloaded = files.filter((file) => file.status === "failed" && !file.assertionResults.length);

for (const { fullName } of broken) process.stdout.write(`failed: ${fullName}\n`);
for (const { name } of unloaded) process.stdout.write(`failed to load: ${name}\n`);
for (const { fullName } of skipped) process.stdout.write(`skipped: ${fullName}\n`);
const absent = reports.length !== Number(runs);
if (absent) process.stdout.write(`expected ${runs} reports, found ${reports.length}\n`);

const failed = broken.length + unloaded.length;
const unhappy = reports.some(({ success }) => !success);
if (failed + lacking.length > 0 || passed === 0 || absent || unhappy) process.exitCode = 1;
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped.length} skipped\n`);
