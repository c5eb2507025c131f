// Holds that a command which did not come to an end says why and what to do, and calls unknown only what its records keep open.

import * as assert from "node:assert/strict";
import { exitCodes, formatMember, type MemberName, type Verdict } from "@muster/core";
import { isIntent, type Memory } from "./recorded.ts";

/** Codes that a fault may end a run with for good: it failed, it was refused, or nobody can know. */
export const stops: ReadonlyArray<number> = [2, 5, 7];

/** Codes on the way there; what was partly done is gone on with. */
const troubles: ReadonlyArray<number> = [...stops, 6];

interface ToldOutcome {
  readonly result: string;
  readonly change: { readonly member: MemberName };
  readonly message: string;
  readonly remedy: string | null;
}

interface ToldRefusal {
  readonly reason: { readonly code: string; readonly text: string };
  readonly remedy: string;
  readonly consent?: string;
}

interface ToldPlan {
  readonly refusals: ReadonlyArray<ToldRefusal>;
  readonly hold: ToldRefusal | null;
}

/** What `apply` and `run` have in common, told as JSON. */
interface Told {
  readonly verdict: Verdict;
  readonly outcomes: ReadonlyArray<ToldOutcome>;
  readonly left: ReadonlyArray<ToldPlan>;
  readonly unpublished?: { readonly message: string; readonly remedy: string | null } | null;
}

interface Words {
  readonly reason: string;
  readonly remedy: string | null;
}

const wordsOf = (told: Told): ReadonlyArray<Words> => [
  ...told.outcomes
    .filter(({ result }) => result !== "done")
    .map(({ message, remedy }) => ({ reason: message, remedy })),
  ...told.left
    .flatMap(({ refusals, hold }) => (hold === null ? refusals : [...refusals, hold]))
    .map(({ reason, remedy }) => ({ reason: reason.text, remedy })),
  ...(told.unpublished === undefined || told.unpublished === null
    ? []
    : [{ reason: told.unpublished.message, remedy: told.unpublished.remedy }]),
];

const isHelp = ({ reason, remedy }: Words): boolean =>
  reason !== "" && remedy !== null && remedy !== "";

const reportIn = (said: string): Told | undefined => {
  const line = said.split("\n").find((one) => one.startsWith("{"));
  return line === undefined ? undefined : (JSON.parse(line) as Told);
};

/** What consent would name, where the document waits in quarantine. */
export const quarantineIn = (said: string): string | undefined =>
  reportIn(said)?.left.find(({ hold }) => hold?.reason.code === "Quarantined")?.hold?.consent;

/** Whether it waits for a person to look after machines that stopped. */
export const asksForStopped = (said: string): boolean =>
  reportIn(said)?.left.some(({ refusals }) =>
    refusals.some(({ reason }) => reason.code === "StoppedMembers"),
  ) ?? false;

export const expectReason = (code: number, said: string, memory: Memory): void => {
  const end = said.slice(-4_000);
  assert.ok(troubles.includes(code), `exit code ${code}: ${end}`);
  const told = reportIn(said);
  if (told === undefined) return expectEnding(code, said);
  const unpublished = told.verdict === "done" && code === exitCodes["infrastructure failed"];
  assert.ok(
    unpublished || exitCodes[told.verdict] === code,
    `${told.verdict} with ${code}: ${end}`,
  );
  assert.ok(wordsOf(told).some(isHelp), `no reason and remedy with ${code}: ${end}`);
  expectOpen(code, told.outcomes, memory);
};

/** A run that was cut short, as by a lost lease, tells no outcomes: only why it ended and what to do. */
const expectEnding = (code: number, said: string): void => {
  const [reason = "", remedy = ""] = said.split("\n");
  assert.equal(code, exitCodes["infrastructure failed"], said);
  assert.ok(isHelp({ reason, remedy }), `no reason and remedy with ${code}: ${said}`);
};

/** 7 and an open intent: the one never without the other, for each outcome that is unknown. */
const expectOpen = (
  code: number,
  outcomes: ReadonlyArray<ToldOutcome>,
  { records }: Memory,
): void => {
  const unknown = outcomes.filter(({ result }) => result === "unknown");
  assert.equal(
    code === exitCodes["outcome unknown"],
    unknown.length > 0,
    `${unknown.length} outcomes are unknown, and the exit code is ${code}`,
  );
  const open = new Set(records.filter(isIntent).map(({ member }) => formatMember(member)));
  for (const { change, message, remedy } of unknown) {
    const member = formatMember(change.member);
    assert.ok(open.has(member), `the intent of ${member} is closed, its outcome unknown`);
    assert.ok(isHelp({ reason: message, remedy }), `${member} is unknown without a remedy`);
  }
};
