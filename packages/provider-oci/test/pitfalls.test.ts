// Holds what goes wrong in tools of this kind and must not here: whole applies over real HTTP with the real SDK.

import { rm } from "node:fs/promises";
import { createServer, type AddressInfo, type Server } from "node:net";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { verdictOfApply } from "@muster/core/report/verdict";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { Json } from "@muster/core/words/json";
import type { Handler } from "@muster/core/words/provider";
import type { FaultAnswer } from "@muster/testkit/oci/index";
import { seedIds } from "@muster/testkit/oci/index";
import { marksOf } from "../src/sighting.ts";
import { member, owner } from "./fleet.ts";
import { countFromHere, open, running, steps } from "./living.ts";

const groups = (
  ...named: ReadonlyArray<readonly [name: string, count: number]>
): ReadonlyArray<Json> => named.map(([name, count]) => ({ name, count }));

/** Accepts connections at an address until the scope ends; answers its port. */
const listen = (host: string, port: number): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<Server>((resolve, reject) => {
          const server = createServer((socket) => socket.end());
          server.once("error", reject);
          server.listen(port, host, () => resolve(server));
        }),
    ),
    (server) => Effect.promise(() => new Promise((resolve) => server.close(resolve))),
  ).pipe(Effect.map((server) => (server.address() as AddressInfo).port));

/** Past the lease of a run that died, in milliseconds. */
const later = 60_000;
const hour = 3_600_000;

describe("a launch whose answer was lost", () => {
  it.live("is found by the next run, on an empty store and before any list shows it", () =>
    Effect.gen(function* () {
      const { simulator, scale } = yield* open({ listLagMs: hour });
      simulator.faults.set([{ operation: "LaunchInstance", nth: 1, answer: "cut" }]);
      const first = yield* scale(1, { pace: { unreachableMillis: 0 } });
      assert.strictEqual(verdictOfApply(first), "outcome unknown");
      const second = yield* scale(1, { store: makeMemoryStore(), later });
      assert.strictEqual(verdictOfApply(second), "done");
      assert.strictEqual(simulator.instances().length, 1);
      assert.deepStrictEqual(steps(simulator), ["+web-1.1"]);
    }),
  );
});

describe("one of several launches that is refused", () => {
  it.live("costs none of the others: they are awaited, and remembered", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open({ listLagMs: hour });
      const spec = { instances: groups(["web", 4]), scaling: { parallelLaunch: 4 } };
      const refusal = { status: 400, code: "InvalidParameter", message: "no" };
      simulator.faults.set([
        { operation: "LaunchInstance", nth: 1, answer: refusal },
        { operation: "LaunchInstance", answer: { delayMs: 150 } },
      ]);
      const first = yield* apply(spec);
      assert.strictEqual(verdictOfApply(first), "partly done");
      assert.strictEqual(first.outcomes.filter(({ result }) => result === "done").length, 3);
      assert.strictEqual(running(simulator).length, 3);
      simulator.faults.clear();
      // No list shows them yet: only what was remembered tells that one is missing.
      const asked = countFromHere(simulator);
      assert.strictEqual(verdictOfApply(yield* apply(spec)), "done");
      assert.strictEqual(asked("LaunchInstance"), 1);
      assert.strictEqual(running(simulator).length, 4);
    }),
  );
});

describe("an availability domain that is none", () => {
  it.live("launches nothing anywhere, and names those that there are", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open();
      const spec = { instances: groups(["web", 1]), availabilityDomain: "AD-4" };
      const report = yield* apply(spec);
      assert.strictEqual(verdictOfApply(report), "refused");
      const [refusal] = report.left[0]?.refusals ?? [];
      assert.include(refusal?.reason.text, 'no availability domain "AD-4"');
      assert.include(refusal?.remedy, "Uocm:PHX-AD-1, Uocm:PHX-AD-2, Uocm:PHX-AD-3");
      assert.strictEqual(countFromHere(simulator)("LaunchInstance"), 0);
      assert.deepStrictEqual(steps(simulator), []);
    }),
  );
});

