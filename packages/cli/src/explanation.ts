// Decides why one fleet or member is as it is: gathers what is asked, seen, open, held and planned of it. Pure.

import {
  type AuditEntry,
  type Change,
  compareText,
  type Document,
  type DocumentAddress,
  type DocumentStatus,
  effectiveChanges,
  formatAddress,
  formatMember,
  type MemberName,
  parseMember,
  type Plan,
  type Refusal,
  sameAddress,
  type StoreRecord,
} from "@muster/core";
import { documentsCalled, knownDocuments } from "./kept.ts";
import { actorOf } from "./runs.ts";
import { readStatus, type Standing, standingsOf } from "./standing.ts";

/** What a person asked about: a fleet, or one of its members by name, by identifier, or both. */
export interface Subject {
  readonly document: DocumentAddress;
  readonly member: { readonly name: string | null; readonly id: string | null } | null;
}

/** What is at hand to explain with. */
export interface Facts {
  readonly records: ReadonlyArray<StoreRecord>;
  /** From a real plan; nothing when none could be made. */
  readonly plans: ReadonlyArray<Plan>;
  readonly documents: ReadonlyArray<Document>;
  /** As just seen, with the plan. */
  readonly statuses: ReadonlyArray<DocumentStatus>;
  readonly now: number;
}

/** The subjects that a text can mean; one is an answer. */
export const subjectsOf = (text: string, facts: Facts): ReadonlyArray<Subject> => {
  const documents = allDocuments(facts);
  const fleets = documentsCalled(documents, text);
  if (fleets.length > 0) return fleets.map((document) => ({ document, member: null }));
  const members = allMembers(facts).filter(
    ({ document, member }) =>
      member.id === text ||
      (member.name !== null &&
        [
          member.name,
          `${document.name}/${member.name}`,
          `${formatAddress(document)}/${member.name}`,
        ].includes(text)),
  );
  return members.length > 0 ? members : formerMember(text, documents);
};

/** A member that is long gone is still named in the audit. */
const formerMember = (
  text: string,
  documents: ReadonlyArray<DocumentAddress>,
): ReadonlyArray<Subject> => {
  const at = text.lastIndexOf("/");
  const name = text.slice(at + 1);
  if (at < 0 || parseMember(name) === undefined) return [];
  return documentsCalled(documents, text.slice(0, at)).map((document) => ({
    document,
    member: { name, id: null },
  }));
};

export const allDocuments = (facts: Facts): ReadonlyArray<DocumentAddress> => {
  const known = [...knownDocuments(facts.records), ...facts.plans.map(({ document }) => document)];
  return [...new Map(known.map((address) => [formatAddress(address), address])).values()].sort(
    (a, b) => compareText(formatAddress(a), formatAddress(b)),
  );
};

type MemberSubject = Subject & { readonly member: NonNullable<Subject["member"]> };

/** Each once, with its name and its identifier where both are known. */
const allMembers = (facts: Facts): ReadonlyArray<MemberSubject> => {
  const found = new Map<string, MemberSubject>();
  const note = (document: DocumentAddress, name: string | null, id: string | null) => {
    const key = `${formatAddress(document)} ${id ?? name}`;
    const before = found.get(key);
    if (before === undefined || before.member.name === null) {
      found.set(key, { document, member: { name, id } });
    }
  };
  const noteMember = (document: DocumentAddress, name: MemberName, id: string | null) =>
    note(document, formatMember(name), id);
  for (const plan of facts.plans) {
    for (const change of plan.changes) {
      if (change.action === "forget") continue;
      noteMember(plan.document, change.member, "id" in change ? change.id : null);
    }
    for (const { name, id } of plan.outside) note(plan.document, name, id);
  }
  for (const record of facts.records) {
    if (record._tag === "Member") noteMember(record.document, record.member, record.id);
    if (record._tag === "Intent") noteMember(record.document, record.member, record.target);
    if (record._tag === "Status") {
      for (const { name, id } of readStatus(record.json)?.members ?? []) {
        note(record.document, name, id);
      }
    }
  }
  return withoutHalves([...found.values()]);
};

/** A launch is known by its name before anybody knows its identifier. */
const withoutHalves = (members: ReadonlyArray<MemberSubject>): ReadonlyArray<MemberSubject> =>
  members.filter(
    ({ document, member }) =>
      member.id !== null ||
      !members.some(
        (other) =>
          other.member.id !== null &&
          other.member.name === member.name &&
          sameAddress(other.document, document),
      ),
  );

