// Decides how it is told what would be destroyed, or will be.

import {
  canonicalJson,
  compareText,
  type DocumentRecord,
  escapeText,
  formatAddress,
  formatMember,
  type MemberSighting,
} from "@muster/core";
import { consentDigest } from "@muster/core/plan/removals";

/** By whom, when (ISO 8601) and why it was recorded. */
export interface Person {
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

export interface Destruction {
  /** The store, as it is named to people. */
  readonly place: string;
  readonly record: DocumentRecord;
  readonly going: ReadonlyArray<MemberSighting>;
  /** Left too, but without a readable mark. */
  readonly unmarked: ReadonlyArray<MemberSighting>;
  /** The groups that members are left of, whichever was meant. */
  readonly groups: ReadonlyArray<string>;
  /** Nothing when it was only looked at. */
  readonly who: Person | null;
}

/** The commands that come next. */
export interface Calls {
  readonly confirm: string;
  readonly carryOut: string;
}

export const destructionAsJson = ({ going, place, record, unmarked, who }: Destruction): string =>
  canonicalJson({
    document: formatAddress(record.document),
    vanishedAt: record.orphanedAt,
    members: going.map(memberOf),
    unmarked: unmarked.map(memberOf),
    digest: digestOfMembers(going),
    recorded: who !== null && going.length > 0,
    ...who,
    store: place,
  });

const memberOf = (sighting: MemberSighting) => ({
  name: memberText(sighting),
  id: sighting.id,
  place: sighting.place,
  phase: sighting.phase,
});

const digestOfMembers = (going: ReadonlyArray<MemberSighting>): string | null =>
  going.length === 0 ? null : consentDigest(going.map(({ id }) => id));

export const viewDestruction = (destruction: Destruction, calls: Calls): string => {
  const { going, place, record, unmarked, who } = destruction;
  const name = formatAddress(record.document);
  const lines = [
    ...going.map((one) => memberLine(who === null ? "would go" : "to destroy", one)),
    ...unmarked.map((one) => memberLine("stays", one)),
    ...(unmarked.length > 0
      ? ["  what stays has no readable tag muster-member: terminate it by hand"]
      : []),
  ];
  if (going.length === 0) return [...lines, nothingLeft(destruction)].join("\n");
  const count = `${going.length} ${going.length === 1 ? "member" : "members"}`;
  return [
    ...lines,
    `${count} of ${name}  ${digestOfMembers(going)}`,
    ...(who === null
      ? [`  nothing is recorded; destroy them with: ${calls.confirm}`]
      : [
          `  recorded in ${place}; the next apply or run destroys exactly these: ${calls.carryOut}`,
          "  what a document asks for again before that stays",
        ]),
  ].join("\n");
};

const nothingLeft = ({ groups, record }: Destruction): string => {
  const name = formatAddress(record.document);
  if (groups.length === 0) return `nothing of ${name} is left to destroy`;
  const known = [...new Set(groups)].sort(compareText).map((group) => escapeText(group));
  return `nothing of that group of ${name} is left to destroy; members are left of: ${known.join(", ")}`;
};

const memberText = ({ displayName, name }: MemberSighting): string =>
  name === null ? displayName : formatMember(name);

const memberLine = (what: string, sighting: MemberSighting): string =>
  [
    what.padEnd(10),
    escapeText(memberText(sighting)),
    `in ${escapeText(sighting.place)}`,
    escapeText(sighting.id, 120),
    sighting.phase,
  ].join("  ");
