// Holds that status and audit are committed once, in line, and that what others wrote there is not believed.

import { expect, describe, it, layer } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { genesis, sealEntry, type AuditDraft, type AuditEntry } from "@muster/core/words/audit";
import { canonicalJson } from "@muster/core/words/canonical";
import { buildAuditUpdate } from "../src/audit.ts";
import type { GitRequest } from "../src/git.ts";
import { push } from "../src/publish.ts";
import { parsePublished, readPublished } from "../src/published.ts";
import { buildStatusUpdate, type StatusTrailers } from "../src/status.ts";
import { makeSandbox, plainGit, recordingLayer, type Sandbox } from "./sandbox.ts";

const hash = `sha256:${"a".repeat(64)}`;
const plan = `sha256:${"b".repeat(64)}`;
const trailers: StatusTrailers = {
  run: "run-1",
  source: "c".repeat(40),
  plans: [plan],
  audit: { chain: "store-1", seq: 12, hash },
  trace: "d".repeat(32),
};

const files = (count: number): ReadonlyMap<string, string> =>
  new Map(
    Array.from({ length: count }, (_, index) => [
      `fleets/f${index}.yaml/Fleet.f${index}.status.json`,
      canonicalJson({ b: index, a: "ü" }),
    ]),
  );

const log: Array<GitRequest> = [];

const statusOf = (
  sandbox: Sandbox,
  current: string | null,
  wanted: ReadonlyMap<string, string>,
  said = trailers,
) =>
  buildStatusUpdate({
    ...{ cache: sandbox.cache, environment: "default", current, files: wanted },
    trailers: said,
  });

layer(recordingLayer(log))("the status branch", (it) => {
  it.effect("is a line of commits, and none when nothing changed", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const first = yield* statusOf(sandbox, null, files(3));
      expect(first).toMatchObject({ ref: "refs/heads/muster/status/default", expected: null });
      yield* push({ ...sandbox, updates: [first!] });
      log.length = 0;
      expect(yield* statusOf(sandbox, first!.to, files(3), { ...trailers, run: "run-2" })).toBe(
        null,
      );
      expect(log.map((entry) => entry.operation)).toEqual(["read"]);
      const second = yield* statusOf(sandbox, first!.to, files(2));
      expect(second!.expected).toBe(first!.to);
      yield* push({ ...sandbox, updates: [second!] });
      expect(sandbox.inRemote("", "log", "--format=%P", second!.to)).toBe(first!.to);
      expect(sandbox.inRemote("", "ls-tree", "-r", "--name-only", second!.to).split("\n")).toEqual([
        ...files(2).keys(),
      ]);
      expect(sandbox.inRemote("", "log", "-1", "--format=%(trailers)", second!.to)).toBe(
        [
          "Muster-Run: run-1",
          `Muster-Source: ${"c".repeat(40)}`,
          `Muster-Plan: ${plan}`,
          `Muster-Audit: 12:${hash}`,
          "Muster-Audit-Chain: store-1",
          `Muster-Trace: ${"d".repeat(32)}`,
          `Muster-Prev: ${first!.to}`,
        ].join("\n"),
      );
      expect(yield* readPublished({ cache: sandbox.cache, commit: second!.to })).toEqual({
        run: "run-1",
        source: "c".repeat(40),
        plans: [plan],
        audit: { chain: "store-1", seq: 12, hash },
        trace: "d".repeat(32),
        previous: first!.to,
      });
    }),
  );

  it.effect("notices one changed text, one renamed file and one changed mode", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const first = (yield* statusOf(sandbox, null, new Map([["A.a.status.json", "1"]])))!.to;
      for (const [path, text] of [
        ["A.a.status.json", "2"],
        ["A.b.status.json", "1"],
      ] as const) {
        expect(yield* statusOf(sandbox, first, new Map([[path, text]]))).not.toBe(null);
      }
      const blob = plainGit(sandbox.cache, ["rev-parse", `${first}:A.a.status.json`]);
      const link = plainGit(sandbox.cache, ["mktree"], `120000 blob ${blob}\tA.a.status.json\n`);
      const odd = plainGit(sandbox.cache, ["commit-tree", "-m", "x", link]);
      const same = new Map([["A.a.status.json", "1"]]);
      expect(yield* statusOf(sandbox, odd, same)).not.toBe(null);
      expect(yield* statusOf(sandbox, first, same)).toBe(null);
      expect(yield* statusOf(sandbox, first, new Map())).not.toBe(null);
    }),
  );

  it.effect("refuses paths that lead elsewhere and trailers that hold more than one line", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      for (const path of [
        "../A.a.status.json",
        "/A.a.status.json",
        "a\nb.status.json",
        "lease.json",
      ]) {
        const error = yield* Effect.flip(statusOf(sandbox, null, new Map([[path, ""]])));
        expect(error.reason, path).toBe("Invalid");
      }
      const said = { ...trailers, run: "x\n\nMuster-Audit: 1:genesis" };
      const error = yield* Effect.flip(statusOf(sandbox, null, files(1), said));
      expect(error.reason).toBe("Invalid");
    }),
  );
});

