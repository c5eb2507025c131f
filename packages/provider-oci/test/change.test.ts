// Holds what one change does to the cloud, over real HTTP with the real SDK.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import type { ProviderError } from "@muster/core/words/provider";
import { outOfHostCapacity, seedIds } from "@muster/testkit/oci/index";
import { marks, marksOf } from "../src/sighting.ts";
import {
  countCalls,
  createRequest,
  makeExpansion,
  makeWorld,
  member,
  owner,
  place,
} from "./fleet.ts";

const expansion = makeExpansion();

describe("create", () => {
  it.effect("launches what the template says, with marks and the place", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const asked = makeExpansion({
        template: { displayNamePrefix: "edge &#+=", definedTags: { Operations: { Cost: "42" } } },
      });
      const request = createRequest(asked, member(3, 2));
      const accepted = yield* handler.create(request);
      assert.isNotNull(accepted.operation);
      const [instance] = simulator.instances();
      assert.strictEqual(instance?.id, accepted.id);
      assert.strictEqual(instance?.displayName, "edge &#+=-web-3.2");
      assert.strictEqual(instance?.availabilityDomain, place);
      assert.deepStrictEqual(instance?.freeformTags, {
        team: "a&b #1",
        "fleetctl-fleet": "shop",
        "muster-owner": owner,
        "muster-member": "web-3.2",
        "muster-template": request.template,
      });
      assert.deepStrictEqual(instance?.definedTags, { Operations: { Cost: "42" } });
      assert.deepStrictEqual(instance?.shapeConfig.ocpus, 2);
      assert.strictEqual(instance?.sourceDetails.imageId, seedIds.imageId);
      assert.strictEqual(simulator.journal()[0]?.token, request.token);
    }),
  );

  it.effect("gives a member its metadata, and its restart as a mark", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const metadata = { ssh_authorized_keys: "ssh-ed25519 AAAA me", user_data: "aGk=" };
      const asked = { ...makeExpansion({ template: { metadata } }), restart: "2026-08 é" };
      yield* handler.create(createRequest(asked));
      const [instance] = simulator.instances();
      assert.deepStrictEqual(instance?.metadata, metadata);
      assert.strictEqual(instance?.freeformTags[marks.restart], "2026-08 é");
      const seen = yield* handler.look(asked, instance?.id ?? "");
      assert.strictEqual(seen?.restart, "2026-08 é");
    }),
  );

  it.effect("answers a repeated token with the same instance", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const first = yield* handler.create(createRequest(expansion));
      const second = yield* handler.create(createRequest(expansion));
      assert.strictEqual(second.id, first.id);
      assert.strictEqual(simulator.instances().length, 1);
    }),
  );

  for (const cut of ["cut", "tear"] as const) {
    it.effect(`takes a ${cut} answer for an unknown outcome, and the same token settles it`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* makeWorld({
          faults: [{ operation: "LaunchInstance", nth: 1, answer: cut }],
        });
        const lost = yield* Effect.flip(handler.create(createRequest(expansion)));
        assert.strictEqual(lost.reason, "Unreachable");
        assert.strictEqual(simulator.instances().length, 1);
        const found = yield* handler.create(createRequest(expansion));
        assert.strictEqual(found.id, simulator.instances()[0]?.id);
        assert.strictEqual(simulator.instances().length, 1);
        // The SDK on its own would have sent the first request eight times.
        assert.strictEqual(countCalls(simulator)["LaunchInstance"], 2);
      }),
    );
  }

  for (const usedTokenOfDead of ["instance", "conflict"] as const) {
    it.effect(`says that the occupant is dead (a used token means ${usedTokenOfDead})`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* makeWorld({ usedTokenOfDead });
        const { id } = yield* handler.create(createRequest(expansion));
        simulator.kill(id);
        const error = yield* Effect.flip(handler.create(createRequest(expansion)));
        assert.strictEqual(error.reason, "Conflict");
        assert.strictEqual(error.occupantDead, true);
        const next = yield* handler.create(createRequest(expansion, member(1, 2)));
        assert.notStrictEqual(next.id, id);
      }),
    );
  }

  it.effect("finds the living member behind a token that OCI calls invalidated", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      const answer = { status: 409, code: "InvalidatedRetryToken", message: "used" };
      simulator.faults.add({ operation: "LaunchInstance", answer });
      const found = yield* handler.create(createRequest(expansion));
      assert.deepStrictEqual(found, { id, operation: null });
      // A member of that name that belongs to somebody else is not ours.
      const foreign = createRequest(expansion, member(1), { owner: "somebody else" });
      const error = yield* Effect.flip(handler.create(foreign));
      assert.strictEqual(error.reason, "Unreachable");
    }),
  );

  it.effect("never doubles a member whose token comes with another body while the list lags", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ listLagMs: 60_000 });
      const { id } = yield* handler.create(createRequest(expansion));
      const changed = createRequest(makeExpansion({ template: { displayNamePrefix: "new" } }));
      const open = yield* Effect.flip(handler.create(changed));
      assert.strictEqual(open.reason, "Unreachable");
      assert.isUndefined(open.occupantDead);
      simulator.advance(61_000);
      assert.deepStrictEqual(yield* handler.create(changed), { id, operation: null });
    }),
  );

  it.effect("takes absence for death only after longer than a list can lag", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const answer = { status: 409, code: "InvalidatedRetryToken", message: "used" };
      simulator.faults.add({ operation: "LaunchInstance", answer });
      const fail = () => Effect.flip(handler.create(createRequest(expansion)));
      assert.strictEqual((yield* fail()).reason, "Unreachable");
      yield* TestClock.adjust("9 minutes");
      assert.strictEqual((yield* fail()).reason, "Unreachable");
      // The dead one of another place was made by another token.
      const name = member(1);
      const freeformTags = marksOf({ document: "shop", owner, name });
      simulator.addForeign({
        freeformTags,
        lifecycleState: "TERMINATED",
        availabilityDomain: "Uocm:PHX-AD-2",
      });
      assert.strictEqual((yield* fail()).reason, "Unreachable");
      yield* TestClock.adjust("2 minutes");
      assert.strictEqual((yield* fail()).occupantDead, true);
    }),
  );

  it.effect("raises the generation when what its token made has another name by now", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      yield* handler.mark({
        expansion,
        id,
        version: null,
        owner,
        document: expansion.document,
        member: member(1, 1, "front"),
      });
      const error = yield* Effect.flip(handler.create(createRequest(expansion)));
      assert.strictEqual(error.occupantDead, true);
      assert.include(error.message, "front-1.1");
      assert.strictEqual(simulator.instances().length, 1);
    }),
  );

  it.effect("refuses what its token made when the marks are gone", () =>
    Effect.gen(function* () {
      const { handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      yield* handler.mark({
        expansion,
        id,
        version: null,
        owner: "somebody else",
        document: expansion.document,
        member: member(1),
      });
      const error = yield* Effect.flip(handler.create(createRequest(expansion)));
      assert.strictEqual(error.reason, "Invalid");
      assert.isUndefined(error.occupantDead);
    }),
  );

  it.effect("refuses before the call what OCI would not take as tags", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const request = createRequest(expansion, member(1), { owner: "o".repeat(257) });
      const error = yield* Effect.flip(handler.create(request));
      assert.strictEqual(error.reason, "Invalid");
      assert.include(error.remedy ?? "", "256");
      assert.deepStrictEqual(countCalls(simulator), {});
    }),
  );

  it.effect("lets no tag of the document pass for a mark", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const freeformTags = { [marks.owner]: "forged", [marks.fleet]: "other" };
      yield* handler.create(createRequest(makeExpansion({ template: { freeformTags } })));
      const tags = simulator.instances()[0]?.freeformTags ?? {};
      assert.strictEqual(tags[marks.owner], owner);
      assert.strictEqual(tags[marks.fleet], "shop");
    }),
  );

  it.effect("tells exhaustion, throttling and refusal apart, each sent once", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const fail = (): Effect.Effect<ProviderError, unknown> =>
        Effect.flip(handler.create(createRequest(expansion)));
      const answer = (status: number, code: string, more = {}) =>
        simulator.faults.set([
          { operation: "LaunchInstance", answer: { status, code, message: "words", ...more } },
        ]);
      simulator.faults.set([outOfHostCapacity()]);
      assert.strictEqual((yield* fail()).reason, "Exhausted");
      answer(400, "QuotaExceeded");
      assert.strictEqual((yield* fail()).reason, "Exhausted");
      answer(429, "TooManyRequests", { retryAfterSeconds: 9 });
      const throttled = yield* fail();
      assert.strictEqual(throttled.reason, "Throttled");
      assert.strictEqual(throttled.retryAfterMillis, 9_000);
      assert.isString(throttled.requestId);
      answer(503, "ServiceUnavailable");
      assert.strictEqual((yield* fail()).reason, "Unreachable");
      answer(403, "NotAuthorized");
      assert.strictEqual((yield* fail()).reason, "Denied");
      assert.strictEqual(countCalls(simulator)["LaunchInstance"], 5);
      assert.strictEqual(simulator.instances().length, 0);
    }),
  );

  it.effect("sends 25 at a time, one instance each", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const slots = Array.from({ length: 25 }, (_, index) => member(index + 1));
      const accepted = yield* Effect.forEach(
        slots,
        (name) =>
          Effect.gen(function* () {
            const set = expansion.sets[0]!;
            assert.deepStrictEqual(yield* handler.find(expansion, set, name), []);
            return yield* handler.create(createRequest(expansion, name));
          }),
        { concurrency: 25 },
      );
      assert.strictEqual(new Set(accepted.map(({ id }) => id)).size, 25);
      assert.strictEqual(simulator.instances().length, 25);
      simulator.advance(3_000);
      const ends = yield* Effect.forEach(accepted, (one) => handler.created(expansion, one), {
        concurrency: 25,
      });
      assert.isTrue(ends.every((end) => end.done && end.member?.phase === "running"));
      // 25 looks before a launch share a list or two, and so do 25 looks at how far they are.
      const { ListInstances = 0, ...calls } = countCalls(simulator);
      assert.isAtMost(ListInstances, 4);
      assert.deepStrictEqual(calls, { LaunchInstance: 25 });
    }),
  );
});

