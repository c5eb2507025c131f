// Holds what a whole apply makes of each answer that OCI may give, over real HTTP with the real SDK.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type { Outcome } from "@muster/core/apply/outcome";
import { type Verdict, verdictOfApply } from "@muster/core/report/verdict";
import type { ProviderReason } from "@muster/core/words/provider";
import type { FaultAnswer, OciSimulatorOptions } from "@muster/testkit/oci/index";
import { countFromHere, open, running } from "./living.ts";

/** Two members that run, and how often each operation was asked for since. */
const settled = (options: OciSimulatorOptions = {}) =>
  Effect.gen(function* () {
    const { simulator, scale } = yield* open(options);
    yield* scale(2);
    return { simulator, scale, asked: countFromHere(simulator) };
  });

const failures = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<Outcome> =>
  outcomes.filter(({ result }) => result === "failed");

interface Refusal {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly reason: ProviderReason;
  /** What a person is told to do. */
  readonly remedy: string;
}

describe("a launch that is refused", () => {
  const refusals: ReadonlyArray<Refusal> = [
    {
      name: "400 CannotParseRequest is sent once, and ends in what to correct",
      status: 400,
      code: "CannotParseRequest",
      reason: "Invalid",
      remedy: "correct the document",
    },
    {
      name: "400 InvalidParameter is sent once, and ends in what to correct",
      status: 400,
      code: "InvalidParameter",
      reason: "Invalid",
      remedy: "correct the document",
    },
    {
      name: "400 MissingParameter is sent once, and ends in what to correct",
      status: 400,
      code: "MissingParameter",
      reason: "Invalid",
      remedy: "correct the document",
    },
    {
      name: "400 RelatedResourceNotAuthorizedOrNotFound is sent once, and names what to look for",
      status: 400,
      code: "RelatedResourceNotAuthorizedOrNotFound",
      reason: "Denied",
      remedy: "image, subnet, compartment, tag namespace",
    },
    {
      name: "400 InsufficientServicePermissions is sent once, and asks for an administrator",
      status: 400,
      code: "InsufficientServicePermissions",
      reason: "Denied",
      remedy: "an administrator",
    },
    {
      name: "400 ResourceDisabled is sent once, and asks for an administrator",
      status: 400,
      code: "ResourceDisabled",
      reason: "Denied",
      remedy: "an administrator",
    },
    {
      name: "401 NotAuthenticated is sent once, and tells what was found right and what may be wrong",
      status: 401,
      code: "NotAuthenticated",
      reason: "Denied",
      remedy: "clock is right and the key fits its fingerprint",
    },
    {
      name: "403 NotAuthorized is sent once, and names operation, account and region",
      status: 403,
      code: "NotAuthorized",
      reason: "Denied",
      remedy: "allow LaunchInstance to profile DEFAULT",
    },
    {
      name: "403 NotAllowed is sent once, and names operation, account and region",
      status: 403,
      code: "NotAllowed",
      reason: "Denied",
      remedy: "us-phoenix-1 is the region that is meant",
    },
    {
      name: "404 NotAuthorizedOrNotFound is sent once, and says that it may mean either",
      status: 404,
      code: "NotAuthorizedOrNotFound",
      reason: "Denied",
      remedy: "absent or not permitted, OCI does not say which",
    },
    {
      name: "404 NotFound is sent once, and doubts the address",
      status: 404,
      code: "NotFound",
      reason: "Denied",
      remedy: "check the endpoint",
    },
    {
      name: "405 MethodNotAllowed is sent once, and doubts the address",
      status: 405,
      code: "MethodNotAllowed",
      reason: "Denied",
      remedy: "check the endpoint",
    },
    {
      name: "409 Conflict that no time mends is sent once, and says where to look",
      status: 409,
      code: "Conflict",
      reason: "Denied",
      remedy: "look it up in the console",
    },
  ];
  for (const { name, status, code, reason, remedy } of refusals) {
    it.live(name, () =>
      Effect.gen(function* () {
        const { simulator, scale, asked } = yield* settled();
        const answer = { status, code, message: "words of OCI" };
        simulator.faults.set([{ operation: "LaunchInstance", answer }]);
        const report = yield* scale(4);
        const [failed, ...others] = failures(report.outcomes);
        assert.deepStrictEqual(others, []);
        assert.strictEqual(failed?.code, reason);
        const { requestId } = simulator.requests().find((one) => one.status === status)!;
        const told = `LaunchInstance: ${status} ${code}: words of OCI (request ${requestId})`;
        assert.strictEqual(failed?.message, told);
        assert.include(failed?.remedy ?? "", remedy);
        // Not again for itself, and not for the second that is missing.
        assert.strictEqual(asked("LaunchInstance"), 1);
        assert.strictEqual(asked("TerminateInstance"), 0);
        assert.deepStrictEqual(running(simulator), ["web-1.1", "web-2.1"]);
        assert.strictEqual(verdictOfApply(report), "infrastructure failed");
        simulator.faults.clear();
        assert.strictEqual(verdictOfApply(yield* scale(4)), "done");
        assert.strictEqual(running(simulator).length, 4);
      }),
    );
  }
});

