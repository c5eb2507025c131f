// What planted faults do to a request, and what they leave behind.

import { expect, it } from "@effect/vitest";
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