describe("find", () => {
  it.effect("shares the list of a moment with all launches of it", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const lists = Effect.sync(() => countCalls(simulator)["ListInstances"]);
      const find = (slot: number) => handler.find(expansion, expansion.sets[0]!, member(slot));
      yield* handler.observe([{ expansion, known: [] }]);
      for (const slot of [1, 2, 3]) yield* find(slot);
      assert.strictEqual(yield* lists, 1);
      yield* TestClock.adjust("1001 millis");
      const late = simulator.addForeign({
        freeformTags: marksOf({ document: "shop", owner, name: member(4) }),
      });
      assert.strictEqual((yield* find(4))[0]?.id, late.id);
      assert.strictEqual(yield* lists, 2);
    }),
  );

  it.effect("goes by marks, whatever the display name, and finds the living only", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ pageSize: 2 });
      const set = expansion.sets[0]!;
      const tags = (slot: number, document = "shop") =>
        marksOf({ document, owner, name: member(slot) });
      const one = simulator.addForeign({ displayName: "renamed", freeformTags: tags(1) });
      simulator.addForeign({ freeformTags: tags(1), lifecycleState: "TERMINATED" });
      simulator.addForeign({ freeformTags: tags(1), lifecycleState: "TERMINATING" });
      simulator.addForeign({ freeformTags: tags(1, "store") });
      simulator.addForeign({ displayName: "shop-web-1.1", freeformTags: {} });
      const stopped = simulator.addForeign({
        freeformTags: tags(2),
        lifecycleState: "STOPPED",
      });
      const first = yield* handler.find(expansion, set, member(1));
      assert.deepStrictEqual(
        first.map(({ id }) => id),
        [one.id],
      );
      const second = yield* handler.find(expansion, set, member(2));
      assert.deepStrictEqual(
        second.map(({ id, phase }) => [id, phase]),
        [[stopped.id, "stopped"]],
      );
    }),
  );
});