describe("waiting", () => {
  it.live("outlives every passing fault of its looks", () =>
    Effect.gen(function* () {
      const { simulator, scale } = yield* open({ launchDelayMs: 2_000, terminateDelayMs: 2_000 });
      const broken = { status: 500, code: "InternalServerError", message: "broken" };
      simulator.faults.set([
        { operation: "ListInstances", every: 3, answer: broken },
        { operation: "ListInstances", every: 4, answer: "drop" },
        { operation: "GetInstance", every: 2, answer: broken },
        { operation: "GetWorkRequest", answer: broken },
      ]);
      const pace = { unreachableMillis: 5_000, looksAgain: 6 };
      assert.strictEqual(verdictOfApply(yield* scale(2, { pace })), "done");
      assert.strictEqual(verdictOfApply(yield* scale(1, { pace })), "done");
      assert.deepStrictEqual(running(simulator), ["web-1.1"]);
    }),
  );

  it.live("for one that never comes to an end has an end, and nobody is launched beside it", () =>
    Effect.gen(function* () {
      const { simulator, scale } = yield* open({ launchDelayMs: 24 * hour });
      // Too few looks to ask its own work request: what was seen last is the list's.
      const pace = { createMillis: 100, pollMillis: 10, pollMaxMillis: 10 };
      const report = yield* scale(1, { pace });
      assert.strictEqual(verdictOfApply(report), "outcome unknown");
      assert.include(report.outcomes[0]?.message, "last seen: PROVISIONING");
      assert.isString(report.outcomes[0]?.remedy);
      yield* scale(1, { pace });
      assert.deepStrictEqual(steps(simulator), ["+web-1.1"]);
    }),
  );

  it.live("for one that dies ends with its death, and the next run launches another", () =>
    Effect.gen(function* () {
      const { simulator, handler, scale } = yield* open({ launchDelayMs: hour });
      const dying: Handler = {
        ...handler,
        created: (...asked) => {
          simulator.kill(simulator.instances()[0]?.id ?? "");
          return handler.created(...asked);
        },
      };
      const report = yield* scale(1, { handler: dying });
      assert.include(report.outcomes[0]?.message, "died before it ran");
      assert.strictEqual(report.outcomes[0]?.result, "failed");
      const [, next] = yield* Effect.map(scale(1, { pace: { createMillis: 50 } }), () =>
        steps(simulator),
      );
      assert.strictEqual(next, "+web-1.2");
    }),
  );

  it.live(
    "for a work request that is canceled ends with it, and the next run launches another",
    () =>
      Effect.gen(function* () {
        const { simulator, scale } = yield* open();
        const answer = { workRequestCanceled: true } as const;
        simulator.faults.set([{ operation: "LaunchInstance", nth: 1, answer }]);
        const report = yield* scale(1);
        assert.include(report.outcomes[0]?.message, "it ended CANCELED");
        assert.strictEqual(report.outcomes[0]?.result, "failed");
        assert.strictEqual(verdictOfApply(yield* scale(1)), "done");
        assert.deepStrictEqual(running(simulator), ["web-1.2"]);
      }),
  );
});

describe("429", () => {
  it.live("is waited out by every operation that an apply sends", () =>
    Effect.gen(function* () {
      const { simulator, scale } = yield* open();
      const answer = { status: 429, code: "TooManyRequests", message: "Too many requests" };
      const operations = [
        "ListInstances",
        "ListAvailabilityDomains",
        "ListFaultDomains",
        "GetImage",
        "GetSubnet",
        "LaunchInstance",
        "GetInstance",
        "TerminateInstance",
      ] as const;
      simulator.faults.set(operations.map((operation) => ({ operation, times: 1, answer })));
      const pace = { throttledMillis: 5_000, looksAgain: 6 };
      const asked = countFromHere(simulator);
      assert.strictEqual(verdictOfApply(yield* scale(2, { pace })), "done");
      assert.strictEqual(verdictOfApply(yield* scale(1, { pace })), "done");
      assert.deepStrictEqual(running(simulator), ["web-1.1"]);
      for (const operation of operations) assert.isAbove(asked(operation), 1, operation);
    }),
  );

  it.live("in a name, or any other error's words there, is no answer", () =>
    Effect.gen(function* () {
      const { simulator, scale } = yield* open();
      const message =
        "ocid1.image.oc1..429x500 of 'TooManyRequests IncorrectState Out of capacity' is too long";
      const answer = { status: 400, code: "InvalidParameter", message };
      simulator.faults.set([{ operation: "LaunchInstance", answer }]);
      const asked = countFromHere(simulator);
      const { outcomes } = yield* scale(1);
      assert.deepStrictEqual(
        outcomes.map(({ code }) => code),
        ["Invalid"],
      );
      assert.strictEqual(asked("LaunchInstance"), 1);
    }),
  );
});

