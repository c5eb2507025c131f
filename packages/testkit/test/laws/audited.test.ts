// Law 10: audited before it happens, in one chain that shows every change made to it.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import { consentDigest } from "@muster/core/plan/removals";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { AuditEntry } from "@muster/core/words/audit";
import { formatHead, sealEntry, verifyChain } from "@muster/core/words/audit";
import { ProviderError } from "@muster/core/words/provider";
import { makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { fakeTurn, fleetOf } from "../../src/fleet/turn.ts";
import { makeWitness } from "../../src/fleet/witness.ts";

const small = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 }));
const whole = 10_000;

const run = Effect.fnUntraced(function* (counts: ReadonlyArray<number>) {
  const cloud = makeFakeCloud();
  const store = makeMemoryStore();
  const witness = makeWitness(cloud.handler, store, "us");
  const digests = new Set<string>();
  for (const count of counts) {
    const documents = [fleetOf(count)];
    const turn = yield* fakeTurn({ cloud, store, documents, handler: witness.handler });
    for (const plan of turn.plans) digests.add(plan.digest);
    yield* TestClock.adjust("2 hours");
  }
  return { cloud, store, witness, digests, entries: yield* store.auditEntries(0, whole) };
});

const intentOf = (entries: ReadonlyArray<AuditEntry>, action: string, target: string) =>
  entries.find(
    (one) => one.phase === "intent" && one.action === action && one.targets.includes(target),
  );

describe("law 10: audited before it happens", () => {
  it.effect.prop(
    "every mutation was announced with who, why, under which plan and with which token",
    { counts: Schema.Array(small).check(Schema.isMinLength(1), Schema.isMaxLength(4)) },
    ({ counts }) =>
      Effect.gen(function* () {
        const { cloud, digests, entries, witness } = yield* run(counts);
        assert.deepStrictEqual(witness.unannounced(), []);
        for (const mutation of cloud.mutations()) {
          const target = mutation.operation === "create" ? mutation.name : mutation.id;
          const intent = intentOf(entries, mutation.operation, target)!;
          assert.isAtMost(Date.parse(intent.at), mutation.at);
          assert.strictEqual(intent.owner, "us");
          assert.strictEqual(intent.run, "run-1");
          assert.deepStrictEqual(intent.actor, { verified: null, claimed: "tester" });
          assert.isTrue(digests.has(intent.plan!));
          assert.strictEqual(intent.document, "FakeFleet/site");
          assert.isAbove(intent.reason.code.length, 0);
          assert.isAbove(intent.reason.text.length, 0);
          if (mutation.operation === "create") {
            assert.strictEqual(intent.parameters["token"], mutation.token);
          }
          const outcome = entries.find(
            (one) =>
              one.phase === "outcome" &&
              one.seq > intent.seq &&
              one.action === intent.action &&
              one.targets.includes(target),
          );
          assert.strictEqual(outcome?.outcome, "done");
        }
      }),
  );

  it.effect("what is refused or fails is told too, and so is what it was", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      const denied = new ProviderError({ reason: "Denied", operation: "Create", message: "no" });
      cloud.faults.next.set("create", [denied]);
      yield* fakeTurn({ cloud, store, documents: [fleetOf(1)] });
      const entries = yield* store.auditEntries(0, whole);
      assert.deepStrictEqual(
        entries.map((one) => [one.phase, one.outcome, one.reason.code]),
        [
          ["intent", null, "TooFew"],
          ["outcome", "failed", "Denied"],
        ],
      );
    }),
  );

  it.effect("a removal that consent let through names the consent, its giver and its digest", () =>
    Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const store = makeMemoryStore();
      yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
      const ids = [60, 61, 62].map(
        (slot) =>
          cloud.plant({
            document: "site",
            owner: "us",
            name: { set: "web", slot, generation: 1 },
            createdAt: "2027-01-01T00:00:00.000Z",
          }).id,
      );
      const digest = consentDigest(ids);
      yield* store.commit({
        owner: "us",
        puts: [
          { _tag: "Approval", digest, by: "ann", reason: "seen", at: "2026-01-01T00:00:00.000Z" },
        ],
      });
      yield* fakeTurn({ cloud, store, documents: [fleetOf(4)] });
      const intents = (yield* store.auditEntries(0, whole)).filter(
        (one) => one.phase === "intent" && one.action === "remove",
      );
      assert.strictEqual(intents.length, 3);
      for (const intent of intents) {
        assert.deepStrictEqual(intent.approval, { mode: "consent", by: "ann", digest });
      }
    }),
  );

  it.effect("a take-over's first entry names the chain and head that it follows", () =>
    Effect.gen(function* () {
      const first = yield* run([2]);
      const head = yield* first.store.auditHead;
      const follows = { chain: head.chain, head: formatHead(head) };
      const store = makeMemoryStore();
      const { cloud } = first;
      yield* fakeTurn({ cloud, store, documents: [fleetOf(3)], input: { follows } });
      const [entry] = yield* store.auditEntries(0, whole);
      assert.deepStrictEqual(entry?.follows, follows);
      assert.notStrictEqual(entry?.chain, head.chain);
    }),
  );
});

