// Holds the tables of docs/reference/hosts.md to the code: nothing is missing there, and no number is another.

import { describe, expect, it } from "vitest";
import { defaultDriftThresholds, driftTypes } from "../../packages/core/src/inventory/drift.ts";
import { looksKept } from "../../packages/core/src/inventory/history.ts";
import { ContactReason, ContactStep, HostFacts } from "../../packages/core/src/words/contact.ts";
import { contactRemedies } from "../../packages/core/src/words/remedy.ts";
import { usualDeadlines } from "../../packages/provider-ssh/src/connect.ts";
import { maxFileBytes, usualPlaces } from "../../packages/provider-ssh/src/probe-script.ts";
import { readPage } from "./named-tests.ts";

const page = readPage("docs/reference/hosts.md");

/** The rows of the table under this heading, each as its cells. */
const rowsUnder = (text: string, heading: string): ReadonlyArray<ReadonlyArray<string>> => {
  const lines = text.split("\n");
  const begin = lines.findIndex((line) => /^#+ /u.test(line) && line.endsWith(` ${heading}`));
  const length = lines.slice(begin + 1).findIndex((line) => /^#+ /u.test(line));
  const section = lines.slice(begin + 1, length < 0 ? undefined : begin + 1 + length);
  return section
    .filter((line) => line.startsWith("| "))
    .slice(1)
    .map((line) => line.split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
};

const code = (word: string): string => `\`${word}\``;

const seconds = (millis: number): string => `${millis / 1_000} s`;

/** What the code says of each step; nothing is waited for in `config`. */
const deadlineOf: Readonly<Record<ContactStep, string>> = {
  config: "none",
  dns: seconds(usualDeadlines.connectMillis),
  tcp: seconds(usualDeadlines.connectMillis),
  banner: seconds(usualDeadlines.bannerMillis),
  kex: seconds(usualDeadlines.kexMillis),
  auth: seconds(usualDeadlines.authMillis),
  channel: seconds(usualDeadlines.channelMillis),
  exec: seconds(usualDeadlines.execMillis),
};

const faultsOf = (text: string): ReadonlyArray<string> => {
  const faults: Array<string> = [];
  const same = (what: string, told: ReadonlyArray<string>, known: ReadonlyArray<string>) => {
    for (const one of known) if (!told.includes(one)) faults.push(`${what}: missing: ${one}`);
    for (const one of told) if (!known.includes(one)) faults.push(`${what}: no such: ${one}`);
  };
  same(
    "facts",
    rowsUnder(text, "What is read").map(([fact]) => fact!),
    Object.keys(HostFacts.fields).map(code),
  );
  same(
    "places",
    Object.values(usualPlaces).filter((place) => text.includes(code(place))),
    Object.values(usualPlaces),
  );
  same(
    "steps",
    rowsUnder(text, "Steps and deadlines").map(([step, deadline]) => `${step} ${deadline}`),
    ContactStep.literals.map((step) => `${code(step)} ${deadlineOf[step]}`),
  );
  same(
    "outcomes",
    rowsUnder(text, "Outcomes").map(([outcome, , remedy]) => `${outcome} ${remedy}`),
    ContactReason.literals.map((reason) => `${code(reason)} ${contactRemedies[reason]}`),
  );
  same(
    "drift",
    rowsUnder(text, "Drift").map(([field, value]) => `${field} ${value}`),
    Object.entries(defaultDriftThresholds).map(([field, value]) =>
      field.endsWith("Millis")
        ? `${code(field.replace(/Millis$/u, "Seconds"))} ${value / 1_000}`
        : `${code(field)} ${value}`,
    ),
  );
  const [, , looks, bytes] = rowsUnder(text, "What is kept").map(([, amount]) => amount);
  same("looks", [looks!], [`${looksKept}, and the last that it answered`]);
  same("bytes", [bytes!], [`${maxFileBytes} bytes at most`]);
  return faults;
};

describe("the reference of hosts", () => {
  it("has each fact, step and outcome of the code, with its numbers and its remedy", () => {
    expect(faultsOf(page)).toEqual([]);
  });

  it.each([
    ["a fact that is left out", /^\| `bootId`.*\n/mu, "", "facts: missing: `bootId`"],
    ["another deadline", "| `auth` | 20 s |", "| `auth` | 30 s |", "steps: missing: `auth` 20 s"],
    ["an outcome of its own", "| `reset` |", "| `lost` |", "outcomes: missing: `reset`"],
    ["another remedy", "correct the SSH configuration |", "try again |", "outcomes: missing"],
    ["another threshold", "| `staleSeconds` | 86400 |", "| `staleSeconds` | 3600 |", "drift:"],
    ["another length of history", "| 10, and", "| 20, and", "looks: missing: 10"],
    ["another place", /`\/etc\/puppet_role`/u, "`/etc/role`", "places: missing: /etc/puppet_role"],
  ])("is held: %s is a fault", (_, from, to, fault) => {
    const planted = page.replace(from, to);
    expect(planted).not.toBe(page);
    expect(faultsOf(planted).join("\n")).toContain(fault);
  });

  it("has every type of drift on the page that finds it", () => {
    const types = [...readPage("docs/how-to/find-drift.md").matchAll(/^\| `([a-z-]+)` \|/gmu)];
    expect(types.map(([, type]) => type)).toEqual([...driftTypes]);
  });
});