describe("where there is no more", () => {
  const ends: ReadonlyArray<
    readonly [name: string, code: string, more: OciSimulatorOptions, remedy: string]
  > = [
    [
      "400 LimitExceeded ends launching and keeps what runs",
      "LimitExceeded",
      { instanceLimit: 3 },
      "service limit",
    ],
    [
      "400 QuotaExceeded ends launching and keeps what runs",
      "QuotaExceeded",
      { quotas: [{ compartmentId: "ocid1.compartment.oc1..muster", instances: 3 }] },
      "compartment's quota",
    ],
    [
      "500 Out of host capacity is not tried as a passing failure: other places, then the end",
      "Out of host capacity.",
      { capacity: [{ availabilityDomain: "Uocm:PHX-AD-1", hosts: 3 }] },
      "another availability domain or shape",
    ],
  ];
  for (const [name, words, options, remedy] of ends) {
    it.live(name, () =>
      Effect.gen(function* () {
        const { simulator, scale, asked } = yield* settled(options);
        const report = yield* scale(9);
        const failed = failures(report.outcomes);
        assert.isTrue(failed.every(({ code }) => code === "Exhausted"));
        assert.include(failed[0]?.message, words);
        assert.include(failed[0]?.remedy ?? "", remedy);
        // One that finds room; then one where OCI chooses, and one for each fault domain.
        assert.strictEqual(asked("LaunchInstance"), 1 + 1 + 3);
        assert.strictEqual(asked("TerminateInstance"), 0);
        assert.strictEqual(running(simulator).length, 3);
        assert.strictEqual(verdictOfApply(report), "partly done");
      }),
    );
  }
});

describe("what passes by itself", () => {
  const passing: ReadonlyArray<readonly [name: string, answer: FaultAnswer]> = [
    [
      "409 IncorrectState of a launch is waited out",
      { status: 409, code: "IncorrectState", message: "not now" },
    ],
    [
      "409 Conflict of another change under way is waited out",
      {
        status: 409,
        code: "Conflict",
        message: "It is currently being modified, try again later.",
      },
    ],
    [
      "409 NotAuthorizedOrResourceAlreadyExists is waited out",
      { status: 409, code: "NotAuthorizedOrResourceAlreadyExists", message: "either" },
    ],
    [
      "429 TooManyRequests without a word on how long is waited out",
      { status: 429, code: "TooManyRequests", message: "Too many requests for the user" },
    ],
    [
      "500 InternalServerError before the launch is sent again",
      { status: 500, code: "InternalServerError", message: "broken" },
    ],
    ["502 with a page of HTML is sent again", { status: 502, html: "<html>bad gateway</html>" }],
    [
      "503 ServiceUnavailable is sent again",
      { status: 503, code: "ServiceUnavailable", message: "later" },
    ],
    ["504 with a page of HTML is sent again", { status: 504, html: "<html>time-out</html>" }],
    ["a connection that is reset before the launch is sent again", "drop"],
  ];
  for (const [name, answer] of passing) {
    it.live(name, () =>
      Effect.gen(function* () {
        const { simulator, scale, asked } = yield* settled();
        simulator.faults.set([{ operation: "LaunchInstance", times: 2, answer }]);
        const report = yield* scale(3, {
          pace: { throttledMillis: 5_000, unreachableMillis: 5_000 },
        });
        assert.strictEqual(verdictOfApply(report), "done");
        assert.deepStrictEqual(running(simulator), ["web-1.1", "web-2.1", "web-3.1"]);
        assert.strictEqual(asked("LaunchInstance"), 3);
      }),
    );
  }

  const lost: ReadonlyArray<readonly [name: string, answer: FaultAnswer]> = [
    [
      "500 after the launch was made: the same token finds it",
      { status: 500, code: "InternalServerError", message: "broken", when: "departure" },
    ],
    [
      "502 after the launch was made: the same token finds it",
      { status: 502, html: "<html>bad gateway</html>", when: "departure" },
    ],
    [
      "503 after the launch was made: the same token finds it",
      { status: 503, code: "ServiceUnavailable", message: "later", when: "departure" },
    ],
    [
      "504 after the launch was made: the same token finds it",
      { status: 504, html: "<html>time-out</html>", when: "departure" },
    ],
    ["a reset after the launch was made: the same token finds it", "cut"],
    ["an answer that ends in its middle: the same token finds it", "tear"],
    [
      "no answer in time after the launch was made: the same token finds it",
      { hangMs: 60_000, accepted: true },
    ],
  ];
  for (const [name, answer] of lost) {
    it.live(name, () =>
      Effect.gen(function* () {
        // A list that lags: only the token can tell.
        const { simulator, scale, asked } = yield* settled({ listLagMs: 60_000 });
        simulator.faults.set([{ operation: "LaunchInstance", times: 2, answer }]);
        const report = yield* scale(3, { pace: { writeMillis: 300, unreachableMillis: 5_000 } });
        assert.strictEqual(verdictOfApply(report), "done");
        assert.strictEqual(asked("LaunchInstance"), 3);
        assert.strictEqual(simulator.instances().length, 3);
        const tokens = simulator.journal().map(({ token }) => token);
        assert.strictEqual(new Set(tokens).size, 3);
      }),
    );
  }
});