export interface Explanation {
  readonly document: string;
  readonly member: { readonly name: string | null; readonly id: string | null } | null;
  /** How the fleet stands as a whole; nothing when the store does not know it. */
  readonly standing: Pick<Standing, "state" | "reason" | "message" | "since"> | null;
  /** What the document asks, and where that is written. */
  readonly asked: Asked | null;
  readonly remembered: ReadonlyArray<{
    readonly set: string;
    /** How many members a person's numbers stand for. */
    readonly consented: number;
    readonly knownSince: string;
  }>;
  readonly seen: Seen | null;
  readonly open: ReadonlyArray<{
    readonly action: string;
    readonly member: string;
    readonly id: string | null;
    readonly at: string;
    readonly run: string;
  }>;
  readonly held: ReadonlyArray<Hindrance>;
  readonly refused: ReadonlyArray<Hindrance>;
  readonly consent: ReadonlyArray<{
    readonly what: "approve" | "adopt" | "destroy";
    readonly about: string;
    readonly by: string;
    readonly at: string;
    readonly reason: string;
  }>;
  /** The newest last. */
  readonly past: ReadonlyArray<{
    readonly seq: number;
    readonly at: string;
    readonly phase: string;
    readonly action: string;
    readonly targets: ReadonlyArray<string>;
    readonly by: string;
    readonly reason: string;
    readonly outcome: string | null;
    readonly run: string;
  }>;
  readonly next: Next;
}

interface Asked {
  /** `file:line:column`; nothing where only the store tells. */
  readonly place: string | null;
  readonly inputDigest: string;
  readonly revision: string | null;
  readonly orphanedAt: string | null;
  readonly sets: ReadonlyArray<{ readonly set: string; readonly count: number }>;
}

interface Seen {
  /** Whether somebody just looked, or the last run did. */
  readonly when: "now" | "last run";
  readonly counts: DocumentStatus["counts"];
  readonly members: DocumentStatus["members"];
  readonly drift: Plan["drift"];
  readonly outside: Plan["outside"];
}

interface Hindrance {
  readonly code: string;
  readonly text: string;
  readonly remedy: string | null;
}

type Next =
  | {
      readonly from: "plan";
      readonly digest: string;
      readonly changes: ReadonlyArray<{
        readonly action: Change["action"];
        readonly subject: string;
        readonly id: string | null;
        readonly code: string;
        readonly reason: string;
      }>;
      readonly kept: number;
      /** When time alone would change it; ISO 8601. */
      readonly dueAt: string | null;
    }
  | { readonly from: "store"; readonly why: string };

/** `why` says why there is no plan, when there is none. */
export const explain = (
  subject: Subject,
  facts: Facts,
  entries: ReadonlyArray<AuditEntry>,
  why: string,
): Explanation => {
  const { document } = subject;
  const about = facts.records.filter(
    (record) => "document" in record && sameAddress(record.document, document),
  );
  const plan = facts.plans.find((one) => sameAddress(one.document, document));
  const standing = standingsOf(about, facts.now)[0] ?? null;
  return {
    document: formatAddress(document),
    member: subject.member,
    standing: standing === null ? null : pick(standing),
    asked: askedOf(subject, facts, about),
    remembered: about.flatMap((record) =>
      record._tag === "Applied"
        ? [{ set: record.set, consented: record.count, knownSince: record.knownSince }]
        : [],
    ),
    seen: seenOf(subject, facts, plan, standing),
    open: openOf(subject, about),
    held: heldOf(plan, standing),
    refused: plan?.refusals.map(hindrance) ?? [],
    consent: consentOf(subject, facts.records, about, plan, standing),
    past: entries.map(pastOf),
    next: plan === undefined ? { from: "store", why } : nextOf(subject, plan),
  };
};

const pick = ({ state, reason, message, since }: Standing) => ({ state, reason, message, since });

const askedOf = (
  { document }: Subject,
  facts: Facts,
  about: ReadonlyArray<StoreRecord>,
): Asked | null => {
  const record = about.find((one) => one._tag === "Document");
  const now = facts.documents.find((one) => sameAddress(one, document));
  const plan = facts.plans.find((one) => sameAddress(one.document, document));
  if (now !== undefined) {
    const { file, line, column } = now.place;
    return {
      place: `${file}:${line}:${column}`,
      inputDigest: now.inputDigest,
      revision: record?.inputDigest === now.inputDigest ? record.revision : null,
      orphanedAt: null,
      sets: plan?.counts.map(({ set, asked }) => ({ set, count: asked })) ?? [],
    };
  }
  return record === undefined
    ? null
    : {
        place: null,
        inputDigest: record.inputDigest,
        revision: record.revision,
        orphanedAt: record.orphanedAt,
        sets: record.expansion.sets.map(({ name, count }) => ({ set: name, count })),
      };
};

const isAbout = (
  { member }: Subject,
  its: { readonly name: string | null; readonly id: string | null },
): boolean =>
  member === null ||
  (member.id !== null && member.id === its.id) ||
  (member.name !== null &&
    member.name === its.name &&
    (member.id === null || its.id === null || its.id === member.id));