describe("created", () => {
  it.effect("follows the list to the running member", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const accepted = yield* handler.create(createRequest(expansion));
      const early = yield* handler.created(expansion, accepted);
      assert.deepStrictEqual(early, { done: false, detail: "PROVISIONING" });
      simulator.advance(3_000);
      const end = yield* handler.created(expansion, accepted);
      assert.isTrue(end.done && end.member?.phase === "running" && end.member.id === accepted.id);
      assert.deepStrictEqual(countCalls(simulator), { LaunchInstance: 1, ListInstances: 2 });
    }),
  );

  it.effect("asks the work request when the list shows no end for five minutes", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ launchDelayMs: 3_600_000 });
      const accepted = yield* handler.create(createRequest(expansion));
      const told = Effect.map(handler.created(expansion, accepted), (progress) =>
        progress.done ? "done" : progress.detail,
      );
      assert.strictEqual(yield* told, "PROVISIONING");
      simulator.advance(1_800_000);
      yield* TestClock.adjust("299 seconds");
      assert.strictEqual(yield* told, "PROVISIONING");
      yield* TestClock.adjust("1 second");
      assert.strictEqual(yield* told, "IN_PROGRESS 50%");
      assert.strictEqual(yield* told, "PROVISIONING");
      yield* TestClock.adjust("5 minutes");
      assert.strictEqual(yield* told, "IN_PROGRESS 50%");
    }),
  );

  it.effect("asks the work request while a list that lags does not show the instance", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ listLagMs: 60_000 });
      const accepted = yield* handler.create(createRequest(expansion));
      const early = yield* handler.created(expansion, accepted);
      assert.match(early.done ? "" : early.detail, /(ACCEPTED|IN_PROGRESS) \d+%/);
      simulator.advance(3_000);
      const end = yield* handler.created(expansion, accepted);
      assert.isTrue(end.done && end.member?.phase === "running");
    }),
  );

  for (const [status, code] of [
    [404, "NotAuthorizedOrNotFound"],
    [403, "NotAuthorized"],
  ] as const) {
    it.effect(`falls back to the instance where work requests may not be read (${status})`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* makeWorld({ listLagMs: 60_000 });
        const answer = { status, code, message: "no" };
        simulator.faults.add({ operation: "GetWorkRequest", answer });
        const accepted = yield* handler.create(createRequest(expansion));
        const early = yield* handler.created(expansion, accepted);
        assert.deepStrictEqual(early, { done: false, detail: "PROVISIONING" });
        simulator.advance(3_000);
        const end = yield* handler.created(expansion, accepted);
        assert.isTrue(end.done && end.member?.phase === "running");
        assert.strictEqual(countCalls(simulator)["GetWorkRequest"], 2);
      }),
    );
  }

  it.effect("says why a launch failed for want of capacity", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const code = "InternalError";
      const message = "Out of host capacity.";
      const answer = { workRequestFails: { code, message } };
      simulator.faults.add({ operation: "LaunchInstance", answer });
      const accepted = yield* handler.create(createRequest(expansion));
      simulator.advance(5_000);
      const error = yield* Effect.flip(handler.created(expansion, accepted));
      assert.strictEqual(error.reason, "Exhausted");
      assert.include(error.message, message);
    }),
  );

  for (const [name, answer, told] of [
    ["failed", { workRequestFails: { code: "InternalError", message: "broken" } }, "broken"],
    ["was canceled", { workRequestCanceled: true }, "it ended CANCELED"],
  ] as const) {
    it.effect(`says that the member is dead, and why, when its launch ${name}`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* makeWorld();
        simulator.faults.add({ operation: "LaunchInstance", answer });
        const accepted = yield* handler.create(createRequest(expansion));
        simulator.advance(5_000);
        const error = yield* Effect.flip(handler.created(expansion, accepted));
        assert.strictEqual(error.reason, "Conflict");
        assert.isTrue(error.occupantDead);
        assert.include(error.message, told);
        assert.isString(error.remedy);
      }),
    );
  }

  it.effect("does not wait for a member that somebody stopped to run", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const accepted = yield* handler.create(createRequest(expansion));
      simulator.advance(3_000);
      simulator.stop(accepted.id);
      const end = yield* handler.created(expansion, accepted);
      assert.isTrue(end.done && end.member?.phase === "stopped");
    }),
  );

  it.effect("does not take an instance that cannot be seen yet for a dead one", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      const answer = { status: 404, code: "NotAuthorizedOrNotFound", message: "no" };
      simulator.faults.add({ operation: "GetInstance", nth: 1, answer });
      const early = yield* handler.created(expansion, { id, operation: null });
      assert.isFalse(early.done);
      assert.isFalse((yield* handler.created(expansion, { id, operation: null })).done);
    }),
  );
});

