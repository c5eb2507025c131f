// Decides how findings are told, and what they mean for the exit code.

import {
  canonicalJson,
  escapeText,
  type FailureOrigin,
  type Finding,
  type FindingVerdict,
} from "@muster/core";
import type { Colour, Paint } from "./paint.ts";
import { wrap } from "./table.ts";

const colours: Readonly<Record<FindingVerdict, Colour>> = {
  ok: "green",
  warning: "yellow",
  failed: "red",
  unknown: "cyan",
};

const codes: Readonly<Record<FailureOrigin, number>> = { input: 1, infrastructure: 2, guard: 5 };

/** What does not work at all counts before what is refused, and that before what is set up wrongly. */
const order: ReadonlyArray<FailureOrigin> = ["infrastructure", "guard", "input"];

export const exitCodeOf = (findings: ReadonlyArray<Finding>): number => {
  const origins = findings
    .filter(({ verdict }) => verdict === "failed")
    .map(({ origin }) => origin ?? "infrastructure");
  const worst = order.find((origin) => origins.includes(origin));
  return worst === undefined ? 0 : codes[worst];
};

const counted = (findings: ReadonlyArray<Finding>): string =>
  (["ok", "warning", "failed", "unknown"] as const)
    .map((verdict) => [verdict, findings.filter((one) => one.verdict === verdict).length] as const)
    .filter(([verdict, count]) => count > 0 || verdict === "ok")
    .map(([verdict, count]) => `${count} ${verdict}`)
    .join(", ");

export const viewFindings = (
  findings: ReadonlyArray<Finding>,
  width: number | null,
  paint: Paint,
): string =>
  [
    ...findings.flatMap((finding) => viewFinding(finding, width, paint)),
    paint("bold", counted(findings)),
  ].join("\n");

const viewFinding = (finding: Finding, width: number | null, paint: Paint) => {
  const { verdict, check, message, remedy } = finding;
  const [first, ...rest] = wrap(
    `${escapeText(check, 200)}: ${escapeText(message, 2_000)}`,
    width,
    " ".repeat(9),
  );
  return [
    paint(colours[verdict], verdict.padEnd(9)) + first!.slice(9),
    ...rest,
    ...(remedy === null ? [] : wrap(escapeText(remedy, 2_000), width, " ".repeat(11))),
  ];
};

export const findingsAsJson = (findings: ReadonlyArray<Finding>): string =>
  canonicalJson({
    exitCode: exitCodeOf(findings),
    findings: findings.map(({ check, verdict, message, remedy, origin }) => ({
      check,
      verdict,
      message,
      remedy,
      origin,
    })),
  });
