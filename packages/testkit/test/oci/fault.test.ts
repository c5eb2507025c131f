// What planted faults do to a request, and what they leave behind.

import { expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { makeFaultTable } from "../../src/oci/faults.ts";
import { seedIds } from "../../src/oci/index.ts";
import { ad, details, launch, refusalOf, simulated } from "./clients.ts";

const { compartmentId } = seedIds;
const failed = "network: fetch failed";

it.effect("cuts the connection after the launch was accepted", () =>
  simulated({ faults: [{ operation: "LaunchInstance", nth: 2, answer: "cut" }] }, async (bench) => {
    const { simulator } = bench;
    await launch(bench, {}, "first");
    expect(await refusalOf(launch(bench, {}, "second"))).toBe(failed);
    expect(simulator.journal().map((entry) => entry.token)).toEqual(["first", "second"]);
    expect(simulator.requests().at(-1)).toMatchObject({ status: 0, fault: "cut" });
    expect(await launch(bench, {}, "second")).toBe(simulator.journal()[1]?.instanceId);
    expect(simulator.journal()).toHaveLength(2);
  }),
);

it.effect("drops the connection before anything was accepted", () =>
  simulated(
    { faults: [{ operation: "LaunchInstance", nth: 1, answer: "drop" }] },
    async (bench) => {
      const { simulator } = bench;
      expect(await refusalOf(launch(bench, {}, "t"))).toBe(failed);
      expect(simulator.journal()).toEqual([]);
      expect(simulator.instances()).toEqual([]);
      await launch(bench, {}, "t");
      expect(simulator.journal()).toHaveLength(1);
    },
  ),
);

it.effect("tears the answer in the middle of its body", () =>
  simulated(
    { faults: [{ operation: "LaunchInstance", nth: 1, answer: "tear" }] },
    async (bench) => {
      const call = bench.compute.launchInstance({ launchInstanceDetails: details() });
      await expect(call).rejects.toThrow(TypeError);
      expect(bench.simulator.journal()).toHaveLength(1);
    },
  ),
);

it.effect("hangs for a bounded time, with or without accepting", () =>
  simulated({}, async (bench) => {
    const { simulator } = bench;
    simulator.faults.add({ operation: "LaunchInstance", nth: 1, answer: { hangMs: 20 } });
    expect(await refusalOf(launch(bench))).toBe(failed);
    expect(simulator.journal()).toEqual([]);
    const answer = { hangMs: 20, accepted: true };
    simulator.faults.set([{ operation: "LaunchInstance", nth: 1, answer }]);
    expect(await refusalOf(launch(bench))).toBe(failed);
    expect(simulator.journal()).toHaveLength(1);
    simulator.faults.set([{ operation: "LaunchInstance", answer: { delayMs: 20 } }]);
    expect(await refusalOf(launch(bench))).toBe("accepted");
  }),
);

it.effect("answers an error at arrival, or although the change was made", () =>
  simulated({}, async (bench) => {
    const { simulator } = bench;
    const error = { status: 503, code: "ServiceUnavailable", message: "later" };
    simulator.faults.set([{ operation: "LaunchInstance", nth: 1, answer: error }]);
    expect(await refusalOf(launch(bench))).toBe("503 ServiceUnavailable");
    expect(simulator.journal()).toEqual([]);
    const late = { ...error, when: "departure" } as const;
    simulator.faults.set([{ operation: "LaunchInstance", nth: 1, answer: late }]);
    expect(await refusalOf(launch(bench, {}, "t"))).toBe("503 ServiceUnavailable");
    expect(simulator.journal()).toHaveLength(1);
    expect(await launch(bench, {}, "t")).toBe(simulator.journal()[0]?.instanceId);
  }),
);

it.effect("strikes every nth request that fits, of any operation or one place", () =>
  simulated({}, async (bench) => {
    const { compute, simulator } = bench;
    const answer = { status: 500, code: "InternalServerError", message: "no" };
    const list = () => refusalOf(compute.listInstances({ compartmentId }));
    simulator.faults.set([{ operation: "*", every: 2, answer }]);
    const found = [await list(), await list(), await list(), await list()];
    expect(found).toEqual([
      "accepted",
      "500 InternalServerError",
      "accepted",
      "500 InternalServerError",
    ]);
    const faultDomain = "FAULT-DOMAIN-2";
    const availabilityDomain = ad(1);
    simulator.faults.set([
      { operation: "LaunchInstance", availabilityDomain, faultDomain, answer },
    ]);
    expect(await refusalOf(launch(bench, { faultDomain }))).toBe("500 InternalServerError");
    expect(await refusalOf(launch(bench, { faultDomain: "FAULT-DOMAIN-1" }))).toBe("accepted");
    expect(await refusalOf(launch(bench))).toBe("accepted");
    simulator.faults.clear();
    expect(await refusalOf(launch(bench, { faultDomain }))).toBe("accepted");
  }),
);

it.effect("fails a termination, so that the instance lives on", () =>
  simulated({}, async (bench) => {
    const { compute, simulator } = bench;
    const instanceId = await launch(bench);
    simulator.advance(2_000);
    const workRequestFails = { code: "InternalError", message: "stuck" };
    simulator.faults.add({ operation: "TerminateInstance", nth: 1, answer: { workRequestFails } });
    await compute.terminateInstance({ instanceId });
    simulator.advance(1_000);
    expect((await compute.getInstance({ instanceId })).instance.lifecycleState).toBe("RUNNING");
  }),
);

it.effect("answers a page of HTML, as a gateway does [error.html]", () =>
  simulated({}, async (bench) => {
    const { simulator } = bench;
    const answer = { status: 502, html: "<html><h1>Bad Gateway</h1></html>" };
    simulator.faults.set([{ operation: "GetInstance", nth: 1, answer }]);
    const raw = await refusalOf(bench.compute.getInstance({ instanceId: "ocid1.instance.x" }));
    expect(raw).toBe("502 None");
    expect(simulator.requests().at(-1)).toMatchObject({ status: 502, fault: "502 HTML" });
  }),
);

it.effect("names a page as its own next one", () =>
  simulated({ pageSize: 1 }, async (bench) => {
    await launch(bench, {}, "a");
    await launch(bench, {}, "b");
    bench.simulator.faults.set([{ operation: "ListInstances", answer: "repeatCursor" }]);
    const first = await bench.compute.listInstances({ compartmentId });
    const page = first.opcNextPage ?? "";
    expect(page).not.toBe("");
    const second = await bench.compute.listInstances({ compartmentId, page });
    expect(second.items).toHaveLength(1);
    expect(second.opcNextPage).toBe(page);
  }),
);

it.effect("strikes later pages only, for a time only, and so often only", () =>
  simulated({ pageSize: 1 }, async (bench) => {
    const { compute, simulator } = bench;
    await launch(bench, {}, "a");
    await launch(bench, {}, "b");
    const answer = { status: 503, code: "ServiceUnavailable", message: "no" };
    const list = (page?: string) =>
      refusalOf(compute.listInstances({ compartmentId, ...(page === undefined ? {} : { page }) }));
    const { opcNextPage } = await compute.listInstances({ compartmentId });
    simulator.faults.set([{ operation: "ListInstances", laterPages: true, answer }]);
    expect([await list(), await list(opcNextPage)]).toEqual(["accepted", "503 ServiceUnavailable"]);
    simulator.faults.set([{ operation: "ListInstances", fromMs: 1_000, untilMs: 2_000, answer }]);
    const told = [await list()];
    for (const ms of [1_000, 1_000]) {
      simulator.advance(ms);
      told.push(await list());
    }
    expect(told).toEqual(["accepted", "503 ServiceUnavailable", "accepted"]);
    simulator.faults.set([{ operation: "ListInstances", times: 1, answer }]);
    expect([await list(), await list()]).toEqual(["503 ServiceUnavailable", "accepted"]);
  }),
);

it.effect("draws from its seed: the same day each time, another with another seed", () =>
  Effect.sync(() => {
    const days = [1, 1, 2].map((seed) => {
      const rule = { operation: "*", probability: 0.3, answer: "drop" } as const;
      const table = makeFaultTable([rule], seed);
      return Array.from({ length: 200 }, () =>
        table.strike("arrival", { operation: "GetInstance" }) === undefined ? 0 : 1,
      );
    });
    expect(days[1]).toEqual(days[0]);
    expect(days[2]).not.toEqual(days[0]);
    const struck = (days[0] ?? []).reduce<number>((sum, one) => sum + one, 0);
    expect(struck).toBeGreaterThan(30);
    expect(struck).toBeLessThan(90);
  }),
);

it.effect("lets an instance die or stop by itself a while after it began to run", () =>
  simulated({ launchDelayMs: 1_000 }, async (bench) => {
    const { compute, simulator } = bench;
    const stateOf = async (instanceId: string) =>
      (await compute.getInstance({ instanceId })).instance.lifecycleState;
    simulator.faults.set([
      { operation: "LaunchInstance", nth: 1, answer: { dies: { afterMs: 5_000 } } },
      {
        operation: "LaunchInstance",
        nth: 2,
        answer: { dies: { afterMs: 5_000, becomes: "STOPPED" } },
      },
    ]);
    const dying = await launch(bench, {}, "a");
    const stopping = await launch(bench, {}, "b");
    simulator.advance(5_999);
    expect([await stateOf(dying), await stateOf(stopping)]).toEqual(["RUNNING", "RUNNING"]);
    simulator.advance(1);
    expect([await stateOf(dying), await stateOf(stopping)]).toEqual(["TERMINATED", "STOPPED"]);
    const foreign = simulator.addForeign({ diesAfterMs: 100 });
    expect(await stateOf(foreign.id)).toBe("RUNNING");
    simulator.advance(100);
    expect(await stateOf(foreign.id)).toBe("TERMINATED");
  }),
);

it.effect("cancels a work request [work-request.canceled]", () =>
  simulated({}, async (bench) => {
    const { compute, simulator, workRequests } = bench;
    const answer = { workRequestCanceled: true } as const;
    simulator.faults.add({ operation: "LaunchInstance", answer });
    const launched = await compute.launchInstance({ launchInstanceDetails: details() });
    simulator.advance(2_000);
    const instanceId = launched.instance.id;
    expect((await compute.getInstance({ instanceId })).instance.lifecycleState).toBe("TERMINATED");
    const workRequestId = launched.opcWorkRequestId;
    const { workRequest } = await workRequests.getWorkRequest({ workRequestId });
    expect(workRequest.status).toBe("CANCELED");
    const { items } = await workRequests.listWorkRequestErrors({ workRequestId });
    expect(items).toEqual([]);
  }),
);

it.effect("forbids work requests, as a policy can [work-request.forbidden]", () =>
  simulated({ workRequests: "forbidden" }, async (bench) => {
    const { compute, workRequests } = bench;
    const launched = await compute.launchInstance({ launchInstanceDetails: details() });
    const workRequestId = launched.opcWorkRequestId;
    const forbidden = "404 NotAuthorizedOrNotFound";
    expect(await refusalOf(workRequests.getWorkRequest({ workRequestId }))).toBe(forbidden);
    expect(await refusalOf(workRequests.listWorkRequestErrors({ workRequestId }))).toBe(forbidden);
    expect(await refusalOf(workRequests.listWorkRequestLogs({ workRequestId }))).toBe(forbidden);
    expect(await refusalOf(workRequests.listWorkRequests({ compartmentId }))).toBe(forbidden);
  }),
);
