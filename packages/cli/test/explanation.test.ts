// Checks what is made of the facts about a fleet or a member, in small cases as a person reads them.

import { describe, expect, it } from "@effect/vitest";
import {
  type AuditEntry,
  type Change,
  type Document,
  type DocumentStatus,
  type Plan,
  planFormatVersion,
  sealEntry,
  type StoreRecord,
} from "@muster/core";
import { explain, type Facts, subjectsOf } from "../src/explanation.ts";
import { viewExplanation } from "../src/screen/explain-view.ts";
import { plain } from "../src/screen/paint.ts";

const document = { kind: "FleetConfig", name: "web" };
const at = "2026-01-01T00:00:00.000Z";
const now = Date.parse(at) + 120_000;
const member = (slot: number, generation = 1) => ({ set: "web", slot, generation });

const known: StoreRecord = {
  ...{ _tag: "Document", document, orphanedAt: null, inputDigest: "sha256:1", revision: "c0ffee" },
  expansion: {
    ...{ document, resource: "r", scope: {}, parallel: { create: 1, remove: 1 } },
    sets: [{ resource: "r", document, name: "web", count: 2, template: {} }],
  },
};

const status: DocumentStatus = {
  ...{ apiVersion: "fleet.v1", kind: "FleetConfigStatus", metadata: { name: "web" } },
  observed: { commit: "c0ffee", inputDigest: "sha256:1" },
  conditions: [
    {
      type: "Ready",
      status: "False",
      reason: "X",
      message: "1 changes wait",
      since: at,
      commit: null,
    },
  ],
  counts: [{ set: "web", asked: 2, present: 1, running: 1, unowned: 0 }],
  members: [{ name: "web-1.1", id: "ocid1.a", phase: "running", place: "AD-1", owner: "ours" }],
};

const records: ReadonlyArray<StoreRecord> = [
  known,
  { _tag: "Status", document, json: JSON.stringify(status) },
  {
    ...{ _tag: "Applied", document, set: "web", count: 2, template: "t" },
    knownSince: "2025-12-31T00:00:00.000Z",
  },
  { _tag: "Member", document, member: member(1), id: "ocid1.a", alive: true },
  {
    ...{ _tag: "Intent", id: "i", document, action: "create", member: member(2), target: null },
    ...{ asked: false, place: "AD-1", token: "t", template: "t", plan: "p", run: "run-7", at },
  },
];

const keep: Change = {
  ...{ action: "keep", key: "k", member: member(1), id: "ocid1.a" },
  reason: { code: "AsAsked", text: "it is as asked" },
};
const create: Change = {
  ...{ action: "create", key: "c", member: member(2), place: "AD-1", token: "t", template: "t" },
  reason: { code: "Missing", text: "1 of 2 are there" },
};

const planned = (change: Partial<Plan> = {}): Plan => ({
  ...{ formatVersion: planFormatVersion, document, inputDigest: "sha256:2", digest: "sha256:p" },
  ...{ changes: [create, keep], refusals: [], drift: [], groups: ["web"], outside: [] },
  counts: status.counts,
  ...{ unsettled: [], seen: true, parallel: { create: 1, remove: 1 }, hold: null },
  ...{ orphaned: false, nextDueAt: null, rollout: null, override: null },
  ...change,
});

const asked: Document = {
  ...{ ...document, spec: {}, inputDigest: "sha256:2" },
  place: { file: "fleets/web.yaml", line: 3, column: 1 },
};

const facts = (change: Partial<Facts> = {}): Facts => ({
  ...{ records, plans: [], documents: [], statuses: [], now },
  ...change,
});

const entry = sealEntry(
  { chain: "c", seq: 0, hash: "genesis" },
  {
    ...{ at, phase: "outcome", action: "create", owner: "us", run: "run-7", revision: null },
    ...{ actor: { verified: null, claimed: "ann@host" }, document: "FleetConfig/web" },
    ...{ plan: null, targets: ["web-2.1"], parameters: {}, gates: [], forced: false },
    reason: { code: "Unreachable", text: "no answer\u001b[0m came" },
    approval: { mode: "document", by: null, digest: null },
    ...{ outcome: "unknown", follows: null },
  },
);

const view = (text: string, given: Facts, entries: ReadonlyArray<AuditEntry> = []): string => {
  const [subject] = subjectsOf(text, given);
  const told = explain(subject!, given, entries, "not planned: there are no documents here");
  return `\n${viewExplanation(told, { width: 80, paint: plain, now })}\n`;
};

