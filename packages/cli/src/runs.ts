// Decides what is known of past runs and of what persons recorded, from records and audit. Pure.

import {
  type AuditEntry,
  compareText,
  type DocumentAddress,
  formatAddress,
  type RunRecord,
  type StoreRecord,
} from "@muster/core";

export interface RunDocument {
  readonly document: string;
  readonly done: number;
  readonly failed: number;
  readonly unknown: number;
  readonly skipped: number;
  /** What stood in the way first, when something did. */
  readonly trouble: string | null;
}

export interface PastRun {
  readonly what: "run";
  readonly id: string;
  /** ISO 8601, both. */
  readonly at: string;
  readonly endedAt: string;
  readonly revision: string | null;
  readonly by: string;
  /** Nothing when only the audit tells of it: it did not come to its end, or is long past. */
  readonly verdict: string | null;
  readonly trace: string | null;
  readonly documents: ReadonlyArray<RunDocument>;
}

/** What a person recorded: consent, adoption, suspension, a stolen lease. */
export interface PastNote {
  readonly what: "note";
  /** `audit:SEQ`. */
  readonly id: string;
  readonly at: string;
  readonly action: string;
  readonly by: string;
  readonly reason: string;
  readonly document: string | null;
  /** On what reaches outside the store: what came of it. */
  readonly outcome: string | null;
}

export type Past = PastRun | PastNote;

interface Traces {
  first: AuditEntry;
  last: AuditEntry;
  readonly documents: Map<string, { -readonly [Key in keyof RunDocument]: RunDocument[Key] }>;
}

/** Gathers the entries of one owner, one after the other, and answers what they and the records tell. */
export const makeHistory = (owner: string) => {
  const runs = new Map<string, Traces>();
  const notes: Array<PastNote> = [];
  return {
    take: (entry: AuditEntry): void => {
      if (entry.owner !== owner) return;
      if (entry.run === personsRun) {
        if (entry.phase !== "intent") notes.push(noteOf(entry));
      } else takeOfRun(runs, entry);
    },
    /** The newest first; of one document only when it is named. */
    past: (
      records: ReadonlyArray<StoreRecord>,
      document: DocumentAddress | null,
    ): ReadonlyArray<Past> => {
      const kept = records.filter((record): record is RunRecord => record._tag === "Run");
      const recorded = new Set(kept.map(({ id }) => id));
      const traced = [...runs].filter(([id]) => !recorded.has(id));
      const all: ReadonlyArray<Past> = [
        ...kept.map(fromRecord),
        ...traced.map(([id, traces]) => fromAudit(id, traces)),
        ...notes,
      ];
      const name = document === null ? null : formatAddress(document);
      return all
        .filter((one) => name === null || concerns(one, name))
        .sort((a, b) => compareText(b.at, a.at) || compareText(b.id, a.id));
    },
  };
};

/** The run that a command of a person writes into the audit. */
const personsRun = "command";

const concerns = (one: Past, name: string): boolean =>
  one.what === "note"
    ? one.document === name
    : one.documents.some(({ document }) => document === name);

const noteOf = (entry: AuditEntry): PastNote => ({
  what: "note",
  id: `audit:${entry.seq}`,
  at: entry.at,
  action: entry.action,
  by: actorOf(entry),
  reason: entry.reason.text,
  document: entry.document,
  outcome: entry.outcome,
});

export const actorOf = ({ actor }: Pick<AuditEntry, "actor">): string =>
  actor.verified === null ? actor.claimed : `${actor.verified} (as ${actor.claimed})`;

const takeOfRun = (runs: Map<string, Traces>, entry: AuditEntry): void => {
  const traces = runs.get(entry.run);
  if (traces === undefined)
    runs.set(entry.run, { first: entry, last: entry, documents: new Map() });
  else traces.last = entry;
  const { documents } = runs.get(entry.run)!;
  if (entry.document === null) return;
  const none = { done: 0, failed: 0, unknown: 0, skipped: 0, trouble: null };
  const counts = documents.get(entry.document) ?? { document: entry.document, ...none };
  documents.set(entry.document, counts);
  if (entry.phase !== "outcome" || entry.outcome === null) return;
  counts[columnOf(entry.outcome)] += 1;
  if (entry.outcome !== "done") counts.trouble ??= entry.reason.text;
};

const columnOf = (outcome: string): "done" | "failed" | "unknown" | "skipped" =>
  outcome === "done" || outcome === "failed" || outcome === "unknown" ? outcome : "skipped";

const fromAudit = (id: string, { first, last, documents }: Traces): PastRun => ({
  what: "run",
  id,
  at: first.at,
  endedAt: last.at,
  revision: first.revision,
  by: actorOf(first),
  verdict: null,
  trace: null,
  documents: [...documents.values()],
});

const fromRecord = (record: RunRecord): PastRun => ({
  what: "run",
  id: record.id,
  at: record.at,
  endedAt: record.endedAt,
  revision: record.revision,
  by: record.holder,
  verdict: record.verdict,
  trace: record.trace,
  documents: record.documents.map(({ document, done, failed, unknown, skipped, trouble }) => ({
    document: formatAddress(document),
    done,
    failed,
    unknown,
    skipped,
    trouble,
  })),
});

/** One change of a run: what was to be done and why, and what came of it. */
export interface PastChange {
  readonly seq: number;
  readonly at: string;
  readonly endedAt: string | null;
  readonly document: string | null;
  readonly action: string;
  readonly targets: ReadonlyArray<string>;
  readonly reason: string;
  readonly approval: AuditEntry["approval"];
  /** Nothing while no outcome stands in the audit. */
  readonly outcome: string | null;
  readonly message: string | null;
}

/** The changes of one run's entries, in their order. */
export const changesOf = (entries: ReadonlyArray<AuditEntry>): ReadonlyArray<PastChange> => {
  const open = new Map<string, number>();
  const changes: Array<PastChange> = [];
  for (const entry of entries) {
    const key = `${entry.document ?? ""} ${entry.action} ${entry.targets[0] ?? ""}`;
    const begun = open.get(key);
    if (entry.phase === "intent") open.set(key, changes.push(changeOf(entry)) - 1);
    else if (begun === undefined) changes.push({ ...changeOf(entry), ...endOf(entry) });
    else {
      const before = changes[begun]!;
      const targets = [...new Set([...before.targets, ...entry.targets])];
      changes[begun] = { ...before, ...endOf(entry), targets };
      open.delete(key);
    }
  }
  return changes;
};

const changeOf = (entry: AuditEntry): PastChange => ({
  seq: entry.seq,
  at: entry.at,
  endedAt: null,
  document: entry.document,
  action: entry.action,
  targets: entry.targets,
  reason: entry.reason.text,
  approval: entry.approval,
  outcome: null,
  message: null,
});

const endOf = (entry: AuditEntry): Pick<PastChange, "endedAt" | "outcome" | "message"> => ({
  endedAt: entry.at,
  outcome: entry.outcome,
  message: entry.reason.text,
});
