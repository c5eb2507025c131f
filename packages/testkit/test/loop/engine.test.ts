// The engine between ticks: a document is worked on until its end is told, whatever cuts the work short.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { Lease } from "@muster/core/lease/lease";
import { makeStoreLease } from "@muster/core/lease/store-lease";
import { type Ended, makeEngine } from "@muster/core/loop/engine";
import type { TurnInput } from "@muster/core/loop/input";
import { readDocuments } from "@muster/core/read/read";
import { makeMemoryStore } from "@muster/core/store/memory";
import { Store } from "@muster/core/store/store";
import { defaultPolicy } from "@muster/core/words/policy";
import { type FakeCloud, makeFakeCloud } from "../../src/fleet/fake-cloud.ts";
import { FakeFleet } from "../../src/fleet/fake-fleet.ts";
import { fakePace } from "../../src/fleet/turn.ts";

const owner = "us";

const inputOn = ({ handler }: FakeCloud): TurnInput => ({
  kinds: [FakeFleet],
  handlers: () => Effect.succeed(handler),
  policy: defaultPolicy(owner),
  mandate: {
    owner,
    run: "run-1",
    actor: { verified: null, claimed: "tester" },
    approval: { mode: "document", by: null, digest: null },
    revision: null,
  },
  pace: fakePace,
  source: null,
});

const { documents } = readDocuments(
  [FakeFleet],
  [
    {
      file: "fleet.json",
      text: JSON.stringify({
        kind: "FakeFleet",
        metadata: { name: "site" },
        spec: { groups: [{ name: "web", count: 1 }] },
      }),
    },
  ],
);

describe("work on a document", () => {
  it.effect("that is interrupted before it took its first step has ended, too", () => {
    const store = makeMemoryStore();
    return Effect.gen(function* () {
      const cloud = makeFakeCloud();
      const told: Array<Ended> = [];
      const engine = yield* makeEngine({
        ladder: { firstMillis: 1_000, longestMillis: 1_000 },
        onEnded: (ended) => Effect.sync(() => told.push(ended)),
        onStanding: () => Effect.void,
      });
      assert.strictEqual((yield* engine.tick(inputOn(cloud), documents)).begun, 1);
      yield* engine.interrupt;
      assert.strictEqual(engine.busy(), 0);
      assert.strictEqual(told.length, 1);
      assert.strictEqual(cloud.mutations().length, 0, "it took none");
    }).pipe(
      Effect.scoped,
      Effect.provideService(Store, store),
      Effect.provideService(Lease, makeStoreLease({ store, owner, holder: "tester" })),
    );
  });
});