const draft: AuditDraft = {
  at: "2026-01-01T00:00:00.000Z",
  phase: "intent",
  action: "create",
  actor: { verified: null, claimed: "ann" },
  owner: "o",
  run: "run-1",
  document: "Fleet/web",
  revision: null,
  plan,
  targets: [],
  parameters: {},
  gates: [],
  forced: false,
  reason: { code: "Missing", text: "one is missing" },
  approval: { mode: "none", by: null, digest: null },
  outcome: null,
  follows: null,
};

const entries = (count: number): ReadonlyArray<AuditEntry> => {
  const made: Array<AuditEntry> = [];
  let head = { chain: "store-1", seq: 0, hash: genesis };
  for (let index = 0; index < count; index++) {
    const entry = sealEntry(head, draft);
    made.push(entry);
    head = { chain: entry.chain, seq: entry.seq, hash: entry.hash };
  }
  return made;
};

const auditOf = (sandbox: Sandbox, current: string | null, some: ReadonlyArray<AuditEntry>) =>
  buildAuditUpdate({
    ...{ cache: sandbox.cache, environment: "default", current },
    ...{ chain: "store-1", entries: some },
  });

layer(recordingLayer(log))("the audit branch", (it) => {
  it.effect("grows by files, and never twice by the same entries", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const all = entries(5);
      expect(yield* auditOf(sandbox, null, [])).toBe(null);
      const first = (yield* auditOf(sandbox, null, all.slice(0, 2)))!;
      const second = (yield* auditOf(sandbox, first.to, all.slice(2)))!;
      yield* push({ ...sandbox, updates: [{ ...second, expected: null }] });
      expect(second).toMatchObject({ ref: "refs/heads/muster/audit/default", expected: first.to });
      expect(sandbox.inRemote("", "ls-tree", "-r", "--name-only", second.to).split("\n")).toEqual([
        "store-1/000000000001.jsonl",
        "store-1/000000000003.jsonl",
      ]);
      const text = sandbox.inRemote(
        "",
        "cat-file",
        "blob",
        `${second.to}:store-1/000000000003.jsonl`,
      );
      expect(text.split("\n").map((line) => JSON.parse(line))).toEqual(all.slice(2));
      expect(yield* auditOf(sandbox, second.to, all.slice(2))).toBe(null);
      for (const other of [
        all.slice(2, 4),
        [all[2]!, sealEntry({ ...all[2]! }, { ...draft, run: "r2" })],
      ]) {
        expect((yield* Effect.flip(auditOf(sandbox, second.to, other))).reason).toBe("Corrupt");
      }
    }),
  );

  it.effect("refuses a broken piece of chain and a chain that names another folder", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const all = entries(4);
      const gap = yield* Effect.flip(auditOf(sandbox, null, [all[0]!, all[2]!]));
      expect(gap.reason).toBe("Invalid");
      const moved = all.map((entry) => ({ ...entry, chain: "../x" }));
      const base = { cache: sandbox.cache, environment: "default", current: null };
      const error = yield* Effect.flip(
        buildAuditUpdate({ ...base, chain: "../x", entries: moved }),
      );
      expect(error.reason).toBe("Invalid");
    }),
  );
});

describe("what a status commit says", () => {
  const raw = (...lines: ReadonlyArray<string>): string =>
    `tree x\nauthor y\n\nmuster: status\n\n${lines.join("\n")}\n`;

  it("is read from the last paragraph only", () => {
    const said = `tree x\n\ns\n\nMuster-Run: a\n\nMuster-Source: ${"c".repeat(40)}\n`;
    expect(parsePublished(said)).toMatchObject({ run: null, source: "c".repeat(40) });
  });

  it("is nothing when it is malformed, doubled or contradicts itself", () => {
    for (const lines of [
      [`Muster-Audit: 1:${hash}`],
      ["Muster-Audit-Chain: s"],
      [`Muster-Audit: -1:${hash}`, "Muster-Audit-Chain: s"],
      [`Muster-Audit: 0:${hash}`, "Muster-Audit-Chain: s"],
      ["Muster-Audit: 3:genesis", "Muster-Audit-Chain: s"],
      [`Muster-Audit: 1:${hash}`, "Muster-Audit-Chain: ../s"],
      [`Muster-Audit: 1:${hash}`, `Muster-Audit: 2:${hash}`, "Muster-Audit-Chain: s"],
      [`Muster-Audit: 99999999999999999999:${hash}`, "Muster-Audit-Chain: s"],
    ]) {
      expect(parsePublished(raw(...lines)).audit, lines.join()).toBe(null);
    }
    expect(parsePublished(raw("Muster-Run: a b", "Muster-Plan: x", "Muster-Source: main"))).toEqual(
      {
        ...{ run: null, source: null, plans: [], audit: null, trace: null, previous: null },
      },
    );
    expect(parsePublished("").audit).toBe(null);
  });
});