describe("where nothing passes by itself", () => {
  const ends: ReadonlyArray<
    readonly [name: string, answer: FaultAnswer, told: string, verdict: Verdict]
  > = [
    [
      "429 without end is told as what did not happen",
      { status: 429, code: "TooManyRequests", message: "Too many requests for the user" },
      "429 TooManyRequests",
      "infrastructure failed",
    ],
    [
      "503 without end is told as an unknown outcome",
      { status: 503, code: "ServiceUnavailable", message: "later" },
      "503 ServiceUnavailable",
      "outcome unknown",
    ],
    ["a reset without end is told as an unknown outcome", "drop", "", "outcome unknown"],
  ];
  for (const [name, answer, told, verdict] of ends) {
    it.live(name, () =>
      Effect.gen(function* () {
        const { simulator, scale } = yield* settled();
        simulator.faults.set([{ operation: "LaunchInstance", answer }]);
        const report = yield* scale(3);
        assert.strictEqual(verdictOfApply(report), verdict);
        const last = report.outcomes.at(-1);
        assert.include(last?.message, told);
        assert.deepStrictEqual(running(simulator), ["web-1.1", "web-2.1"]);
        // What was left open is settled by the next run: once more in all.
        simulator.faults.clear();
        assert.strictEqual(verdictOfApply(yield* scale(3)), "done");
        assert.strictEqual(simulator.instances().length, 3);
      }),
    );
  }
});

describe("what moved", () => {
  it.live("412 NoEtagMatch of a removal: it is looked at again, and decided again", () =>
    Effect.gen(function* () {
      const { simulator, scale, asked } = yield* settled();
      const answer = { status: 412, code: "NoEtagMatch", message: "changed" };
      simulator.faults.set([{ operation: "TerminateInstance", nth: 1, answer }]);
      const report = yield* scale(1);
      assert.strictEqual(verdictOfApply(report), "done");
      assert.deepStrictEqual(running(simulator), ["web-1.1"]);
      assert.strictEqual(asked("TerminateInstance"), 2);
      assert.deepStrictEqual(
        report.outcomes.map(({ result }) => result),
        ["stale", "done"],
      );
    }),
  );

  it.live("409 IncorrectState of a removal is waited out", () =>
    Effect.gen(function* () {
      const { simulator, scale, asked } = yield* settled();
      const answer = { status: 409, code: "IncorrectState", message: "not now" };
      simulator.faults.set([{ operation: "TerminateInstance", times: 2, answer }]);
      const report = yield* scale(1, { pace: { throttledMillis: 5_000 } });
      assert.strictEqual(verdictOfApply(report), "done");
      assert.strictEqual(asked("TerminateInstance"), 3);
    }),
  );
});