describe("an explanation", () => {
  it("from the store alone says so, and what the next run looks at", () => {
    expect(view("web", facts(), [entry])).toMatchInlineSnapshot(`
      "
      FleetConfig/web
        waiting since 2 min ago: 1 changes wait
      asked
        as last acted on at revision c0ffee, input sha256:1
        web: 2
      remembered
        web: a person's numbers stand for 2; known since 1 d ago
      seen at the last run
        web: 2 asked, 1 there, 1 running
      open
        create web-2.1 was begun 2 min ago by run run-7; the next run looks what came
        of it
      past
        2026-01-01T00:00:00Z create web-2.1: unknown, no answer\\u{1b}[0m came
        (ann@host, run run-7)
      next
        not planned: there are no documents here
      "
    `);
  });

  it("from a plan says what is asked where, what was just seen, and what comes next", () => {
    const given = facts({ plans: [planned()], documents: [asked], statuses: [status] });
    expect(view("web", given)).toMatchInlineSnapshot(`
      "
      FleetConfig/web
        waiting since 2 min ago: 1 changes wait
      asked
        by fleets/web.yaml:3:1, input sha256:2
        web: 2
      remembered
        web: a person's numbers stand for 2; known since 1 d ago
      seen just now
        web: 2 asked, 1 there, 1 running
      open
        create web-2.1 was begun 2 min ago by run run-7; the next run looks what came
        of it
      next, as planned now
        create web-2.1: 1 of 2 are there
        1 stay as they are
      "
    `);
  });

  it("of a member leaves out what is about others", () => {
    const given = facts({ plans: [planned()], documents: [asked], statuses: [status] });
    expect(view("web/web-1.1", given)).toMatchInlineSnapshot(`
      "
      FleetConfig/web/web-1.1  ocid1.a
        its fleet is waiting since 2 min ago: 1 changes wait
      asked
        by fleets/web.yaml:3:1, input sha256:2
        web: 2
      remembered
        web: a person's numbers stand for 2; known since 1 d ago
      seen just now
        running in AD-1, ours
      next, as planned now
        keep web-1.1 ocid1.a: it is as asked
      "
    `);
  });

  it("tells what is held and refused with its remedy, the consent, drift and outsiders", () => {
    const plan = planned({
      hold: {
        reason: { code: "Suspended", text: "ann suspended it" },
        remedy: "muster resume web",
      },
      refusals: [
        {
          reason: { code: "RemovalLimit", text: "3 would go" },
          remedy: "approve",
          consent: "sha256:d",
        },
      ],
      drift: [{ member: "web-1.1", id: "ocid1.a", field: "shape", asked: "E4", seen: "E5\u202e" }],
      outside: [{ id: "ocid1.z", name: "old", why: "unowned", owner: null, counts: true }],
      nextDueAt: "2026-01-01T01:00:00.000Z",
    });
    const approvals: ReadonlyArray<StoreRecord> = ["sha256:d", "sha256:other"].map((digest) => ({
      ...{ _tag: "Approval", digest, by: "bob", reason: "left over", at },
    }));
    const given = facts({
      ...{ records: [...records, ...approvals], plans: [plan], statuses: [status] },
      documents: [asked],
    });
    expect(view("FleetConfig/web", given)).toMatchInlineSnapshot(`
      "
      FleetConfig/web
        waiting since 2 min ago: 1 changes wait
      asked
        by fleets/web.yaml:3:1, input sha256:2
        web: 2
      remembered
        web: a person's numbers stand for 2; known since 1 d ago
      seen just now
        web: 2 asked, 1 there, 1 running
        web-1.1 drifted: shape is E5\\u{202e}, asked is E4
        old stands outside (unowned): ocid1.z
      open
        create web-2.1 was begun 2 min ago by run run-7; the next run looks what came
        of it
      held back
        Suspended: ann suspended it
        what to do: muster resume web
      refused
        RemovalLimit: 3 would go
        what to do: approve
      consent
        approve sha256:d by bob at 2026-01-01T00:00:00Z: left over
      next, as planned now
        held back, and so not done:
        create web-2.1: 1 of 2 are there
        1 stay as they are
        time alone changes this at 2026-01-01T01:00:00Z
      "
    `);
  });
});

describe("what a text can mean", () => {
  const given = facts({ plans: [planned()] });
  const meant = (text: string) => subjectsOf(text, given);

  it("is a fleet, or a member by any of its names", () => {
    expect(meant("web")).toEqual([{ document, member: null }]);
    expect(meant("FleetConfig/web")).toEqual([{ document, member: null }]);
    const one = [{ document, member: { name: "web-1.1", id: "ocid1.a" } }];
    for (const text of ["web-1.1", "web/web-1.1", "FleetConfig/web/web-1.1", "ocid1.a"]) {
      expect(meant(text)).toEqual(one);
    }
    expect(meant("web-2.1")).toEqual([{ document, member: { name: "web-2.1", id: null } }]);
  });

  it("is a member that is long gone, when its fleet is named, and nothing else", () => {
    expect(meant("web/web-1.9")).toEqual([{ document, member: { name: "web-1.9", id: null } }]);
    for (const text of ["web-1.9", "api/web-1.1", "web/x", "", "/"])
      expect(meant(text)).toEqual([]);
  });

  it("is several things when fleets of two kinds share a name", () => {
    const other: StoreRecord = { ...known, document: { kind: "Other", name: "web" } };
    expect(subjectsOf("web", facts({ records: [...records, other] }))).toHaveLength(2);
  });
});