describe("groups", () => {
  it.live("have each their own count, subnet and shape, when they grow and when they shrink", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open();
      const spec = (web: number, batch: number) => ({
        instances: [
          { name: "web", count: web },
          {
            name: "batch",
            count: batch,
            subnetId: seedIds.adSubnetId,
            shapeConfig: { ocpus: 4 },
          },
        ],
      });
      yield* apply(spec(1, 2));
      const made = simulator
        .instances()
        .map(
          ({ freeformTags, subnetId, shapeConfig }) =>
            [freeformTags["muster-member"], subnetId, shapeConfig.ocpus] as const,
        );
      assert.sameDeepMembers(made, [
        ["web-1.1", seedIds.subnetId, 1],
        ["batch-1.1", seedIds.adSubnetId, 4],
        ["batch-2.1", seedIds.adSubnetId, 4],
      ]);
      yield* apply(spec(3, 1));
      assert.deepStrictEqual(running(simulator), ["batch-1.1", "web-1.1", "web-2.1", "web-3.1"]);
    }),
  );

  it.live("are told by marks, whatever dashes, prefixes and new names say", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open();
      const spec = (web: number) => ({
        displayNamePrefix: "shop-web-eu",
        instances: groups(["web", web], ["web-eu", 2]),
      });
      yield* apply(spec(2));
      // By its name a member of web, which nobody launched.
      const stranger = simulator.addForeign({ displayName: "shop-web-eu-web-3.1" });
      yield* apply(spec(1));
      assert.deepStrictEqual(running(simulator), ["", "web-1.1", "web-eu-1.1", "web-eu-2.1"]);
      assert.notInclude(
        simulator.journal().map(({ instanceId }) => instanceId),
        stranger.id,
      );
    }),
  );
});

describe("the newest", () => {
  it.live("are those that were launched last, in whatever order the list shows them", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open({ pageSize: 2 });
      const spec = (count: number) => ({
        instances: groups(["web", count]),
        placement: { availabilityDomains: ["AD-1", "AD-2", "AD-3"] },
      });
      yield* apply(spec(4));
      // The lowest slot, and the first place of the list, get the youngest.
      simulator.kill(simulator.instances()[0]?.id ?? "");
      yield* apply(spec(4));
      assert.deepStrictEqual(running(simulator), ["web-1.2", "web-2.1", "web-3.1", "web-4.1"]);
      // Seen anew, with nothing remembered.
      const store = makeMemoryStore();
      yield* apply(spec(4), { store, later });
      yield* apply(spec(2), { store, later: 2 * later });
      assert.deepStrictEqual(running(simulator), ["web-2.1", "web-3.1"]);
    }),
  );
});

describe("who is stopped, or about to go", () => {
  it.live("is no member: others are launched, and it is left as it is", () =>
    Effect.gen(function* () {
      const { simulator, scale } = yield* open();
      yield* scale(1);
      const [stopped] = simulator.instances();
      simulator.stop(stopped?.id ?? "");
      const leaving = simulator.addForeign({
        freeformTags: marksOf({ document: "shop", owner, name: member(2) }),
        lifecycleState: "TERMINATING",
      });
      const asked = countFromHere(simulator);
      yield* scale(2);
      assert.strictEqual(running(simulator).length, 2);
      assert.strictEqual(asked("LaunchInstance"), 2);
      assert.strictEqual(asked("TerminateInstance") + asked("InstanceAction"), 0);
      const states = new Map(simulator.instances().map((one) => [one.id, one.lifecycleState]));
      assert.strictEqual(states.get(stopped?.id ?? ""), "STOPPED");
      assert.strictEqual(states.get(leaving.id), "TERMINATING");
    }),
  );
});

describe("what a document says of a launch", () => {
  it.live("arrives: defined tags of two levels in either spelling", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open();
      const definedTags = { Operations: { CostCenter: "42", Team: "web" }, "Finance.Owner": "ann" };
      yield* apply({ instances: groups(["web", 1]), definedTags });
      assert.deepStrictEqual(simulator.instances()[0]?.definedTags, {
        Operations: { CostCenter: "42", Team: "web" },
        Finance: { Owner: "ann" },
      });
    }),
  );

  it.live("may be a subnet that lives in another compartment", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open();
      const spec = { instances: groups(["web", 1]), subnetId: seedIds.sharedSubnetId };
      assert.strictEqual(verdictOfApply(yield* apply(spec)), "done");
      const [instance] = simulator.instances();
      assert.strictEqual(instance?.subnetId, seedIds.sharedSubnetId);
      assert.strictEqual(instance?.compartmentId, seedIds.compartmentId);
    }),
  );
});

