// Checks what is made of the audit of past runs: those that no record tells of, and changes without an end.

import { describe, expect, it } from "@effect/vitest";
import { type AuditDraft, type AuditEntry, headOf, type RunRecord, sealEntry } from "@muster/core";
import { changesOf, makeHistory } from "../src/runs.ts";

const draft = (change: Partial<AuditDraft>): AuditDraft => ({
  at: "2026-01-01T00:00:00.000Z",
  phase: "intent",
  action: "create",
  actor: { verified: null, claimed: "ann@host" },
  owner: "us",
  run: "r-1",
  document: "FleetConfig/web",
  revision: "c0ffee",
  plan: null,
  targets: ["web-1.1"],
  parameters: {},
  gates: [],
  forced: false,
  reason: { code: "Missing", text: "1 of 2 is there" },
  approval: { mode: "document", by: null, digest: null },
  outcome: null,
  follows: null,
  ...change,
});

const chain = (...drafts: ReadonlyArray<Partial<AuditDraft>>): ReadonlyArray<AuditEntry> => {
  let head = { chain: "c", seq: 0, hash: "genesis" };
  return drafts.map((change) => {
    const entry = sealEntry(head, draft(change));
    head = headOf(entry);
    return entry;
  });
};

const ends = (outcome: string, text: string): Partial<AuditDraft> => ({
  ...{ phase: "outcome", outcome, at: "2026-01-01T00:00:05.000Z", reason: { code: "x", text } },
});

const pastOf = (entries: ReadonlyArray<AuditEntry>, records: ReadonlyArray<RunRecord> = []) => {
  const history = makeHistory("us");
  for (const entry of entries) history.take(entry);
  return history.past(records, null);
};

describe("the past", () => {
  it("knows a run that was killed from its audit alone, without a verdict", () => {
    const past = pastOf(
      chain({}, { targets: ["web-2.1"] }, ends("failed", "no capacity"), {
        ...ends("stale", "it moved"),
        targets: ["web-2.1"],
      }),
    );
    expect(past).toEqual([
      {
        ...{ what: "run", id: "r-1", by: "ann@host", verdict: null, trace: null },
        ...{ at: "2026-01-01T00:00:00.000Z", endedAt: "2026-01-01T00:00:05.000Z" },
        revision: "c0ffee",
        documents: [
          {
            ...{ document: "FleetConfig/web", done: 0, failed: 1, unknown: 0, skipped: 1 },
            trouble: "no capacity",
          },
        ],
      },
    ]);
  });

  it("leaves other owners out, and tells a run once that is recorded as well", () => {
    const record: RunRecord = {
      ...{
        _tag: "Run",
        id: "r-1",
        verdict: "done",
        holder: "ann@host",
        trace: "t",
        revision: null,
      },
      ...{ at: "2026-01-01T00:00:00.000Z", endedAt: "2026-01-01T00:00:09.000Z", documents: [] },
    };
    const past = pastOf(chain({}, { owner: "them", run: "r-2" }), [record]);
    expect(past).toMatchObject([{ id: "r-1", verdict: "done", trace: "t" }]);
  });

  it("pairs each intent with what came of it, and leaves open what has no end", () => {
    const changes = changesOf(
      chain(
        {},
        { targets: ["web-2.1"] },
        { ...ends("done", "it runs"), targets: ["web-1.1", "ocid1"] },
        { ...ends("done", "found dead"), action: "settle", targets: ["web-9.1"] },
      ),
    );
    expect(changes).toMatchObject([
      {
        targets: ["web-1.1", "ocid1"],
        outcome: "done",
        message: "it runs",
        reason: "1 of 2 is there",
      },
      { targets: ["web-2.1"], outcome: null, endedAt: null },
      { action: "settle", outcome: "done" },
    ]);
  });
});
