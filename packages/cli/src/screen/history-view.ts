// Decides how past runs, and the changes of one, are told.

import { escapeText } from "@muster/core";
import type { Past, PastChange, PastRun, RunDocument } from "../runs.ts";
import { viewLength, viewTime } from "./moment.ts";
import type { Colour, Paint } from "./paint.ts";
import { viewTable, wrap } from "./table.ts";

export interface HistoryLook {
  readonly width: number | null;
  readonly paint: Paint;
}

/** The rest that was not shown is counted. */
export const viewHistory = (
  past: ReadonlyArray<Past>,
  hidden: number,
  { width, paint }: HistoryLook,
): string => {
  if (past.length === 0) return "no run changed anything yet";
  const [heading, ...rows] = viewTable(
    [["TIME", "TOOK", "RUN", "VERDICT", "REVISION", "BY"], ...past.map(row)],
    width,
  );
  return [
    paint("bold", heading!),
    ...past.flatMap((one, index) => [
      paint(colourOf(one), rows[index]!),
      ...below(one).flatMap((line) => wrap(line, width, "  ")),
    ]),
    ...(hidden > 0 ? [paint("dim", `… and ${hidden} older (--limit shows more)`)] : []),
  ].join("\n");
};

const row = (one: Past): ReadonlyArray<string> =>
  one.what === "note"
    ? [viewTime(one.at), "", one.id, escapeText(one.action), "", escapeText(one.by)]
    : [
        viewTime(one.at),
        tookOf(one),
        escapeText(one.id.slice(0, 8)),
        escapeText(one.verdict ?? "not reported"),
        escapeText(one.revision?.slice(0, 12) ?? ""),
        escapeText(one.by),
      ];

const tookOf = ({ at, endedAt }: Pick<PastRun, "at" | "endedAt">): string =>
  viewLength(Date.parse(endedAt) - Date.parse(at));

const colourOf = (one: Past): Colour => {
  if (one.what === "note") return "cyan";
  return one.verdict === "done" ? "green" : "yellow";
};

const below = (one: Past): ReadonlyArray<string> => {
  if (one.what === "note") {
    const about = one.document === null ? "" : `${escapeText(one.document)}: `;
    const came = one.outcome === null ? "" : ` (${escapeText(one.outcome)})`;
    return [`${about}${escapeText(one.reason, 600)}${came}`];
  }
  return [
    ...one.documents.map(documentLine),
    ...(one.trace === null ? [] : [`trace ${escapeText(one.trace)}`]),
  ];
};

const documentLine = (document: RunDocument): string => {
  const counts = (["done", "failed", "unknown", "skipped"] as const)
    .filter((name) => document[name] > 0)
    .map((name) => `${document[name]} ${name}`);
  const trouble = document.trouble === null ? "" : `: ${escapeText(document.trouble, 600)}`;
  return `${escapeText(document.document)}  ${counts.join(", ") || "begun"}${trouble}`;
};

export const viewRun = (
  run: PastRun,
  changes: ReadonlyArray<PastChange>,
  { width, paint }: HistoryLook,
): string =>
  [
    paint("bold", `run ${escapeText(run.id)}`),
    `  ${viewTime(run.at)}, took ${tookOf(run)}, ${escapeText(run.verdict ?? "not reported: it did not come to its end, or is long past")}`,
    `  by ${escapeText(run.by)}${run.revision === null ? "" : `, revision ${escapeText(run.revision)}`}`,
    ...(run.trace === null ? [] : [`  trace ${escapeText(run.trace)}`]),
    ...changes.flatMap((change) => viewPastChange(change, { width, paint })),
    ...(changes.length === 0 ? ["  it changed nothing"] : []),
  ].join("\n");

const viewPastChange = (
  change: PastChange,
  { width, paint }: HistoryLook,
): ReadonlyArray<string> => {
  const outcome = change.outcome ?? "no outcome";
  const colour = outcome === "done" ? "green" : "yellow";
  const targets = change.targets.map((target) => escapeText(target, 120)).join(" ");
  const consent =
    change.approval.mode === "consent"
      ? `, by consent of ${escapeText(change.approval.by ?? "nobody")}`
      : "";
  const detail = [
    `${escapeText(change.reason, 600)}${consent}`,
    ...(change.message === null || change.message === change.reason
      ? []
      : [escapeText(change.message, 600)]),
  ];
  return [
    paint(
      colour,
      `${viewTime(change.at)}  ${outcome.padEnd(8)} ${escapeText(change.action)} ${targets}`,
    ),
    ...detail.flatMap((line) => wrap(line, width, "    ")),
  ];
};
