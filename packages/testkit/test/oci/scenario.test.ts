// What a scenario file may say, and what is told of one that is wrong.

import { readdir, readFile } from "node:fs/promises";
import { expect, it } from "@effect/vitest";
import { formatDiagnostic } from "@muster/core/read/format";
import { faultNames, namedFaults, optionsOf, readScenario } from "../../src/oci/index.ts";
import { ad, launch, refusalOf, simulated } from "./clients.ts";

const read = (text: string, file = "day.yaml") => readScenario({ file, text });

const told = (text: string, file?: string): readonly string[] =>
  read(text, file).diagnostics.map(formatDiagnostic);

const scenarioOf = (text: string) => {
  const { value, diagnostics } = read(text);
  expect(diagnostics).toEqual([]);
  return value ?? {};
};

it("tells every fault of a file at once, each with its place and a hint", () => {
  const text = `timming: { launchDelayMs: 5 }
seed: -1
capacity:
  - availabilityDomain: AD-9
faults:
  - fault: loose-answer
    operation: LaunchInstance
  - fault: hang
    operation: LaunchInstanc
    nth: "2"
  - fault: throttled
  - fault: die
    operation: ListInstances
    status: 500
    faultDomain: FAULT-DOMAIN-1
  - { fault: delay, operation: GetInstance, fromMs: 9, untilMs: 9 }
  - { fault: error, operation: GetInstance, laterPages: true }
`;
  expect(told(text)).toEqual([
    'day.yaml:1:1: error: unknown field "timming"\n  hint: did you mean "timing"?',
    'day.yaml:2:7: error: "seed" must be a whole number from 0 to 4294967295, but is the number -1',
    'day.yaml:4:5: error: missing field "hosts"\n  hint: add it to $.capacity[0]',
    'day.yaml:4:25: error: "availabilityDomain" must be one of "AD-1", "AD-2", "AD-3", "Uocm:PHX-AD-1", "Uocm:PHX-AD-2", "Uocm:PHX-AD-3", but is the text "AD-9"\n  hint: did you mean "AD-1"?',
    'day.yaml:6:12: error: "fault" must be the name of a fault, but is the text "loose-answer"\n  hint: did you mean "lose-answer"?',
    'day.yaml:9:16: error: "operation" must be an operation of the API, or "*", but is the text "LaunchInstanc"\n  hint: did you mean "LaunchInstance"?',
    'day.yaml:10:10: error: "nth" must be a whole number from 1 to 1000000, but is the text "2"\n  hint: write 2 without quotes',
    'day.yaml:11:5: error: missing field "operation"\n  hint: such as "LaunchInstance", or "*"',
    'day.yaml:13:16: error: "die" does not fit ListInstances\n  hint: it fits: LaunchInstance',
    'day.yaml:14:13: error: "status" means nothing to "die"\n  hint: it takes: afterMs',
    'day.yaml:15:18: error: only launches have "faultDomain"\n  hint: remove it, or write "operation: LaunchInstance"',
    'day.yaml:16:5: error: missing field "forMs"\n  hint: "delay" needs it',
    'day.yaml:16:65: error: the fault ends before it begins\n  hint: "untilMs" must be later than "fromMs"',
    'day.yaml:17:5: error: missing field "code"\n  hint: "error" needs it',
    'day.yaml:17:5: error: missing field "status"\n  hint: "error" needs it',
    "day.yaml:17:57: error: GetInstance has no pages\n  hint: remove it, or name a list",
  ]);
});

it("reads JSON, and refuses what is no scenario at all", () => {
  const json = '{ "faults": [{ "fault": "drop-connection", "operation": "*" }] }';
  expect(read(json, "day.json").value?.faults).toHaveLength(1);
  const hint = "\n  hint: write a scenario into it, and nothing else";
  expect(told("")).toEqual([`day.yaml:1:1: error: the file is empty${hint}`]);
  expect(told("seed: 1\n---\nseed: 2\n")).toEqual([
    `day.yaml:1:1: error: the file holds 2 documents${hint}`,
  ]);
  expect(told("- seed\n")).toEqual([
    "day.yaml:1:1: error: a scenario is a map of fields, not a list",
  ]);
  expect(told("seed: [1\n")).toHaveLength(1);
  expect(told("seed: 1\nseed: 2\n")).toEqual([
    'day.yaml:2:1: error: field "seed" is written twice in one map\n  hint: remove one of them',
  ]);
  expect(told("x".repeat(2_000_000))).toHaveLength(1);
});

it.effect("makes the world that a scenario says", () => {
  const scenario = scenarioOf(`
timing: { launchDelayMs: 10 }
variants: { terminateAgain: modified }
capacity: [{ availabilityDomain: AD-1, hosts: 2 }]
instances:
  - { displayName: theirs, availabilityDomain: AD-1, ageMs: 60000, freeformTags: { team: data } }
faults:
  - { fault: lose-answer, operation: LaunchInstance, nth: 1 }
`);
  return simulated(optionsOf(scenario), async (bench) => {
    const { simulator } = bench;
    expect(await refusalOf(launch(bench, {}, "a"))).toBe("network: fetch failed");
    expect(await refusalOf(launch(bench, {}, "a"))).toBe("accepted");
    expect(await refusalOf(launch(bench, {}, "b"))).toBe("500 InternalError");
    expect(simulator.instances().map(({ displayName }) => displayName)).toContain("theirs");
    simulator.reset();
    expect(simulator.instances()).toMatchObject([{ displayName: "theirs", foreign: true }]);
    expect(simulator.instances()[0]?.availabilityDomain).toBe(ad(1));
  });
});

it.effect("sets the clock wrong, which OCI answers with 401", () =>
  simulated(optionsOf(scenarioOf("clockSkewSeconds: 900")), async (bench) => {
    expect(await refusalOf(launch(bench))).toBe("401 NotAuthenticated");
  }),
);

it("documents each fault and each example", async () => {
  const root = new URL("../../../../", import.meta.url);
  const page = await readFile(new URL("docs/reference/simulator.md", root), "utf8");
  for (const fault of faultNames) {
    const { about, operations, takes } = namedFaults[fault];
    const fits = operations === "any" ? "any" : operations.join(", ");
    const details = takes.map((name) => `\`${name}\``).join(", ");
    expect(page).toContain(`| \`${fault}\` | ${fits} | ${details} | ${about} |`);
  }
  const examples = new URL("examples/scenarios/", root);
  const files = (await readdir(examples)).filter((file) => file.endsWith(".yaml"));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    expect(told(await readFile(new URL(file, examples), "utf8"), file)).toEqual([]);
    expect(page).toContain(file);
  }
});
