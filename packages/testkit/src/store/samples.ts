// Records and audit drafts for tests of stores: plain ones, and ones with text that is hard to keep.

import type { AuditDraft } from "@muster/core/words/audit";
import type { IntentRecord, StatusRecord, StoreRecord } from "@muster/core/words/record";

/** The status of document `Fleet/NAME`. */
export const sampleStatus = (name: string, json = "{}"): StatusRecord => ({
  _tag: "Status",
  document: { kind: "Fleet", name },
  json,
});

/** An open intent to launch member 1.1 of the set `web`. */
export const sampleIntent = (id: string): IntentRecord => ({
  _tag: "Intent",
  id,
  document: { kind: "Fleet", name: "web" },
  action: "create",
  member: { set: "web", slot: 1, generation: 1 },
  target: null,
  asked: false,
  place: "AD-1",
  token: "0123456789abcdef",
  template: null,
  plan: "sha256:00",
  run: "run-1",
  at: "2026-01-02T03:04:05.000Z",
});

/** An audit draft whose action tells it from others. */
export const sampleDraft = (action: string, owner = "owner-a"): AuditDraft => ({
  at: "2026-01-02T03:04:05.000Z",
  phase: "note",
  action,
  actor: { verified: null, claimed: "someone" },
  owner,
  run: "run-1",
  document: "Fleet/web",
  revision: null,
  plan: null,
  targets: ["web-1.1"],
  parameters: { text: hardText, nested: { list: [1, -0.5, true, null] } },
  gates: [],
  forced: false,
  reason: { code: "Sample", text: hardText },
  approval: { mode: "none", by: null, digest: null },
  outcome: null,
  follows: null,
});

/** Quotes, escapes, controls, NUL, bidi, combining and astral characters, half a surrogate pair. */
export const hardText =
  "'\"`\\ \n\r\t \0 \u001b[31m \u007f \u202e \u0301 é 漢字 \u{1f600} \ue000 \ud800 ); DROP TABLE records; --";

/** One record of each kind, with hard text wherever a text may stand. */
export const sampleRecords: ReadonlyArray<StoreRecord> = [
  {
    _tag: "Document",
    document: { kind: "Fleet", name: hardText },
    orphanedAt: null,
    inputDigest: "sha256:01",
    revision: hardText,
    expansion: {
      document: { kind: "Fleet", name: hardText },
      resource: "sample",
      sets: [],
      scope: { [hardText]: [hardText, 0.1, null] },
      parallel: { create: 1, remove: 1 },
    },
  },
  {
    _tag: "Applied",
    document: { kind: "Fleet", name: "web" },
    set: hardText,
    count: 3,
    template: "sha256:02",
    knownSince: "2026-01-02T03:04:05.000Z",
  },
  {
    _tag: "Member",
    document: { kind: "Fleet", name: "web" },
    member: { set: "web", slot: 2, generation: 7 },
    id: null,
    alive: false,
  },
  sampleIntent("intent-1"),
  {
    _tag: "Removal",
    document: { kind: "Fleet", name: "web" },
    set: "web",
    id: hardText,
    at: "2026-01-02T03:04:05.000Z",
  },
  { _tag: "Approval", digest: "sha256:03", by: hardText, reason: hardText, at: "2026-01-02" },
  {
    _tag: "Adoption",
    document: { kind: "Fleet", name: "web" },
    id: "member-1",
    from: null,
    set: "web",
    by: "someone",
    reason: hardText,
    at: "2026-01-02",
  },
  sampleStatus("web", hardText),
  { _tag: "Head", branch: "main", commit: "c0ffee" },
  {
    _tag: "Suspension",
    document: { kind: "Fleet", name: "web" },
    by: "someone",
    reason: hardText,
    at: "2026-01-02",
    until: "2026-01-03",
  },
  {
    _tag: "Quarantine",
    document: { kind: "Fleet", name: hardText },
    inputDigest: "sha256:04",
    message: hardText,
    remedy: null,
    at: "2026-01-02",
  },
  {
    _tag: "Destruction",
    document: { kind: "Fleet", name: "web" },
    id: hardText,
    by: "someone",
    reason: hardText,
    at: "2026-01-02",
  },
  {
    _tag: "Run",
    id: hardText,
    at: "2026-01-02",
    endedAt: "2026-01-02",
    revision: null,
    holder: hardText,
    verdict: "done",
    trace: null,
    documents: [
      {
        document: { kind: "Fleet", name: "web" },
        plan: "sha256:05",
        done: 1,
        failed: 0,
        unknown: 0,
        skipped: 0,
        trouble: hardText,
      },
    ],
  },
  {
    _tag: "Host",
    host: {
      address: { host: hardText, user: hardText, port: 22 },
      discoveredAt: "2026-01-02",
      population: hardText,
      expectedRole: hardText,
      disabled: { reason: hardText, by: hardText, at: "2026-01-02" },
      labels: { [hardText]: hardText },
    },
  },
  {
    _tag: "Seed",
    seed: {
      address: { host: hardText },
      keeper: { by: "git", place: hardText },
      addedAt: "2026-01-02",
    },
  },
  {
    _tag: "Population",
    population: {
      name: hardText,
      expectedRole: hardText,
      targetQuery: hardText,
      description: hardText,
      workers: { provisioner: hardText, workerType: hardText },
      keeper: { by: "cli" },
    },
  },
  {
    _tag: "Sighting",
    sighting: {
      host: hardText,
      lastSeen: hardText,
      silence: { looks: 3, since: hardText },
      role: { value: null, at: hardText },
      dns: { value: { addresses: [hardText], trouble: hardText }, at: hardText },
      contact: { value: { reason: "refused", step: "tcp", message: hardText }, at: hardText },
    },
  },
  {
    _tag: "History",
    host: hardText,
    looks: [
      {
        host: hardText,
        at: hardText,
        facts: { os: hardText, overrideSha: null },
        trouble: hardText,
      },
    ],
  },
  { _tag: "Content", sha256: "05", base64: "AAEC" },
];
