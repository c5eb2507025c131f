// The client against a strict Taskcluster: signed as it should be, whole lists or none, and every failure by its reason.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Result from "effect/Result";
import type * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import {
  issueTemporary,
  type SimulatedWorker,
  startTaskcluster,
  throwawayClient,
  type TaskclusterFault,
  type TaskclusterSimulator,
  type TaskclusterSimulatorOptions,
} from "@muster/testkit/taskcluster/index";
import { taskclusterSettings, workerManager, type WorkerManager } from "../../src/index.ts";
import { callMillis } from "../../src/taskcluster/client.ts";
import { hawkMac } from "../../src/taskcluster/hawk.ts";

const noon = Date.parse("2026-05-01T12:00:00.000Z");
const hour = 3_600_000;
const pool = ["releng", "talos"] as const;

const workerOf = (workerId: string, given: Partial<SimulatedWorker> = {}): SimulatedWorker => ({
  provisionerId: "releng",
  workerType: "talos",
  workerId,
  ...given,
});

interface Peer {
  readonly simulator: TaskclusterSimulator;
  /** Asks with these variables in place of those of the simulator's client. */
  readonly as: (env: Readonly<Record<string, string>>) => WorkerManager;
  readonly ours: WorkerManager;
}

/** A Taskcluster whose clock, like ours, stands at noon. */
const peer = Effect.fnUntraced(function* (
  options: TaskclusterSimulatorOptions = {},
): Effect.fn.Return<Peer, never, Scope.Scope> {
  yield* TestClock.setTime(noon);
  const simulator = yield* Effect.orDie(startTaskcluster({ now: () => noon, ...options }));
  const as = (env: Readonly<Record<string, string>>) =>
    workerManager(
      Result.getOrThrow(taskclusterSettings({ ...env, TASKCLUSTER_ROOT_URL: simulator.rootUrl }))!,
    );
  return { simulator, as, ours: as(simulator.env) };
});

describe("signing", () => {
  it("gives what Hawk's own example gives", () => {
    const mac = hawkMac("werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn", {
      method: "GET",
      url: new URL("http://example.com:8000/resource/1?b=1&a=2"),
      timestamp: 1_353_832_234,
      nonce: "j4h3g2",
      ext: "some-app-ext-data",
    });
    assert.strictEqual(mac, "6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE=");
  });

  it.effect("is accepted, each time anew", () =>
    Effect.gen(function* () {
      const { simulator, ours } = yield* peer({ workers: [workerOf("t-1")] });
      for (const _ of [1, 2, 3]) yield* ours.listWorkers(...pool);
      assert.deepStrictEqual(
        simulator.requests().map(({ status, clientId }) => [status, clientId]),
        Array.from({ length: 3 }, () => [200, "muster/simulated"]),
      );
      assert.strictEqual(new Set(simulator.requests().map((one) => one.authorization)).size, 3);
    }),
  );

  it.effect("shows the certificate of temporary credentials", () =>
    Effect.gen(function* () {
      const client = throwawayClient();
      const { as } = yield* peer({ clients: [client], workers: [workerOf("t-1")] });
      const asTemporary = (scopes: ReadonlyArray<string>, now = noon) => {
        const { clientId, accessToken, certificate } = issueTemporary(client, { now, scopes });
        return as({
          TASKCLUSTER_CLIENT_ID: clientId,
          TASKCLUSTER_ACCESS_TOKEN: accessToken,
          TASKCLUSTER_CERTIFICATE: certificate,
        });
      };
      const mine = ["worker-manager:list-workers:releng/*"];
      assert.strictEqual((yield* asTemporary(mine).listWorkers(...pool)).length, 1);
      const narrow = yield* Effect.flip(
        asTemporary(["worker-manager:list-workers:aws/*"]).listWorkers(...pool),
      );
      assert.match(narrow.message, /^403 InsufficientScopes/u);
      const old = yield* Effect.flip(asTemporary(mine, noon - 2 * hour).listWorkers(...pool));
      assert.strictEqual(old.message, "401 AuthenticationFailed: ext.certificate.expiry < now");
      const forgotten = yield* Effect.flip(
        as({
          TASKCLUSTER_CLIENT_ID: client.clientId,
          TASKCLUSTER_ACCESS_TOKEN: issueTemporary(client, { now: noon }).accessToken,
        }).listWorkers(...pool),
      );
      assert.match(forgotten.message, /^401/u);
    }),
  );

  it.effect("is left out where nobody in particular asks", () =>
    Effect.gen(function* () {
      const open = yield* peer({
        workers: [workerOf("t-1")],
        anonymousScopes: ["worker-manager:list-workers:*"],
      });
      assert.strictEqual((yield* open.as({}).listWorkers(...pool)).length, 1);
      assert.isUndefined(open.simulator.requests()[0]?.authorization);
      const closed = yield* peer();
      const error = yield* Effect.flip(closed.as({}).listWorkers(...pool));
      assert.deepStrictEqual(
        [error.reason, error.remedy],
        [
          "Denied",
          "give TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN of a client with the scope worker-manager:list-workers:releng/talos",
        ],
      );
    }),
  );
});

