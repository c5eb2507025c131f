// Shows what one run found and did, to people and to programs.

import * as Effect from "effect/Effect";
import {
  canonicalJson,
  digestOfPlans,
  escapeText,
  exitCodes,
  formatHead,
  hasErrors,
  type Plan,
  verdictOfApply,
} from "@muster/core";
import type { RunReport } from "@muster/gitops-runner";
import { viewDiagnostics } from "./diagnostics-view.ts";
import { Out } from "./out.ts";
import type { Paint } from "./paint.ts";
import { viewPlans } from "./plan-view.ts";
import { viewReport } from "./report-view.ts";

export const tellRun = Effect.fnUntraced(function* (ran: RunReport, output: "human" | "json") {
  const screen = yield* Out;
  if (output === "json") return yield* screen.result(runAsJson(ran));
  const { report, verification } = ran;
  if (report.diagnostics.length > 0) {
    yield* screen.say(viewDiagnostics(report.diagnostics, [], screen.paintSaid));
  }
  if (hasErrors(report.diagnostics)) {
    return yield* screen.say(
      screen.paintSaid("red", "the documents have faults; nothing was asked or changed"),
    );
  }
  const verdict = verdictOfApply(report);
  yield* screen.result(
    [
      `${screen.paint("bold", "source")}  ${ran.head.slice(0, 12)}  SourceVerified=${verification.status} (${verification.message})`,
      ...heldPlans(report.left, screen.paint),
      viewReport(report, verdict, screen.paint),
      publication(ran),
    ].join("\n"),
  );
});

/** What a person looks at before the held head is accepted. */
const heldPlans = (left: ReadonlyArray<Plan>, paint: Paint): ReadonlyArray<string> =>
  left.some((plan) => plan.hold !== null)
    ? [viewPlans(held(left), digestOfPlans(held(left)), paint), ""]
    : [];

const held = (plans: ReadonlyArray<Plan>): ReadonlyArray<Plan> =>
  plans.filter((plan) => plan.hold !== null);

const publication = ({ published, unpublished }: RunReport): string => {
  if (unpublished !== null) {
    const { message, remedy = "the next run says it" } = unpublished;
    return `status: NOT pushed: ${escapeText(message, 600)}\n  ${escapeText(remedy, 600)}`;
  }
  if (published === null) return "status: nothing new to say, nothing pushed";
  const audit = `audit head ${formatHead(published.audit)}`;
  return published.status === null
    ? `status: nothing new to say; audit pushed, ${audit}`
    : `status: ${published.status.slice(0, 12)} pushed, ${audit}`;
};

export const exitCodeOf = ({ report, unpublished }: RunReport): number => {
  if (hasErrors(report.diagnostics)) return exitCodes["faulty documents"];
  const code = exitCodes[verdictOfApply(report)];
  return code === 0 && unpublished !== null ? exitCodes["infrastructure failed"] : code;
};

const runAsJson = (ran: RunReport): string =>
  canonicalJson({
    head: ran.head,
    verification: ran.verification,
    verdict: hasErrors(ran.report.diagnostics) ? "faulty documents" : verdictOfApply(ran.report),
    diagnostics: ran.report.diagnostics,
    outcomes: ran.report.outcomes,
    statuses: ran.report.statuses,
    left: ran.report.left,
    published: ran.published,
    unpublished:
      ran.unpublished === null
        ? null
        : {
            reason: ran.unpublished.reason,
            message: ran.unpublished.message,
            remedy: ran.unpublished.remedy ?? null,
          },
  });
