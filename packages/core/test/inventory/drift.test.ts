import { assert, describe, it } from "@effect/vitest";
import { defaultDriftThresholds, type DriftInput, driftOf } from "../../src/inventory/drift.ts";
import { neverSeen, sight } from "../../src/inventory/sighting.ts";
import type { Host, HostObservation, Population, Sighting } from "../../src/words/host.ts";

const noon = Date.parse("2026-05-01T12:00:00.000Z");
const minutes = 60_000;
const at = (ago: number): string => new Date(noon - ago * minutes).toISOString();

const host: Host = {
  address: { host: "t-1" },
  discoveredAt: at(9_999),
  population: "talos",
  expectedRole: "talos",
  disabled: null,
  labels: {},
};

const talos: Population = {
  name: "talos",
  expectedRole: "talos",
  targetQuery: null,
  description: null,
  workers: { provisioner: "releng", workerType: "talos" },
  keeper: { by: "cli" },
};

const worker = {
  provisioner: "releng",
  workerType: "talos",
  id: "t-1",
  lastActive: at(10),
  quarantined: false,
};

const answered = { reason: null, step: null, message: null };
const refused = { reason: "refused", step: "tcp", message: "ECONNREFUSED" } as const;

const look = (ago: number, seen: Partial<HostObservation>): HostObservation => ({
  host: "t-1",
  at: at(ago),
  ...seen,
});

const sightingOf = (...looks: ReadonlyArray<HostObservation>): Sighting =>
  looks.reduce(sight, neverSeen("t-1"));

const asExpected = look(5, {
  contact: answered,
  facts: { role: "talos", overrideSha: null },
  worker,
});

const judge = (given: Partial<DriftInput> = {}) =>
  driftOf({
    host,
    sighting: sightingOf(asExpected),
    expectations: { population: talos, override: null },
    thresholds: defaultDriftThresholds,
    now: noon,
    ...given,
  });

const typesOf = (given: Partial<DriftInput>) => judge(given).drifts.map(({ type }) => type);
const unknownOf = (given: Partial<DriftInput>) => judge(given).unknown.map(({ type }) => type);
const seeing = (...looks: ReadonlyArray<HostObservation>) => ({
  sighting: sightingOf(asExpected, ...looks),
});