describe("law 10: the chain shows what was done to it", () => {
  const chain = Effect.map(run([3, 1]), ({ entries }) => entries);
  const place = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 999 }));

  it.effect("whole, it verifies, also against any head that it had", () =>
    Effect.gen(function* () {
      const entries = yield* chain;
      assert.isAbove(entries.length, 8);
      assert.strictEqual(verifyChain(entries), undefined);
      for (const { hash, seq } of entries) {
        assert.strictEqual(verifyChain(entries, { seq, hash }), undefined);
      }
      assert.strictEqual(verifyChain([], { seq: 0, hash: "genesis" }), undefined);
    }),
  );

  it.effect.prop("an entry altered in any field is named", { place, field: place }, (drawn) =>
    Effect.gen(function* () {
      const entries = yield* chain;
      const at = drawn.place % entries.length;
      const entry = entries[at]!;
      const fields = Object.keys(entry).filter((name) => name !== "seq" && name !== "prev");
      const field = fields[drawn.field % fields.length]!;
      const altered = entries.with(at, { ...entry, [field]: "altered" });
      assert.strictEqual(verifyChain(altered)?.seq, entry.seq);
    }),
  );

  it.effect.prop("an entry left out, or two that changed places, are named", { place }, (drawn) =>
    Effect.gen(function* () {
      const entries = yield* chain;
      const at = drawn.place % (entries.length - 1);
      assert.strictEqual(verifyChain(entries.toSpliced(at, 1))?.seq, at + 2);
      const swapped = entries.with(at, entries[at + 1]!).with(at + 1, entries[at]!);
      assert.strictEqual(verifyChain(swapped)?.seq, at + 2);
      assert.strictEqual(verifyChain(entries.toSpliced(at, 0, entries[at]!))?.seq, at + 1);
    }),
  );

  it.effect("a number that was skipped is named, though every seal is right", () =>
    Effect.gen(function* () {
      const entries = yield* chain;
      const [first, second] = entries;
      const {
        chain: name,
        format: _format,
        hash: _hash,
        prev: _prev,
        seq: _seq,
        ...draft
      } = second!;
      const skipped = sealEntry({ chain: name, seq: 2, hash: first!.hash }, draft);
      assert.strictEqual(verifyChain([first!, skipped])?.seq, 3);
    }),
  );

  it.effect("one that was cut short is intact in itself, and an earlier head shows it", () =>
    Effect.gen(function* () {
      const entries = yield* chain;
      const { hash, seq } = entries.at(-1)!;
      const cut = entries.slice(0, -2);
      assert.strictEqual(verifyChain(cut), undefined);
      assert.strictEqual(verifyChain(cut, { seq, hash })?.seq, seq - 2);
      assert.strictEqual(verifyChain([], { seq, hash })?.seq, 0);
    }),
  );

  it.effect("one that was written anew is another chain", () =>
    Effect.gen(function* () {
      const entries = yield* chain;
      const others = yield* Effect.map(run([2, 2]), (again) => again.entries);
      const { hash, seq } = others[1]!;
      assert.strictEqual(verifyChain(entries, { seq, hash })?.seq, 2);
      const spliced = [...entries.slice(0, 3), ...others.slice(3)];
      assert.strictEqual(verifyChain(spliced)?.seq, 4);
      const foreign = verifyChain(entries.map((one) => ({ ...one, chain: "another" })));
      assert.strictEqual(foreign?.seq, 1);
    }),
  );
});
