// Decides how the standing of fleets is told: one row each, and below it what stands in the way.

import { canonicalJson, escapeText, formatAddress, type JsonObject } from "@muster/core";
import { exitCodeOf, type Standing, type State } from "../standing.ts";
import { viewAgo, viewTime } from "./moment.ts";
import type { Colour, Paint } from "./paint.ts";
import { viewTable, wrap } from "./table.ts";

const colours: Readonly<Record<State, Colour>> = {
  ready: "green",
  waiting: "yellow",
  stalled: "red",
};

export interface StatusLook {
  readonly place: string;
  readonly standings: ReadonlyArray<Standing>;
  readonly now: number;
  readonly width: number | null;
  readonly paint: Paint;
  /** Members and conditions too: a person named the fleet. */
  readonly inFull: boolean;
}

export const viewStatus = (look: StatusLook): string => {
  const { standings, paint } = look;
  if (standings.length === 0) return `no fleets  (${look.place})`;
  const [heading, ...rows] = viewTable(
    [["FLEET", "STATE", "RUNNING", "SINCE", "COMMIT"], ...standings.map((one) => row(one, look))],
    look.width,
  );
  return [
    paint("bold", heading!),
    ...standings.flatMap((standing, index) => [
      paint(colours[standing.state], rows[index]!),
      ...below(standing, look),
    ]),
    paint("dim", look.place),
  ].join("\n");
};

const row = (standing: Standing, { now }: StatusLook) => [
  escapeText(formatAddress(standing.document)),
  escapeText(standing.state === "ready" ? "Ready" : standing.reason),
  members(standing),
  standing.since === null ? "" : viewAgo(standing.since, now),
  escapeText(standing.commit?.slice(0, 12) ?? ""),
];

const members = ({ status }: Standing): string => {
  const counts = status?.counts ?? [];
  if (counts.length === 0) return "";
  const sum = (of: "running" | "asked") => counts.reduce((total, one) => total + one[of], 0);
  return `${sum("running")} of ${sum("asked")}`;
};

const below = (standing: Standing, look: StatusLook): ReadonlyArray<string> => {
  const lines = (text: string) => wrap(escapeText(text, 2_000), look.width, "  ");
  return [
    ...(standing.state === "ready" ? [] : lines(standing.message)),
    ...(standing.open > 0 ? lines(`${standing.open} outcomes not known yet`) : []),
    ...(standing.quarantine === null || standing.state === "stalled"
      ? []
      : lines(
          `in quarantine since ${viewTime(standing.quarantine.at)}: ${standing.quarantine.message}`,
        )),
    ...(look.inFull ? inFull(standing, look) : []),
  ];
};

const inFull = ({ status }: Standing, look: StatusLook): ReadonlyArray<string> => {
  if (status === null) return [];
  return [
    ...status.counts.map(
      (count) =>
        `  ${escapeText(count.set)}: ${count.asked} asked, ${count.present} there, ${count.running} running${count.unowned > 0 ? `, ${count.unowned} without an owner` : ""}`,
    ),
    ...viewTable(
      status.conditions.map((condition) => [
        `  ${condition.type}`,
        condition.status,
        escapeText(condition.reason),
        viewAgo(condition.since, look.now),
      ]),
      look.width,
    ),
    ...viewTable(
      status.members.map((member) => [
        `  ${escapeText(member.name)}`,
        escapeText(member.phase),
        escapeText(member.place),
        member.owner,
        escapeText(member.id, 120),
      ]),
      look.width,
    ),
  ];
};

export const statusAsJson = (
  place: string,
  owner: string,
  standings: ReadonlyArray<Standing>,
): string =>
  canonicalJson({
    store: place,
    owner,
    exitCode: exitCodeOf(standings),
    documents: standings.map(standingAsJson),
  });

const standingAsJson = (standing: Standing): JsonObject =>
  JSON.parse(
    JSON.stringify({ ...standing, document: formatAddress(standing.document) }),
  ) as JsonObject;
