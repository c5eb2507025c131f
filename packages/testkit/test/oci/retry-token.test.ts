// What a retry token means the second time.

import { expect, it } from "@effect/vitest";
import { ad, details, launch, refusalOf, simulated, stateOf } from "./clients.ts";

it.effect("refuses tokens of a wrong length [token.length]", () =>
  simulated({}, async ({ compute, simulator }) => {
    const launchInstanceDetails = details();
    const call = (opcRetryToken: string) =>
      refusalOf(compute.launchInstance({ launchInstanceDetails, opcRetryToken }));
    expect(await call("x".repeat(65))).toBe("400 InvalidParameter");
    expect(await call("x".repeat(64))).toBe("accepted");
    expect(simulator.journal().map((entry) => entry.token)).toEqual(["x".repeat(64)]);
  }),
);

it.effect("answers the first instance for 24 hours [token.repeat]", () =>
  simulated({}, async (bench) => {
    const { compute, simulator } = bench;
    const request = { launchInstanceDetails: details(), opcRetryToken: "web-3.2" };
    const first = await compute.launchInstance(request);
    const again = await compute.launchInstance(request);
    expect(again.instance.id).toBe(first.instance.id);
    expect(again.opcWorkRequestId).toBe(first.opcWorkRequestId);
    simulator.advance(86_399_999);
    const late = await compute.launchInstance(request);
    expect(late.instance).toMatchObject({ id: first.instance.id, lifecycleState: "RUNNING" });
    expect(simulator.journal()).toHaveLength(1);
    simulator.advance(1);
    expect((await compute.launchInstance(request)).instance.id).not.toBe(first.instance.id);
    expect(simulator.journal()).toHaveLength(2);
  }),
);

it.effect("ties actions and updates to their token as well [token.repeat]", () =>
  simulated({ launchDelayMs: 0 }, async (bench) => {
    const { compute, simulator } = bench;
    const instanceId = await launch(bench);
    const stop = { instanceId, action: "STOP", opcRetryToken: "s" } as const;
    await compute.instanceAction(stop);
    await compute.instanceAction(stop);
    const rename = {
      instanceId,
      updateInstanceDetails: { displayName: "web-2" },
      opcRetryToken: "u",
    };
    await compute.updateInstance(rename);
    await compute.updateInstance(rename);
    expect(simulator.journal().map((entry) => entry.operation)).toEqual([
      "LaunchInstance",
      "InstanceAction",
      "UpdateInstance",
    ]);
  }),
);

it.effect("answers the dead instance of a used token [token.dead]", () =>
  simulated({ usedTokenOfDead: "instance", terminateDelayMs: 0 }, async (bench) => {
    const id = await launch(bench, {}, "t");
    await bench.compute.terminateInstance({ instanceId: id });
    expect(await launch(bench, {}, "t")).toBe(id);
    expect(await stateOf(bench, id)).toBe("TERMINATED");
    bench.simulator.advance(13 * 3_600_000);
    const request = { launchInstanceDetails: details(), opcRetryToken: "t" };
    expect(await refusalOf(bench.compute.launchInstance(request))).toBe(
      "409 InvalidatedRetryToken",
    );
  }),
);

it.effect("refuses the used token of a dead instance [token.dead]", () =>
  simulated({ usedTokenOfDead: "conflict" }, async (bench) => {
    const { compute, simulator } = bench;
    const request = { launchInstanceDetails: details(), opcRetryToken: "t" };
    const { instance } = await compute.launchInstance(request);
    expect(await refusalOf(compute.launchInstance(request))).toBe("accepted");
    simulator.kill(instance.id);
    expect(await refusalOf(compute.launchInstance(request))).toBe("409 InvalidatedRetryToken");
    expect(simulator.journal()).toHaveLength(1);
  }),
);

it.effect("refuses a used token with another body [token.other-body]", () =>
  simulated({}, async (bench) => {
    await launch(bench, {}, "t");
    const launchInstanceDetails = details({ availabilityDomain: ad(2) });
    const call = bench.compute.launchInstance({ launchInstanceDetails, opcRetryToken: "t" });
    expect(await refusalOf(call)).toBe("409 InvalidatedRetryToken");
    expect(bench.simulator.journal()).toHaveLength(1);
  }),
);

it.effect("does not use a token up when the launch is refused", () =>
  simulated({}, async (bench) => {
    const wrong = details({ shape: "VM.Nowhere" });
    const call = { launchInstanceDetails: wrong, opcRetryToken: "t" };
    expect(await refusalOf(bench.compute.launchInstance(call))).toBe("404 NotAuthorizedOrNotFound");
    await launch(bench, {}, "t");
    expect(bench.simulator.journal()).toHaveLength(1);
  }),
);
