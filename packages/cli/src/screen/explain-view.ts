// Decides how an explanation is told: what is asked, seen, open, held back, done before, and done next.

import { escapeText } from "@muster/core";
import type { Explanation } from "../explanation.ts";
import { viewAgo, viewTime } from "./moment.ts";
import type { Paint } from "./paint.ts";
import { wrap } from "./table.ts";

export interface ExplainLook {
  readonly width: number | null;
  readonly paint: Paint;
  readonly now: number;
}

type Section = readonly [title: string, lines: ReadonlyArray<string>];

/** Sections that have nothing to say are left out, but for the last: what comes next. */
export const viewExplanation = (told: Explanation, look: ExplainLook): string =>
  [
    look.paint("bold", headingOf(told)),
    ...standing(told, look).flatMap((line) => wrap(line, look.width, "  ")),
    ...sectionsOf(told, look)
      .filter(([, lines]) => lines.length > 0)
      .flatMap(([title, lines]) => [
        look.paint("bold", title),
        ...lines.flatMap((line) => wrap(line, look.width, "  ")),
      ]),
  ].join("\n");

const headingOf = ({ document, member }: Explanation): string => {
  if (member === null) return escapeText(document);
  const name = escapeText(member.name ?? "a member without a name");
  const id = member.id === null ? "" : `  ${escapeText(member.id, 120)}`;
  return `${escapeText(document)}/${name}${id}`;
};

const standing = ({ standing: stands, member }: Explanation, { now }: ExplainLook) => {
  if (stands === null) return ["the store does not know it: no apply or run worked on it yet"];
  const since = stands.since === null ? "" : ` since ${viewAgo(stands.since, now)}`;
  const whose = member === null ? "" : "its fleet is ";
  return [`${whose}${stands.state}${since}: ${escapeText(stands.message, 2_000)}`];
};

const sectionsOf = (told: Explanation, look: ExplainLook): ReadonlyArray<Section> => [
  ["asked", asked(told)],
  ["remembered", remembered(told, look)],
  [told.seen?.when === "now" ? "seen just now" : "seen at the last run", seen(told)],
  ["open", open(told, look)],
  ["held back", told.held.flatMap(hindrance)],
  ["refused", told.refused.flatMap(hindrance)],
  ["consent", consent(told)],
  ["past", past(told)],
  [told.next.from === "plan" ? "next, as planned now" : "next", next(told)],
];

const asked = ({ asked: what }: Explanation): ReadonlyArray<string> => {
  if (what === null) return ["nothing that muster has seen"];
  const revision = what.revision === null ? "" : ` at revision ${escapeText(what.revision)}`;
  const where = what.place === null ? "as last acted on" : `by ${escapeText(what.place, 400)}`;
  return [
    ...(what.orphanedAt === null
      ? []
      : [`no file asks for it since ${viewTime(what.orphanedAt)}; this is what one asked last`]),
    `${where}${revision}, input ${escapeText(what.inputDigest)}`,
    ...what.sets.map(({ set, count }) => `${escapeText(set)}: ${count}`),
  ];
};

const remembered = ({ remembered: sets }: Explanation, { now }: ExplainLook) =>
  sets.map(
    ({ set, consented, knownSince }) =>
      `${escapeText(set)}: a person's numbers stand for ${consented}; known since ${viewAgo(knownSince, now)}`,
  );

const seen = ({ seen: what }: Explanation): ReadonlyArray<string> =>
  what === null
    ? []
    : [
        ...what.counts.map(
          (count) =>
            `${escapeText(count.set)}: ${count.asked} asked, ${count.present} there, ${count.running} running${count.unowned > 0 ? `, ${count.unowned} without an owner` : ""}`,
        ),
        ...what.members.map(
          (member) =>
            `${escapeText(member.phase)} in ${escapeText(member.place)}, ${ownership[member.owner]}`,
        ),
        ...what.drift.map(
          (drift) =>
            `${escapeText(drift.member)} drifted: ${drift.field} is ${escapeText(drift.seen)}, asked is ${escapeText(drift.asked)}`,
        ),
        ...what.outside.map(
          (outsider) =>
            `${escapeText(outsider.name)} stands outside (${outsider.why}): ${escapeText(outsider.id, 120)}`,
        ),
      ];

const ownership = {
  ours: "ours",
  unowned: "without an owner",
  other: "another owner's",
} as const;

const open = ({ open: intents }: Explanation, { now }: ExplainLook): ReadonlyArray<string> =>
  intents.map(
    ({ action, member, id, at, run }) =>
      `${action} ${escapeText(member)}${id === null ? "" : ` ${escapeText(id, 120)}`} was begun ${viewAgo(at, now)} by run ${escapeText(run)}; the next run looks what came of it`,
  );

const hindrance = ({ code, text, remedy }: Explanation["held"][number]): ReadonlyArray<string> => [
  `${escapeText(code)}: ${escapeText(text, 2_000)}`,
  ...(remedy === null ? [] : [`what to do: ${escapeText(remedy, 2_000)}`]),
];

const consent = ({ consent: given }: Explanation): ReadonlyArray<string> =>
  given.map(
    ({ what, about, by, at, reason }) =>
      `${what} ${escapeText(about, 120)} by ${escapeText(by)} at ${viewTime(at)}: ${escapeText(reason, 600)}`,
  );

const past = ({ past: entries }: Explanation): ReadonlyArray<string> =>
  entries.map((entry) => {
    const targets = entry.targets.map((target) => ` ${escapeText(target, 120)}`).join("");
    const what = entry.outcome ?? (entry.phase === "intent" ? "begun" : "noted");
    return `${viewTime(entry.at)} ${escapeText(entry.action)}${targets}: ${escapeText(what)}, ${escapeText(entry.reason, 600)} (${escapeText(entry.by)}, run ${escapeText(entry.run)})`;
  });

const next = ({ next: what, held }: Explanation): ReadonlyArray<string> => {
  if (what.from === "store") return [what.why];
  const changes = what.changes.map(
    ({ action, subject, id, reason }) =>
      `${action} ${escapeText(subject)}${id === null ? "" : ` ${escapeText(id, 120)}`}: ${escapeText(reason, 600)}`,
  );
  return [
    ...(held.length > 0 && changes.length > 0 ? ["held back, and so not done:"] : []),
    ...changes,
    ...(changes.length === 0 ? ["nothing is to be done about it"] : []),
    ...(what.kept > 0 ? [`${what.kept} stay as they are`] : []),
    ...(what.dueAt === null ? [] : [`time alone changes this at ${viewTime(what.dueAt)}`]),
  ];
};
