// Decides how one fleet is told: how it stands, what an operation came to, and how a restart gets on.

import {
  canonicalJson,
  digestOfPlans,
  encodePlans,
  escapeText,
  type JsonObject,
  type Plan,
} from "@muster/core";
import type { FleetActions, FleetAnswer, FleetOverride } from "@muster/sdk/fleet-contract";
import type { Ended } from "../fleet/answer.ts";
import type { FleetStanding } from "../fleet/standing.ts";
import { viewTime } from "./moment.ts";
import type { Paint } from "./paint.ts";
import { viewPlans } from "./plan-view.ts";
import { viewTable } from "./table.ts";

export interface StandingLook {
  readonly standing: FleetStanding;
  readonly width: number | null;
  readonly paint: Paint;
}

export const viewFleet = ({ standing, width, paint }: StandingLook): string => {
  const { fleet, owner, local, remote, desired, store } = standing;
  return [
    `${paint("bold", `fleet ${fleet}`)}  ${paint("dim", `(owner ${escapeText(owner)})`)}`,
    `  local   ${local}  in the ledger`,
    `  remote  ${remote ?? "unknown"}  discovered${differs(standing, paint)}`,
    `  desired ${desired}${standing.override === null ? "" : "  by an override"}`,
    ...viewTable(groupRows(standing), width),
    ...below(standing, paint),
    paint("dim", `  ${store}`),
  ].join("\n");
};

const differs = ({ local, remote }: FleetStanding, paint: Paint): string =>
  remote === null || local === remote
    ? ""
    : paint("yellow", "  differs from the ledger: run sync-state");

const groupRows = ({ groups }: FleetStanding) => [
  ["  GROUP", "DOCUMENT", "DESIRED", "LOCAL", "REMOTE", "RUNNING"],
  ...groups.map((one) => [
    `  ${escapeText(one.group)}`,
    String(one.document),
    String(one.desired),
    String(one.local),
    String(one.remote ?? "?"),
    String(one.running ?? "?"),
  ]),
];

const below = (standing: FleetStanding, paint: Paint): ReadonlyArray<string> => [
  ...standing.drift.map(({ member, field, seen, asked }) =>
    paint(
      "yellow",
      `  drift    ${member}: ${field} is ${escapeText(seen)}, asked is ${escapeText(asked)}`,
    ),
  ),
  ...(standing.override === null ? [] : viewOverride(standing.override)),
  ...(standing.restart === null ? [] : [viewRestart(standing.restart)]),
  ...standing.waiting.map(({ name, id }) =>
    paint("yellow", `  waits    ${escapeText(name)} has no owner; sync-state adopts it  ${id}`),
  ),
  ...standing.outside.map(({ name, why, id }) =>
    paint("yellow", `  outside  ${escapeText(name)} (${why})  ${escapeText(id, 120)}`),
  ),
  ...(standing.due === 0
    ? []
    : [
        `  due      ${standing.due} ${standing.due === 1 ? "change" : "changes"} at the next apply, scale or tick`,
      ]),
  ...standing.refusals.flatMap(({ text, remedy }) => [
    paint("red", `  refused  ${escapeText(text, 600)}`),
    `           ${escapeText(remedy, 600)}`,
  ]),
];

const viewOverride = (override: FleetOverride): ReadonlyArray<string> => [
  `  override ${override.desired} until ${viewTime(override.until)}, by ${escapeText(override.by)}: ${escapeText(override.reason, 300)}`,
  `           then ${override.afterwards}`,
];

const viewRestart = (restart: NonNullable<FleetStanding["restart"]>): string => {
  const { total, left, phase, stage, by } = restart;
  const whose = by === null ? "that the document asks for" : `by ${escapeText(by)}`;
  return `  restart  ${left} of ${total} still to replace, ${whose}: ${phase}${stage === null ? "" : `, ${stage}`}`;
};

export const fleetAsJson = (standing: FleetStanding): string =>
  canonicalJson(JSON.parse(JSON.stringify(standing)) as JsonObject);

/** The answer of an operation; of a dry run what would be done. */
export const viewEnded = ({ answer, verdict, plan, isDryRun }: Ended, paint: Paint): string =>
  [
    ...(plan === null ? [] : [viewPlans([plan], digestOfPlans([plan]), paint)]),
    ...answer.messages.map((line) => escapeText(line, 2_000)),
    isDryRun ? "nothing was changed: a dry run" : summary(answer, verdict === "done", paint),
  ].join("\n");

const summary = (answer: FleetAnswer, isDone: boolean, paint: Paint): string => {
  const { operation, desired, actual, launched, terminated, groups } = answer;
  const word = paint(isDone ? "green" : "red", isDone ? "Done:" : "Ended:");
  const each =
    groups.length < 2
      ? ""
      : ` (${groups.map((one) => `${one.group} ${one.actual} of ${one.desired}`).join(", ")})`;
  return `${word} ${operation}: ${actual ?? "?"} of ${desired} there${each}, ${launched} launched, ${terminated} terminated`;
};

export const endedAsJson = ({ answer, verdict, trouble, plan, isDryRun }: Ended): string =>
  canonicalJson(
    JSON.parse(
      JSON.stringify({
        ...answer,
        verdict,
        trouble,
        dryRun: isDryRun,
        ...(plan === null ? {} : { plan: planAsJson(plan) }),
      }),
    ) as JsonObject,
  );

const planAsJson = (plan: Plan): unknown => JSON.parse(encodePlans([plan]));

/** `member i of n: terminate web-3.1`; nothing when no restart runs, or the member did not change. */
export const viewMember = (
  { rollingRestartIndex, rollingRestartTotal, phase }: FleetActions,
  subject: string,
): string => `member ${rollingRestartIndex} of ${rollingRestartTotal}: ${phase ?? ""} ${subject}`;