const seenOf = (
  subject: Subject,
  facts: Facts,
  plan: Plan | undefined,
  standing: Standing | null,
): Seen | null => {
  const isNow = plan?.seen === true;
  const name = formatAddress(subject.document);
  const fresh = facts.statuses.find(
    (one) => name === `${one.kind.replace(/Status$/u, "")}/${one.metadata.name}`,
  );
  const status = isNow ? fresh : standing?.status;
  if (status === undefined || status === null) return null;
  return {
    when: isNow ? "now" : "last run",
    counts: subject.member === null ? status.counts : [],
    members: subject.member === null ? [] : status.members.filter((one) => isAbout(subject, one)),
    drift: plan?.drift.filter(({ member, id }) => isAbout(subject, { name: member, id })) ?? [],
    outside: plan?.outside.filter((one) => isAbout(subject, one)) ?? [],
  };
};

const openOf = (subject: Subject, about: ReadonlyArray<StoreRecord>): Explanation["open"] =>
  about.flatMap((record) => {
    if (record._tag !== "Intent") return [];
    const its = { name: formatMember(record.member), id: record.target };
    if (!isAbout(subject, its)) return [];
    return [
      { action: record.action, member: its.name, id: its.id, at: record.at, run: record.run },
    ];
  });

/** What the plan says goes before what the store knows: it has judged whether that still holds. */
const heldOf = (plan: Plan | undefined, standing: Standing | null): ReadonlyArray<Hindrance> => {
  if (plan !== undefined) return plan.hold === null ? [] : [hindrance(plan.hold)];
  const { suspension, quarantine } = standing ?? { suspension: null, quarantine: null };
  return [
    ...(suspension === null
      ? []
      : [
          {
            code: "Suspended",
            text: `${suspension.by} suspended it until ${suspension.until}: ${suspension.reason}`,
            remedy: `it goes on by itself then; sooner with: muster resume ${formatAddress(suspension.document)}`,
          },
        ]),
    ...(quarantine === null
      ? []
      : [{ code: "Quarantined", text: quarantine.message, remedy: quarantine.remedy }]),
  ];
};

const hindrance = ({ reason, remedy }: Refusal): Hindrance => ({
  code: reason.code,
  text: reason.text,
  remedy,
});

const consentOf = (
  subject: Subject,
  records: ReadonlyArray<StoreRecord>,
  about: ReadonlyArray<StoreRecord>,
  plan: Plan | undefined,
  standing: Standing | null,
): Explanation["consent"] => {
  const digests = new Set<string | undefined>([
    ...(plan?.refusals.map(({ consent }) => consent) ?? []),
    ...(plan?.changes.map((one) => (one.action === "remove" ? one.consent?.digest : undefined)) ??
      []),
    plan?.hold?.consent,
    standing?.quarantine?.inputDigest,
  ]);
  return [...records.filter(({ _tag }) => _tag === "Approval"), ...about].flatMap(
    (record): Explanation["consent"] => {
      if (record._tag === "Approval" && digests.has(record.digest)) {
        const { digest, by, at, reason } = record;
        return [{ what: "approve", about: digest, by, at, reason }];
      }
      if (record._tag !== "Adoption" && record._tag !== "Destruction") return [];
      if (subject.member !== null && subject.member.id !== record.id) return [];
      const { id, by, at, reason } = record;
      return [
        { what: record._tag === "Adoption" ? "adopt" : "destroy", about: id, by, at, reason },
      ];
    },
  );
};

/** Whether an entry of the audit is about the subject. */
export const concerns = ({ document, member }: Subject, entry: AuditEntry): boolean =>
  entry.document === formatAddress(document) &&
  (member === null ||
    entry.targets.some((target) => target === member.name || target === member.id));

const pastOf = (entry: AuditEntry): Explanation["past"][number] => ({
  seq: entry.seq,
  at: entry.at,
  phase: entry.phase,
  action: entry.action,
  targets: entry.targets,
  by: actorOf(entry),
  reason: entry.reason.text,
  outcome: entry.outcome,
  run: entry.run,
});

const nextOf = (subject: Subject, plan: Plan): Next => {
  const changes = plan.changes.filter((change) =>
    change.action === "forget"
      ? subject.member === null
      : isAbout(subject, {
          name: formatMember(change.member),
          id: "id" in change ? change.id : null,
        }),
  );
  const shown = subject.member === null ? effectiveChanges({ ...plan, changes }) : changes;
  return {
    from: "plan",
    digest: plan.digest,
    changes: shown.map((change) => ({
      action: change.action,
      subject:
        change.action === "forget" ? formatAddress(change.document) : formatMember(change.member),
      id: "id" in change ? change.id : null,
      code: change.reason.code,
      reason: change.reason.text,
    })),
    kept: changes.length - shown.length,
    dueAt: plan.nextDueAt,
  };
};