describe("a list of workers", () => {
  it.effect("has every worker of the pool, whatever its pages", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 2_500 }, (_, index) => `w-${10_000 + index}`);
      const { simulator, ours } = yield* peer({
        workers: [
          ...names.map((name) => workerOf(name)),
          workerOf("other", { workerType: "perf" }),
        ],
      });
      const listed = yield* ours.listWorkers(...pool);
      assert.deepStrictEqual(
        listed.map(({ id }) => id),
        names,
      );
      const queries = simulator
        .requests()
        .map(({ target }) => new URL(target, simulator.rootUrl).searchParams);
      assert.deepStrictEqual(
        queries.map((query) => [query.get("limit"), query.has("continuationToken")]),
        [
          ["1000", false],
          ["1000", true],
          ["1000", true],
        ],
      );
    }),
  );

  it.effect("tells when each was active, late as Taskcluster is, and none after a day", () =>
    Effect.gen(function* () {
      const { ours } = yield* peer({
        workers: [
          workerOf("busy"),
          workerOf("gone", { activeUntil: noon - 25 * hour }),
          workerOf("idle", { activeUntil: noon - 5 * hour }),
        ],
      });
      const listed = yield* ours.listWorkers(...pool);
      assert.deepStrictEqual(
        listed.map(({ id }) => id),
        ["busy", "idle"],
      );
      for (const [index, until] of [noon, noon - 5 * hour].entries()) {
        const late = until - Date.parse(listed[index]!.lastActive!);
        assert.isTrue(late >= 0 && late < hour / 2, `${late}`);
      }
    }),
  );

  it.effect("tells a quarantine that lasts, and none that is over", () =>
    Effect.gen(function* () {
      const { ours } = yield* peer({
        workers: [
          workerOf("a", { quarantineUntil: noon + 1 }),
          workerOf("b", { quarantineUntil: noon }),
          workerOf("c"),
          workerOf("d", { quarantineUntil: noon + hour, activeUntil: noon - 99 * hour }),
        ],
      });
      assert.deepStrictEqual(
        (yield* ours.listWorkers(...pool)).map(({ id, quarantined }) => [id, quarantined]),
        [
          ["a", true],
          ["b", false],
          ["c", false],
          ["d", true],
        ],
      );
    }),
  );

  it.effect("is empty for a pool without workers", () =>
    Effect.gen(function* () {
      const { ours } = yield* peer();
      assert.deepStrictEqual(yield* ours.listWorkers("any", "pool"), []);
    }),
  );

  it.effect("is none where only its first pages came", () =>
    Effect.gen(function* () {
      const workers = Array.from({ length: 7 }, (_, index) => workerOf(`w-${index}`));
      for (const fault of ["torn", "server-error", "throttled", "cut", "shapeless"] as const) {
        const { simulator, ours } = yield* peer({
          workers,
          pageSize: 3,
          faults: [{ fault, page: 2 }],
        });
        const ended = yield* Effect.result(ours.listWorkers(...pool));
        assert.isTrue(Result.isFailure(ended), fault);
        assert.strictEqual(simulator.requests().length, 3);
      }
    }),
  );
});

