// Decides how the end of an apply is told.

import {
  canonicalJson,
  effectiveChanges,
  escapeText,
  formatAddress,
  type Outcome,
  type Plan,
  type ReconcileReport,
  type Verdict,
} from "@muster/core";
import type { Paint } from "./paint.ts";

export const viewReport = (report: ReconcileReport, verdict: Verdict, paint: Paint): string => {
  const lines = report.statuses.map((status) => {
    const ready = status.conditions.find((condition) => condition.type === "Ready")!;
    const colour = ready.status === "True" ? "green" : "yellow";
    const name = `${status.kind.replace(/Status$/u, "")}/${status.metadata.name}`;
    const plan = report.left.find((one) => formatAddress(one.document) === name);
    const told = troubleOf(plan) ?? escapeText(ready.message, 600);
    return `${paint("bold", name)}  ${paint(colour, `Ready=${ready.status}`)}  ${told}`;
  });
  return [...lines, ...(report.stale ? [staleLine] : []), ending(report, verdict, paint)].join(
    "\n",
  );
};

/** What was refused, and on a line of its own what to do about it. */
const troubleOf = (plan: Plan | undefined): string | undefined => {
  const refusal = plan?.hold ?? plan?.refusals[0];
  return refusal === undefined
    ? undefined
    : `${escapeText(refusal.reason.text, 600)}\n  ${escapeText(refusal.remedy, 600)}`;
};

const staleLine =
  "the world or the documents changed since that plan was made: nothing was applied; look at a new plan";

const ending = (report: ReconcileReport, verdict: Verdict, paint: Paint): string => {
  const done = report.outcomes.filter((outcome) => outcome.result === "done");
  const count = (action: Outcome["change"]["action"]) =>
    done.filter((outcome) => outcome.change.action === action).length;
  const left = report.left.reduce((sum, plan) => sum + effectiveChanges(plan).length, 0);
  const parts = [
    `${count("create")} created`,
    `${count("remove")} removed`,
    ...(left > 0 ? [`${left} left to do`] : []),
  ];
  const colour = verdict === "done" ? "green" : "red";
  return `${paint(colour, verdict === "done" ? "Done:" : `Ended (${verdict}):`)} ${parts.join(", ")}`;
};

/** One JSON object: verdict, outcomes and statuses. */
export const reportAsJson = (report: ReconcileReport, verdict: Verdict): string =>
  canonicalJson({
    verdict,
    stale: report.stale,
    outcomes: report.outcomes.map((outcome) => ({
      document: formatAddress(outcome.document),
      change: outcome.change,
      result: outcome.result,
      code: outcome.code,
      message: outcome.message,
      remedy: outcome.remedy,
    })),
    statuses: report.statuses,
    left: report.left,
  });