describe("a list that fails", () => {
  const answers: ReadonlyArray<readonly [name: string, answer: FaultAnswer]> = [
    ["401", { status: 401, code: "NotAuthenticated", message: "no" }],
    ["403", { status: 403, code: "NotAuthorized", message: "no" }],
    ["404", { status: 404, code: "NotAuthorizedOrNotFound", message: "no" }],
    ["429", { status: 429, code: "TooManyRequests", message: "no" }],
    ["500", { status: 500, code: "InternalServerError", message: "no" }],
    ["a reset", "drop"],
    ["half an answer", "tear"],
  ];
  it.live("leaves all as it is, whatever the store remembers: nothing up, nothing down", () =>
    Effect.gen(function* () {
      const { simulator, scale } = yield* open();
      yield* scale(2);
      const before = steps(simulator);
      for (const [name, answer] of answers) {
        simulator.faults.set([{ operation: "ListInstances", answer }]);
        for (const count of [0, 4]) {
          const report = yield* scale(count, { pace: { looksAgain: 0 } });
          assert.strictEqual(verdictOfApply(report), "infrastructure failed", name);
          assert.deepStrictEqual(report.outcomes, [], name);
        }
      }
      assert.deepStrictEqual(steps(simulator), before);
      assert.deepStrictEqual(running(simulator), ["web-1.1", "web-2.1"]);
    }),
  );
});

describe("a restart", () => {
  it.live("with a surge launches first: none is ever missing", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open();
      yield* apply({ instances: groups(["web", 2]) });
      const rollingRestart = { maxSurge: 1 };
      yield* apply({ instances: groups(["web", 2]), restart: "again", rollingRestart });
      let there = 0;
      const counts = steps(simulator).map((step) => (there += step.startsWith("+") ? 1 : -1));
      assert.deepStrictEqual(counts, [1, 2, 3, 2, 3, 2]);
      assert.isTrue(
        simulator
          .instances()
          .filter(({ lifecycleState }) => lifecycleState === "RUNNING")
          .every(({ freeformTags }) => freeformTags["muster-restart"] === "again"),
      );
    }),
  );

  it.live("stops at the first that is not well, and goes no further", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open({ addresses: "loopback" });
      yield* apply({ instances: groups(["web", 3]) });
      // Those that are there accept connections, and nobody does where the next one will be.
      let port = 0;
      for (const { privateIp } of simulator.instances()) port = yield* listen(privateIp, port);
      const health = { tcp: { port }, patience: "0s" };
      const spec = { instances: groups(["web", 3]), restart: "again", health };
      for (let run = 1; run <= 2; run += 1) yield* apply(spec);
      assert.deepStrictEqual(steps(simulator).slice(3), ["-web-3.1", "+web-3.2"]);
    }),
  );
});

describe("a client", () => {
  it.live("is made once for all calls and all applies of an account", () =>
    Effect.gen(function* () {
      const { simulator, configFile, scale } = yield* open();
      yield* scale(1);
      // Whoever made another one would have to read it again.
      yield* Effect.promise(() => rm(configFile));
      assert.strictEqual(verdictOfApply(yield* scale(4)), "done");
      assert.strictEqual(verdictOfApply(yield* scale(2)), "done");
      assert.strictEqual(running(simulator).length, 2);
    }),
  );

  it.live("looks at all that wait with one list, and asks for none by itself", () =>
    Effect.gen(function* () {
      const { simulator, apply } = yield* open({ launchDelayMs: 1_500 });
      const asked = countFromHere(simulator);
      const spec = { instances: groups(["web", 20]), scaling: { parallelLaunch: 20 } };
      const pace = { pollMillis: 20, pollMaxMillis: 50 };
      assert.strictEqual(verdictOfApply(yield* apply(spec, { pace })), "done");
      assert.strictEqual(asked("LaunchInstance"), 20);
      assert.strictEqual(asked("GetInstance") + asked("GetWorkRequest"), 0);
      assert.isBelow(simulator.requests().length, 3 * 20);
    }),
  );
});