describe("one worker", () => {
  it.effect("is told with its last 20 tasks; nothing when there is none", () =>
    Effect.gen(function* () {
      const tasks = Array.from({ length: 25 }, (_, index) => ({ taskId: `t${index}`, runId: 0 }));
      const { ours } = yield* peer({ workers: [workerOf("t-1", { tasks })] });
      const found = yield* ours.getWorker(...pool, "mdc1", "t-1");
      assert.deepStrictEqual(
        [found?.id, found?.group, found?.recentTasks],
        ["t-1", "mdc1", tasks.slice(-20)],
      );
      assert.isNull(yield* ours.getWorker(...pool, "mdc2", "t-1"));
    }),
  );

  it.effect("is not taken for none where the address is another one's", () =>
    Effect.gen(function* () {
      const { simulator, ours } = yield* peer({ faults: [{ fault: "page" }] });
      const elsewhere = workerManager({
        rootUrl: `${simulator.rootUrl}/elsewhere`,
        credentials: null,
      });
      for (const manager of [ours, elsewhere]) {
        const error = yield* Effect.flip(manager.getWorker(...pool, "mdc1", "t-1"));
        assert.deepStrictEqual(
          [error.reason, error.remedy],
          ["Denied", "this address does not answer like Taskcluster: check TASKCLUSTER_ROOT_URL"],
        );
      }
      assert.strictEqual(simulator.requests().length, 2);
    }),
  );
});