describe("a 404", () => {
  const answer = { status: 404, code: "NotAuthorizedOrNotFound", message: "no" };

  it.effect("is no death of a launch that succeeded", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ listLagMs: 60_000 });
      const accepted = yield* handler.create(createRequest(expansion));
      simulator.advance(3_000);
      simulator.faults.add({ operation: "GetInstance", nth: 1, answer });
      const early = yield* handler.created(expansion, accepted);
      assert.deepStrictEqual(early, { done: false, detail: "not visible yet" });
      const end = yield* handler.created(expansion, accepted);
      assert.isTrue(end.done && end.member?.phase === "running");
    }),
  );

  it.effect("is no death while the list shows the member alive", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      simulator.advance(3_000);
      simulator.faults.add({ operation: "GetInstance", answer });
      const error = yield* Effect.flip(handler.look(expansion, id));
      assert.strictEqual(error.reason, "Denied");
      assert.include(error.message, "RUNNING");
      simulator.kill(id);
      assert.isNull(yield* handler.look(expansion, id));
    }),
  );

  it.effect("is no removal while the list shows the member alive again", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      simulator.advance(3_000);
      const stuck = { workRequestFails: { code: "InternalError", message: "stuck" } };
      simulator.faults.add({ operation: "TerminateInstance", answer: stuck });
      simulator.faults.add({ operation: "GetInstance", answer });
      const accepted = yield* handler.remove({ expansion, id, version: null });
      assert.isFalse((yield* handler.removed(expansion, accepted)).done);
      simulator.advance(3_000);
      const end = yield* handler.removed(expansion, accepted);
      assert.isTrue(end.done && end.member?.phase === "running");
      assert.include(end.done ? end.givenUp : "", "stuck");
    }),
  );

  it.effect("is a refusal where the member may be seen and not be terminated", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      simulator.advance(3_000);
      simulator.faults.add({ operation: "TerminateInstance", answer });
      const error = yield* Effect.flip(handler.remove({ expansion, id, version: null }));
      assert.strictEqual(error.reason, "Denied");
      assert.strictEqual(error.operation, "TerminateInstance");
      simulator.kill(id);
      assert.strictEqual((yield* handler.remove({ expansion, id, version: null })).id, id);
    }),
  );
});

