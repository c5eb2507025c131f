// Decides how plans look to a person.

import {
  type Change,
  effectiveChanges,
  escapeText,
  formatAddress,
  formatMember,
  type Plan,
  type Refusal,
} from "@muster/core";
import type { Colour, Paint } from "./paint.ts";

const signs: Readonly<Record<Change["action"], readonly [string, Colour]>> = {
  create: ["+", "green"],
  remove: ["-", "red"],
  update: ["~", "yellow"],
  adopt: ["<", "yellow"],
  settle: ["*", "cyan"],
  forget: ["x", "cyan"],
  keep: ["=", "dim"],
};

/** All plans and one line that sums them up; the last line has no line break. */
export const viewPlans = (plans: ReadonlyArray<Plan>, digest: string, paint: Paint): string =>
  [...plans.flatMap((plan) => [...viewPlan(plan, paint), ""]), summary(plans, digest, paint)].join(
    "\n",
  );

const viewPlan = (plan: Plan, paint: Paint): ReadonlyArray<string> => {
  const kept = plan.changes.length - effectiveChanges(plan).length;
  return [
    paint("bold", formatAddress(plan.document)) +
      (plan.orphaned ? paint("dim", "  (orphaned)") : ""),
    ...effectiveChanges(plan).map((change) => viewChange(change, paint)),
    ...(kept > 0
      ? [paint("dim", `  = keep     ${kept} ${kept === 1 ? "member" : "members"}`)]
      : []),
    ...plan.drift.map((drift) =>
      paint(
        "yellow",
        `  ? drift    ${drift.member}: ${drift.field} is ${escapeText(drift.seen)}, asked is ${escapeText(drift.asked)}`,
      ),
    ),
    ...plan.outside.map((outsider) =>
      paint(
        "yellow",
        `  ? outside  ${escapeText(outsider.name)} (${outsider.why}) ${escapeText(outsider.id, 120)}`,
      ),
    ),
    ...(plan.unsettled.length > 0
      ? [paint("yellow", `  ? open     ${plan.unsettled.length} earlier outcomes not known yet`)]
      : []),
    ...plan.refusals.flatMap((refusal) => viewRefusal("refused", refusal, paint)),
    ...(plan.hold === null ? [] : viewRefusal("held", plan.hold, paint)),
    ...(plan.changes.length === 0 && plan.refusals.length === 0 && plan.hold === null
      ? [paint("dim", "  nothing to do")]
      : []),
  ];
};

const viewChange = (change: Change, paint: Paint): string => {
  const [sign, colour] = signs[change.action];
  const what = paint(colour, `${sign} ${change.action.padEnd(8)} ${subject(change)}`);
  return `  ${what}${where(change)}  ${paint("dim", escapeText(change.reason.text, 300))}`;
};

/** What a change is about, as a person would say it. */
export const subject = (change: Change): string =>
  change.action === "forget" ? formatAddress(change.document) : formatMember(change.member);

const where = (change: Change): string => {
  if (change.action === "create") return `  in ${escapeText(change.place)}`;
  if ("id" in change && change.id !== null) return `  ${escapeText(change.id, 120)}`;
  return "";
};

const viewRefusal = (
  word: "refused" | "held",
  refusal: Refusal,
  paint: Paint,
): ReadonlyArray<string> => [
  paint("red", `  ! ${word.padEnd(7)}  ${escapeText(refusal.reason.text, 600)}`),
  `             ${escapeText(refusal.remedy, 600)}`,
];

const summary = (plans: ReadonlyArray<Plan>, digest: string, paint: Paint): string => {
  const all = plans.flatMap((plan) => plan.changes);
  const count = (...actions: ReadonlyArray<Change["action"]>) =>
    all.filter((change) => actions.includes(change.action)).length;
  const parts = [
    `${count("create")} to create`,
    `${count("remove")} to remove`,
    `${count("update", "adopt")} to mark`,
    `${count("keep")} unchanged`,
  ];
  return `${paint("bold", "Plan:")} ${parts.join(", ")}  ${paint("dim", digest)}`;
};