describe("drift", () => {
  it("is none where all is as expected, and nothing is unknown", () => {
    assert.deepStrictEqual(judge(), { drifts: [], unknown: [] });
  });

  it("is unknown, never none, of a host that nobody has looked at", () => {
    const verdict = judge({ sighting: neverSeen("t-1") });
    assert.deepStrictEqual(verdict.drifts, []);
    assert.deepStrictEqual(
      verdict.unknown.map(({ type }) => type),
      ["override", "role", "unreachable", "tc-missing", "tc-mismatch"],
    );
  });

  it("is unknown where the sight is older than a day", () => {
    const old = sightingOf({ ...asExpected, at: at(1_441) });
    assert.deepStrictEqual(unknownOf({ sighting: old }), [
      "override",
      "role",
      "unreachable",
      "tc-missing",
      "tc-mismatch",
    ]);
    assert.deepStrictEqual(
      unknownOf({ sighting: sightingOf({ ...asExpected, at: at(1_440) }) }),
      [],
    );
  });

  it("override: one where none is expected, none where one is, and another one", () => {
    const present = seeing(look(4, { facts: { overrideSha: "aa" } }));
    assert.deepStrictEqual(judge(present).drifts, [
      { type: "override", since: at(4), reason: "override aa where none is expected" },
    ]);
    const expecting = (sha256: string) => ({
      expectations: { population: talos, override: { sha256 } },
    });
    assert.deepStrictEqual(typesOf(expecting("aa")), ["override"]);
    assert.deepStrictEqual(typesOf({ ...present, ...expecting("bb") }), ["override"]);
    assert.deepStrictEqual(typesOf({ ...present, ...expecting("aa") }), []);
  });

  it("role: another, or none; nothing where none is expected", () => {
    const other = seeing(look(4, { facts: { role: "tal\u{1B}os" } }));
    assert.deepStrictEqual(judge(other).drifts, [
      {
        type: "role",
        since: at(4),
        reason: 'role "tal\\u{1b}os" where "talos" is expected',
      },
    ]);
    assert.deepStrictEqual(typesOf(seeing(look(4, { facts: { role: null } }))), ["role"]);
    assert.deepStrictEqual(typesOf({ ...other, host: { ...host, expectedRole: null } }), []);
  });

  it("unreachable: three looks in a row over two hours, not less of either", () => {
    const silent = (...ago: ReadonlyArray<number>) =>
      seeing(...ago.map((one) => look(one, { contact: refused })));
    const before = (...ago: ReadonlyArray<number>) => ({
      sighting: sightingOf(
        { ...asExpected, at: at(600) },
        ...ago.map((one) => look(one, { contact: refused })),
      ),
    });
    assert.deepStrictEqual(typesOf(before(120, 60, 1)), ["unreachable"]);
    assert.deepStrictEqual(typesOf(before(119, 60, 1)), []);
    assert.deepStrictEqual(typesOf(before(500, 1)), []);
    assert.deepStrictEqual(typesOf(silent(4, 3, 2, 1)), []);
    // An answer in between begins anew.
    const between = sightingOf(
      ...[500, 400].map((one) => look(one, { contact: refused })),
      look(300, { contact: answered }),
      ...[200, 100].map((one) => look(one, { contact: refused })),
    );
    assert.deepStrictEqual(typesOf({ sighting: between }), []);
  });

  it("tc-missing: no worker, or one that is away longer than it may; not where no pool is named", () => {
    const without = seeing(look(4, { worker: null }));
    assert.deepStrictEqual(typesOf(without), ["tc-missing"]);
    const away = (ago: number) => seeing(look(4, { worker: { ...worker, lastActive: at(ago) } }));
    assert.deepStrictEqual(typesOf(away(125)), ["tc-missing"]);
    assert.deepStrictEqual(typesOf(away(120)), []);
    assert.deepStrictEqual(unknownOf(away(120)), []);
    const unsaid = seeing(look(4, { worker: { ...worker, lastActive: null } }));
    assert.deepStrictEqual(typesOf(unsaid), []);
    assert.deepStrictEqual(unknownOf(unsaid), ["tc-missing"]);
    const noPool = { population: { ...talos, workers: null }, override: null };
    assert.deepStrictEqual(judge({ ...without, expectations: noPool }), {
      drifts: [],
      unknown: [],
    });
  });

  it("tc-missing: unknown, neither drift nor well, once the window passed and nobody looked since", () => {
    const seen = (looked: number, active: number) => ({
      sighting: sightingOf({
        ...asExpected,
        at: at(looked),
        worker: { ...worker, lastActive: at(active) },
      }),
    });
    for (const [looked, active] of [
      [4, 121],
      [4, 124],
      [180, 190],
      [1_440, 1_440],
    ] as const) {
      assert.deepStrictEqual(typesOf(seen(looked, active)), [], `${looked} ${active}`);
      assert.deepStrictEqual(unknownOf(seen(looked, active)), ["tc-missing"]);
    }
    assert.strictEqual(
      judge(seen(180, 190)).unknown[0]?.reason,
      `the worker was seen last at ${at(180)}, and active then`,
    );
  });

  it("tc-mismatch: a worker of another pool", () => {
    const other = seeing(look(4, { worker: { ...worker, workerType: "perf" } }));
    assert.deepStrictEqual(judge(other).drifts, [
      {
        type: "tc-mismatch",
        since: at(4),
        reason: 'worker of "releng/perf" where releng/talos is expected',
      },
    ]);
  });

  it("disabled-active: an answer or a job after it was disabled, not before", () => {
    const disabled = (ago: number) => ({
      host: { ...host, disabled: { reason: "broken", by: "me", at: at(ago) } },
    });
    assert.deepStrictEqual(typesOf(disabled(6)), ["disabled-active"]);
    assert.deepStrictEqual(unknownOf(disabled(4)), ["disabled-active"]);
    const silent = seeing(look(3, { contact: refused }));
    assert.deepStrictEqual(judge({ ...disabled(4), ...silent }), { drifts: [], unknown: [] });
    const working = seeing(look(3, { contact: refused, worker: { ...worker, lastActive: at(3) } }));
    assert.deepStrictEqual(typesOf({ ...disabled(4), ...working }), ["disabled-active"]);
  });
});
