// What a store promises over time: opened again, or twice at once, it is the same store.

import { verifyChain } from "@muster/core/words/audit";
import * as Effect from "effect/Effect";
import { expectSame } from "../check.ts";
import type { StoreCheck } from "../check.ts";
import { sampleDraft, sampleStatus } from "../samples.ts";

export const reopeningChecks: ReadonlyArray<StoreCheck> = [
  {
    name: "opened again a store has its id, records, audit and lease",
    run: (ground) =>
      Effect.gen(function* () {
        const claim = { owner: "owner-a", holder: "one", expected: 0, expiresAt: 1_000 };
        const id = yield* Effect.scoped(
          Effect.gen(function* () {
            const store = yield* ground.open;
            const audit = [sampleDraft("one")];
            yield* store.commit({ owner: "owner-a", puts: [sampleStatus("web")], audit });
            yield* store.claimLease(claim);
            return store.id;
          }),
        );
        const store = yield* ground.open;
        yield* expectSame("id", store.id, id);
        yield* expectSame("records", yield* store.load("owner-a"), [sampleStatus("web")]);
        yield* expectSame("lease", (yield* store.lease("owner-a")).version, 1);
        yield* store.commit({ owner: "owner-a", audit: [sampleDraft("two")] });
        const entries = yield* store.auditEntries(0, 10);
        yield* expectSame("entries", entries.length, 2);
        yield* expectSame("fault", verifyChain(entries, yield* store.auditHead) ?? null, null);
      }),
  },
  {
    name: "opened twice both see at once what either wrote, and fence each other",
    run: (ground) =>
      Effect.gen(function* () {
        const [one, two] = [yield* ground.open, yield* ground.open];
        yield* expectSame("id", one.id, two.id);
        yield* one.commit({ owner: "owner-a", puts: [sampleStatus("web")] });
        yield* expectSame("records", yield* two.load("owner-a"), [sampleStatus("web")]);
        const head = yield* two.commit({ owner: "owner-a", audit: [sampleDraft("two")] });
        yield* expectSame("head", yield* one.auditHead, head);
      }),
  },
];