describe("look", () => {
  it.effect("sees the version, and nothing where OCI says 404", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      const seen = yield* handler.look(expansion, id);
      assert.strictEqual(seen?.version, simulator.instances()[0]?.etag);
      assert.isNull(yield* handler.look(expansion, "ocid1.instance.oc1..absent"));
    }),
  );
});

describe("mark", () => {
  const asked = (id: string, version: string | null) => ({
    expansion,
    id,
    version,
    owner,
    document: expansion.document,
    member: member(4),
  });

  it.effect("keeps the tags that are there", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id, etag } = simulator.addForeign({
        displayName: "hand-made",
        freeformTags: { "fleetctl-fleet": "shop", team: "ops", "muster-template": "old" },
      });
      const seen = yield* handler.mark(asked(id, etag));
      assert.strictEqual(seen.owner, owner);
      assert.deepStrictEqual(seen.name, member(4));
      const instance = simulator.instances()[0];
      assert.deepStrictEqual(instance?.freeformTags, {
        "fleetctl-fleet": "shop",
        team: "ops",
        "muster-template": "old",
        "muster-owner": owner,
        "muster-member": "web-4.1",
      });
      assert.strictEqual(instance?.displayName, "hand-made");
    }),
  );

  it.effect("is conditional on the version that was looked at", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id, etag } = simulator.addForeign({});
      const stale = yield* Effect.flip(handler.mark(asked(id, `${etag}x`)));
      assert.strictEqual(stale.reason, "Conflict");
      assert.isUndefined(countCalls(simulator)["UpdateInstance"]);
      // Changed between our read and our write: the server has the last word.
      const answer = { status: 412, code: "NoEtagMatch", message: "changed" };
      simulator.faults.add({ operation: "UpdateInstance", nth: 1, answer });
      assert.strictEqual((yield* Effect.flip(handler.mark(asked(id, null)))).reason, "Conflict");
      yield* handler.mark(asked(id, null));
      simulator.kill(id);
      const gone = yield* Effect.flip(handler.mark(asked("ocid1.instance.oc1..absent", null)));
      assert.strictEqual(gone.reason, "Conflict");
    }),
  );

  it.effect("refuses to leave tags out where there is no room", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const freeformTags = Object.fromEntries(
        Array.from({ length: 9 }, (_, index) => [`k${index}`, "v"]),
      );
      const { id } = simulator.addForeign({ freeformTags });
      const error = yield* Effect.flip(handler.mark(asked(id, null)));
      assert.strictEqual(error.reason, "Invalid");
      assert.isUndefined(countCalls(simulator)["UpdateInstance"]);
    }),
  );
});

