// What each fault that has a name does: what the caller is told, and what became of the change.

import { describe, expect, it } from "@effect/vitest";
import {
  type FaultName,
  faultNames,
  namedFaults,
  optionsOf,
  readScenario,
  type ScenarioFault,
  seedIds,
} from "../../src/oci/index.ts";
import { type Bench, launch, refusalOf, simulated } from "./clients.ts";

const { compartmentId } = seedIds;

interface Effects {
  readonly told: string;
  /** How each instance and its work request stand long after; none when nothing was launched. */
  readonly ends?: ReadonlyArray<string>;
  readonly details?: Partial<ScenarioFault>;
}

const lost = "network: fetch failed";
const made = "RUNNING, SUCCEEDED";

const effects: Readonly<Record<FaultName, Effects>> = {
  "drop-connection": { told: lost },
  "lose-answer": { told: lost, ends: [made] },
  "tear-answer": { told: "network: terminated", ends: [made] },
  hang: { told: lost, details: { forMs: 5 } },
  delay: { told: "accepted", ends: [made], details: { forMs: 5 } },
  error: { told: "418 Teapot", details: { status: 418, code: "Teapot" } },
  "repeat-cursor": { told: "the same page again", ends: [made, made] },
  "cannot-parse": { told: "400 CannotParseRequest" },
  "invalid-parameter": { told: "400 InvalidParameter" },
  "missing-parameter": { told: "400 MissingParameter" },
  "limit-exceeded": { told: "400 LimitExceeded" },
  "quota-exceeded": { told: "400 QuotaExceeded" },
  "related-not-found": { told: "400 RelatedResourceNotAuthorizedOrNotFound" },
  "insufficient-permissions": { told: "400 InsufficientServicePermissions" },
  "resource-disabled": { told: "400 ResourceDisabled" },
  "not-authenticated": { told: "401 NotAuthenticated" },
  "not-authorized": { told: "403 NotAuthorized" },
  "not-allowed": { told: "403 NotAllowed" },
  "not-found": { told: "404 NotAuthorizedOrNotFound" },
  "wrong-path": { told: "404 NotFound" },
  "wrong-method": { told: "405 MethodNotAllowed" },
  "incorrect-state": { told: "409 IncorrectState" },
  "being-modified": { told: "409 Conflict" },
  "already-exists": { told: "409 NotAuthorizedOrResourceAlreadyExists" },
  "invalidated-token": { told: "409 InvalidatedRetryToken" },
  "etag-mismatch": { told: "412 NoEtagMatch", ends: [made] },
  throttled: { told: "429 TooManyRequests" },
  "out-of-capacity": { told: "500 InternalError" },
  "internal-error": { told: "500 InternalServerError" },
  "bad-gateway": { told: "502 None" },
  unavailable: { told: "503 ServiceUnavailable" },
  "gateway-timeout": { told: "504 None" },
  "fail-work-request": {
    told: "accepted",
    ends: ["TERMINATED, FAILED: The work request failed."],
  },
  "cancel-work-request": { told: "accepted", ends: ["TERMINATED, CANCELED"] },
  "out-of-capacity-later": {
    told: "accepted",
    ends: ["TERMINATED, FAILED: Out of host capacity."],
  },
  die: { told: "accepted", ends: ["TERMINATED, SUCCEEDED"] },
  stop: { told: "accepted", ends: ["STOPPED, SUCCEEDED"] },
};

/** Asks what the fault strikes, and answers what the caller is told. */
const ask: Readonly<Record<string, (bench: Bench) => Promise<string>>> = {
  LaunchInstance: (bench) => refusalOf(launch(bench)),
  TerminateInstance: async (bench) =>
    refusalOf(bench.compute.terminateInstance({ instanceId: await launch(bench) })),
  ListInstances: async (bench) => {
    await launch(bench, {}, "one");
    await launch(bench, {}, "another");
    const first = await bench.compute.listInstances({ compartmentId, limit: 1 });
    const page = first.opcNextPage ?? "";
    const next = await bench.compute.listInstances({ compartmentId, limit: 1, page });
    return page !== "" && next.opcNextPage === page ? "the same page again" : "another page";
  },
};

/** By then whatever ends by itself has ended. */
const longAfterMs = 120_000;

const endsOf = async ({ simulator, workRequests }: Bench): Promise<ReadonlyArray<string>> => {
  simulator.advance(longAfterMs);
  const { items } = await workRequests.listWorkRequests({ compartmentId });
  const instances = simulator.instances().map(({ lifecycleState }) => lifecycleState);
  expect(items).toHaveLength(instances.length);
  return Promise.all(
    items.map(async ({ id: workRequestId, status }, at) => {
      const errors = await workRequests.listWorkRequestErrors({ workRequestId });
      const messages = errors.items.map(({ message }) => message);
      return [`${instances[at]}, ${status}`, ...messages].join(": ");
    }),
  );
};

describe("a fault that has a name", () => {
  for (const fault of faultNames) {
    const { operations } = namedFaults[fault];
    const operation = operations === "any" ? "LaunchInstance" : operations[0]!;
    const { told, ends = [], details } = effects[fault];
    const text = JSON.stringify({ faults: [{ fault, operation, ...details }] });
    it.effect(`${fault}: ${told}`, () =>
      simulated(optionsOf(readScenario({ file: "day.yaml", text }).value!), async (bench) => {
        expect(await ask[operation]!(bench)).toBe(told);
        expect(bench.simulator.requests().at(-1)?.fault).toBeDefined();
        expect(await endsOf(bench)).toEqual(ends);
      }),
    );
  }
});
