// What only the store in memory promises; what all stores promise is the conformance suite's.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Result from "effect/Result";
import {
  decodeEntry,
  decodeRecord,
  layerMemory,
  makeMemoryDisk,
  makeMemoryStore,
  stageBatch,
} from "../../src/store/memory.ts";
import { Store } from "../../src/store/store.ts";
import type { AuditDraft } from "../../src/words/audit.ts";
import type { StoreRecord } from "../../src/words/record.ts";

const head: StoreRecord = { _tag: "Head", branch: "main", commit: "c0ffee" };

const draft: AuditDraft = {
  at: "2026-01-02T03:04:05.000Z",
  phase: "note",
  action: "test",
  actor: { verified: null, claimed: "someone" },
  owner: "owner-a",
  run: "run-1",
  document: null,
  revision: null,
  plan: null,
  targets: [],
  parameters: {},
  gates: [],
  forced: false,
  reason: { code: "Test", text: "" },
  approval: { mode: "none", by: null, digest: null },
  outcome: null,
  follows: null,
};

describe("makeMemoryStore", () => {
  it.effect("finds all again on its disk, and nothing on another", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      yield* makeMemoryStore({ disk }).commit({ owner: "o", puts: [head], audit: [draft] });
      const again = makeMemoryStore({ disk });
      assert.deepStrictEqual(yield* again.load("o"), [head]);
      assert.strictEqual((yield* again.auditHead).seq, 1);
      assert.deepStrictEqual(yield* makeMemoryStore().load("o"), []);
    }),
  );

  it.effect("keeps what it was given even when the giver changes it later", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      const mutable = { ...head };
      yield* store.commit({ owner: "o", puts: [mutable] });
      mutable.commit = "changed";
      assert.deepStrictEqual(yield* store.load("o"), [head]);
    }),
  );

  it.effect("has a random id of 128 bit, unless it is told one", () =>
    Effect.gen(function* () {
      const [one, two] = [makeMemoryStore(), makeMemoryStore()];
      assert.match(one.id, /^[0-9a-f]{32}$/);
      assert.notStrictEqual(one.id, two.id);
      const named = makeMemoryStore({ disk: makeMemoryDisk("named") });
      assert.strictEqual((yield* named.auditHead).chain, "named");
    }),
  );

  it.effect("names the key of a record that cannot be read back", () =>
    Effect.gen(function* () {
      const disk = makeMemoryDisk();
      const share = new Map([["Head/main", '{"_tag":"Head","branch":"main"}']]);
      disk.image = { ...disk.image, records: new Map([["o", share]]) };
      const error = yield* Effect.flip(makeMemoryStore({ disk, place: "memory:x" }).load("o"));
      assert.strictEqual(error.reason, "Corrupt");
      assert.strictEqual(error.place, "memory:x");
      assert.include(error.message, "Head/main");
    }),
  );

  it.effect("comes fresh from each build of the layer", () =>
    Effect.gen(function* () {
      const id = Effect.map(Effect.service(Store), (store) => store.id);
      const one = yield* Effect.provide(id, layerMemory, { local: true });
      const two = yield* Effect.provide(id, layerMemory, { local: true });
      assert.notStrictEqual(one, two);
    }),
  );
});

describe("stageBatch", () => {
  it("leaves out what the schemas do not know, so that the seal covers only what is kept", () => {
    const staged = stageBatch({
      owner: "o",
      puts: [{ ...head, extra: 1 } as StoreRecord],
      audit: [{ ...draft, extra: 1 } as AuditDraft],
    });
    const { puts, audit } = Result.getOrThrow(staged);
    assert.strictEqual(puts[0]?.json, '{"_tag":"Head","branch":"main","commit":"c0ffee"}');
    assert.deepStrictEqual(audit, [draft]);
  });

  it("refuses what JSON cannot say", () => {
    for (const size of [Number.NaN, Number.POSITIVE_INFINITY, 1n, undefined, () => 1]) {
      const audit = [{ ...draft, parameters: { size } } as unknown as AuditDraft];
      assert.isTrue(Result.isFailure(stageBatch({ owner: "o", audit })), String(size));
    }
  });
});

describe("decodeRecord and decodeEntry", () => {
  it("refuse a record under a key that is not its own", () => {
    const json = '{"_tag":"Head","branch":"main","commit":"c0ffee"}';
    assert.isTrue(Result.isSuccess(decodeRecord({ key: "Head/main", json })));
    const moved = decodeRecord({ key: "Head/other", json });
    assert.isTrue(Result.isFailure(moved) && moved.failure.includes("Head/main"));
  });

  it("keep a field that was added to an entry, so that its hash shows it", () =>
    Effect.gen(function* () {
      const store = makeMemoryStore();
      yield* store.commit({ owner: "o", audit: [draft] });
      const [entry] = yield* store.auditEntries(0, 1);
      const altered = decodeEntry(1, JSON.stringify({ ...entry, added: true }));
      assert.strictEqual(Reflect.get(Result.getOrThrow(altered), "added"), true);
    }).pipe(Effect.runPromise));

  it("refuse an entry that is no entry, and name it", async () => {
    for (const json of ["", "{}", "[1", '{"seq":4}']) {
      const exit = await Effect.runPromiseExit(Effect.fromResult(decodeEntry(4, json)));
      assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("4"), json);
    }
  });
});