describe("remove", () => {
  for (const terminateAgain of ["conflict", "notFound", "modified"] as const) {
    it.effect(`terminates, and accepts what is leaving already (${terminateAgain})`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* makeWorld({ terminateAgain });
        const { id } = yield* handler.create(createRequest(expansion));
        simulator.advance(3_000);
        const version = (yield* handler.look(expansion, id))?.version ?? null;
        const accepted = yield* handler.remove({ expansion, id, version });
        assert.isFalse((yield* handler.removed(expansion, accepted)).done);
        // The version is stale by now, and the instance TERMINATING: nothing is left to do.
        yield* handler.remove({ expansion, id, version });
        yield* handler.remove({ expansion, id, version: null });
        simulator.advance(3_000);
        yield* handler.remove({ expansion, id, version: null });
        const end = yield* handler.removed(expansion, accepted);
        assert.isTrue(end.done && end.member?.phase === "gone");
        assert.include(
          simulator.requests().find(({ operation }) => operation === "TerminateInstance")?.target,
          "preserveBootVolume=false",
        );
      }),
    );
  }

  it.effect("is conditional on the version that was looked at", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const { id } = yield* handler.create(createRequest(expansion));
      simulator.advance(3_000);
      const version = (yield* handler.look(expansion, id))?.version ?? null;
      yield* handler.mark({
        expansion,
        id,
        version,
        owner,
        document: expansion.document,
        member: member(1),
      });
      const error = yield* Effect.flip(handler.remove({ expansion, id, version }));
      assert.strictEqual(error.reason, "Conflict");
      assert.strictEqual(simulator.instances()[0]?.lifecycleState, "RUNNING");
    }),
  );

  it.effect("waits where an instance cannot be terminated yet", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ terminateProvisioning: "conflict" });
      const { id } = yield* handler.create(createRequest(expansion));
      const error = yield* Effect.flip(handler.remove({ expansion, id, version: null }));
      // Nothing can be planned anew until its state has changed.
      assert.strictEqual(error.reason, "Throttled");
      simulator.advance(3_000);
      yield* handler.remove({ expansion, id, version: null });
    }),
  );

  for (const [name, answer, told] of [
    ["failed", { workRequestFails: { code: "InternalError", message: "stuck" } }, "stuck"],
    ["was canceled", { workRequestCanceled: true }, "it ended CANCELED"],
  ] as const) {
    it.effect(`sees that the member lives on when its termination ${name}`, () =>
      Effect.gen(function* () {
        const { simulator, handler } = yield* makeWorld();
        const { id } = yield* handler.create(createRequest(expansion));
        simulator.advance(3_000);
        simulator.faults.add({ operation: "TerminateInstance", answer });
        const accepted = yield* handler.remove({ expansion, id, version: null });
        assert.isFalse((yield* handler.removed(expansion, accepted)).done);
        simulator.advance(3_000);
        const end = yield* handler.removed(expansion, accepted);
        assert.isTrue(end.done && end.member?.phase === "running");
        assert.include(end.done ? end.givenUp : "", told);
      }),
    );
  }

  it.effect("accepts what is not found, which is then removed", () =>
    Effect.gen(function* () {
      const { handler } = yield* makeWorld();
      const id = "ocid1.instance.oc1..absent";
      const accepted = yield* handler.remove({ expansion, id, version: null });
      assert.deepStrictEqual(yield* handler.removed(expansion, accepted), {
        done: true,
        member: null,
      });
    }),
  );
});