describe("what a call fails with", () => {
  const failure = (fault: TaskclusterFault) =>
    Effect.gen(function* () {
      const { ours } = yield* peer({ faults: [{ fault }] });
      return yield* Effect.flip(ours.listWorkers(...pool));
    });

  it.effect("has the reason that the core acts on, and is asked once", () =>
    Effect.gen(function* () {
      const reasons = {
        throttled: "Throttled",
        "server-error": "Unreachable",
        unavailable: "Unreachable",
        torn: "Unreachable",
        cut: "Unreachable",
        page: "Denied",
        garbled: "Unreachable",
        shapeless: "Unreachable",
        endless: "Unreachable",
        circle: "Unreachable",
        moved: "Denied",
      } as const;
      for (const [fault, reason] of Object.entries(reasons)) {
        const error = yield* failure(fault as TaskclusterFault);
        assert.deepStrictEqual([fault, error.reason], [fault, reason]);
        assert.strictEqual(error.operation, "listWorkers");
      }
    }),
  );

  it.effect("is a list that goes in a circle, as soon as it does", () =>
    Effect.gen(function* () {
      const { simulator, ours } = yield* peer({ faults: [{ fault: "circle" }] });
      const error = yield* Effect.flip(ours.listWorkers(...pool));
      assert.include(error.message, "its pages go in a circle");
      assert.strictEqual(simulator.requests().length, 2);
    }),
  );

  it.effect("says how long the server wants to be left alone", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* failure("throttled")).retryAfterMillis, 7_000);
    }),
  );

  it.effect("is told without what follows the dashes", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        (yield* failure("server-error")).message,
        "500 InternalServerError: Internal Server Error, incidentId 1",
      );
    }),
  );

  it.effect("is a size that nobody waits for the end of", () =>
    Effect.gen(function* () {
      const { simulator, ours } = yield* peer({ faults: [{ fault: "endless" }] });
      const error = yield* Effect.flip(ours.listWorkers(...pool));
      assert.strictEqual(error.message, "the answer is longer than 8388608 bytes");
      // What is on its way is not read; a few megabytes of it stand between the two ends.
      assert.isBelow(simulator.sent(), 4 * 8_388_608);
    }),
  );

  it.effect("is a time that is over, though nothing was answered", () =>
    Effect.gen(function* () {
      const { simulator, ours } = yield* peer({ faults: [{ fault: "hang" }] });
      const fiber = yield* Effect.forkChild(Effect.flip(ours.listWorkers(...pool)));
      yield* simulator.asked(1);
      yield* TestClock.adjust(callMillis);
      const error = yield* Fiber.join(fiber);
      assert.deepStrictEqual(
        [error.reason, error.message],
        ["Unreachable", "no answer within 30 s"],
      );
    }),
  );

  it.effect("is that nobody listens", () =>
    Effect.gen(function* () {
      const simulator = yield* Effect.scoped(Effect.orDie(startTaskcluster()));
      const gone = workerManager({ rootUrl: simulator.rootUrl, credentials: null });
      const error = yield* Effect.flip(gone.listWorkers(...pool));
      assert.strictEqual(error.reason, "Unreachable");
      assert.include(error.message, "ECONNREFUSED");
    }),
  );

  it.effect("is denied with another token, client, scope or clock", () =>
    Effect.gen(function* () {
      const { simulator, as } = yield* peer();
      const wrong = yield* Effect.flip(
        as({ ...simulator.env, TASKCLUSTER_ACCESS_TOKEN: "wrong" }).listWorkers(...pool),
      );
      assert.deepStrictEqual(
        [wrong.reason, wrong.message],
        ["Denied", "401 AuthenticationFailed: Bad mac"],
      );
      assert.include(wrong.remedy, "check TASKCLUSTER_ACCESS_TOKEN");
      const nobody = yield* Effect.flip(
        as({ ...simulator.env, TASKCLUSTER_CLIENT_ID: "nobody" }).listWorkers(...pool),
      );
      assert.deepStrictEqual([nobody.reason, nobody.message.slice(0, 4)], ["Denied", "401 "]);
      const late = yield* peer({ now: () => noon + hour });
      const skewed = yield* Effect.flip(late.ours.listWorkers(...pool));
      assert.deepStrictEqual(
        [skewed.reason, skewed.message, skewed.remedy],
        [
          "Denied",
          "401 AuthenticationFailed: Stale timestamp",
          "this machine's clock is 60 minutes behind Taskcluster's: set it right",
        ],
      );
      const narrow = yield* peer({
        clients: [{ ...throwawayClient(), scopes: ["worker-manager:list-workers:aws/*"] }],
      });
      const refused = yield* Effect.flip(narrow.ours.listWorkers(...pool));
      assert.deepStrictEqual(
        [refused.reason, refused.remedy],
        [
          "Denied",
          "give the client muster/simulated the scope worker-manager:list-workers:releng/talos",
        ],
      );
    }),
  );

  it.effect(
    "is invalid where a pool cannot be called so, and is not sent where it would lead elsewhere",
    () =>
      Effect.gen(function* () {
        const { simulator, ours } = yield* peer();
        for (const name of ["a b", "..", "a/b", "", "x".repeat(39), "a?b"]) {
          const error = yield* Effect.flip(ours.listWorkers(name, "talos"));
          assert.strictEqual(error.reason, "Invalid", name);
        }
        assert.strictEqual(
          (yield* Effect.flip(ours.getWorker(...pool, "..", "x"))).reason,
          "Invalid",
        );
        assert.deepStrictEqual(simulator.requests(), []);
        const refused = yield* Effect.flip(ours.listWorkers("releng", "Talos"));
        assert.deepStrictEqual(
          [refused.reason, refused.message],
          ["Invalid", "400 InvalidRequestArguments: Invalid URL patterns or query"],
        );
      }),
  );

  it.effect("tells no secret, though the server tells what it was sent", () =>
    Effect.gen(function* () {
      const client = { ...throwawayClient(), accessToken: "the-token-of-the-client" };
      const temporary = issueTemporary(client, { now: noon });
      const { as, simulator } = yield* peer({ clients: [client], faults: [{ fault: "echo" }] });
      const manager = as({
        TASKCLUSTER_CLIENT_ID: temporary.clientId,
        TASKCLUSTER_ACCESS_TOKEN: temporary.accessToken,
        TASKCLUSTER_CERTIFICATE: temporary.certificate,
      });
      const error = yield* Effect.flip(manager.listWorkers(...pool));
      const told = JSON.stringify(error) + String(error) + error.message;
      const sent = simulator.requests()[0]!.authorization!;
      const { seed, signature } = JSON.parse(temporary.certificate) as Record<string, string>;
      const [, ext] = /ext="([^"]+)"/u.exec(sent)!;
      const [, mac] = /mac="([^"]+)"/u.exec(sent)!;
      assert.include(told, "was sent");
      for (const secret of [
        temporary.accessToken,
        client.accessToken,
        seed!,
        signature!,
        ext!.slice(0, 20),
        mac!,
      ]) {
        assert.notInclude(told, secret);
      }
    }),
  );
});
