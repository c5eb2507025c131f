// What LaunchInstance accepts, refuses and leads to.

import { expect, it } from "@effect/vitest";
import type * as core from "oci-core";
import { outOfHostCapacity, seedIds } from "../../src/oci/index.ts";
import { ad, details, launch, refusalOf, simulated, stateOf, type Bench } from "./clients.ts";

type Details = Partial<core.models.LaunchInstanceDetails>;

const refusalOfLaunch = ({ compute }: Bench, changes: Details): Promise<string> =>
  refusalOf(compute.launchInstance({ launchInstanceDetails: details(changes) }));

const without = (name: keyof core.models.LaunchInstanceDetails): Details => {
  const { [name]: _left, ...rest } = details();
  return { ...rest, [name]: undefined as never };
};

it.effect("goes from PROVISIONING to RUNNING by the clock [launch.lifecycle]", () =>
  simulated({}, async (bench) => {
    const { compute, simulator } = bench;
    const answer = await compute.launchInstance({ launchInstanceDetails: details() });
    expect(answer.instance).toMatchObject({
      lifecycleState: "PROVISIONING",
      displayName: "web-1",
      availabilityDomain: ad(1),
      shapeConfig: { ocpus: 2, memoryInGBs: 32 },
      region: "phx",
    });
    expect(answer.etag).toMatch(/^[0-9a-f]{64}$/);
    expect(answer.opcWorkRequestId).toMatch(/^ocid1\.coreservicesworkrequest\./);
    simulator.advance(1_999);
    expect(await stateOf(bench, answer.instance.id)).toBe("PROVISIONING");
    simulator.advance(1);
    expect(await stateOf(bench, answer.instance.id)).toBe("RUNNING");
  }),
);

it.effect("may pass STARTING on its way to RUNNING", () =>
  simulated({ launchPassesStarting: true }, async (bench) => {
    const id = await launch(bench);
    bench.simulator.advance(1_000);
    expect(await stateOf(bench, id)).toBe("STARTING");
    bench.simulator.advance(1_000);
    expect(await stateOf(bench, id)).toBe("RUNNING");
  }),
);

it.effect("refuses a launch without a required field [launch.required]", () =>
  simulated({}, async (bench) => {
    const names = ["availabilityDomain", "compartmentId", "shape", "sourceDetails"] as const;
    for (const name of [...names, "createVnicDetails"] as const) {
      expect(await refusalOfLaunch(bench, without(name)), name).toBe("400 MissingParameter");
    }
    expect(bench.simulator.journal()).toEqual([]);
  }),
);

it.effect("refuses places that do not exist [launch.place]", () =>
  simulated({}, async (bench) => {
    for (const changes of [
      { availabilityDomain: "AD-1" },
      { availabilityDomain: "Xxxx:PHX-AD-1" },
      { faultDomain: "FAULT-DOMAIN-4" },
    ]) {
      expect(await refusalOfLaunch(bench, changes)).toBe("400 InvalidParameter");
    }
    const { instance } = await bench.compute.launchInstance({
      launchInstanceDetails: details({ faultDomain: "FAULT-DOMAIN-2" }),
    });
    expect(instance.faultDomain).toBe("FAULT-DOMAIN-2");
    const { instance: picked } = await bench.compute.launchInstance({
      launchInstanceDetails: details(),
    });
    expect(picked.faultDomain).toMatch(/^FAULT-DOMAIN-[123]$/);
  }),
);

it.effect("refuses an unknown shape [launch.shape]", () =>
  simulated({}, async (bench) => {
    const call = bench.compute.launchInstance({
      launchInstanceDetails: details({ shape: "VM.Nowhere" }),
    });
    await expect(call).rejects.toMatchObject({
      statusCode: 404,
      serviceCode: "NotAuthorizedOrNotFound",
      message: "shape VM.Nowhere not found",
    });
  }),
);

it.effect("wants a shapeConfig inside the limits for flexible shapes only [launch.flex]", () =>
  simulated({}, async (bench) => {
    for (const shapeConfig of [
      {},
      { ocpus: 0 },
      { ocpus: 65 },
      { ocpus: 2, memoryInGBs: 1 },
      { ocpus: 2, memoryInGBs: 129 },
    ]) {
      expect(await refusalOfLaunch(bench, { shapeConfig })).toBe("400 InvalidParameter");
    }
    expect(await refusalOfLaunch(bench, without("shapeConfig"))).toBe("400 InvalidParameter");
    expect(await refusalOfLaunch(bench, { shape: "VM.Standard2.1" })).toBe("400 InvalidParameter");
    for (const shapeConfig of [{ ocpus: 1, memoryInGBs: 64 }, { ocpus: 64 }]) {
      expect(await refusalOfLaunch(bench, { shapeConfig })).toBe("accepted");
    }
    const fixed = { ...without("shapeConfig"), shape: "VM.Standard2.1" };
    expect(await refusalOfLaunch(bench, fixed)).toBe("accepted");
  }),
);

const strangers: readonly Details[] = [
  { compartmentId: "ocid1.compartment.oc1..other" },
  { createVnicDetails: { subnetId: "ocid1.subnet.oc1.phx.other" } },
  {
    sourceDetails: {
      sourceType: "image",
      imageId: "ocid1.image.oc1.phx.other",
    },
  },
];

it.effect("refuses unknown resources in the body, in either way [launch.reference]", () =>
  simulated({}, async (bench) => {
    for (const changes of strangers) {
      expect(await refusalOfLaunch(bench, changes)).toBe(
        "400 RelatedResourceNotAuthorizedOrNotFound",
      );
    }
  }),
);

it.effect("refuses unknown resources with 404 when told so [launch.reference]", () =>
  simulated({ unknownReference: "notFound" }, async (bench) => {
    for (const changes of strangers) {
      expect(await refusalOfLaunch(bench, changes)).toBe("404 NotAuthorizedOrNotFound");
    }
  }),
);

it.effect("takes a regional subnet or one of the same domain [launch.subnet]", () =>
  simulated({}, async (bench) => {
    const bound = { createVnicDetails: { subnetId: seedIds.adSubnetId } };
    const shared = { createVnicDetails: { subnetId: seedIds.sharedSubnetId } };
    expect(await refusalOfLaunch(bench, { ...bound, availabilityDomain: ad(2) })).toBe(
      "400 InvalidParameter",
    );
    expect(await refusalOfLaunch(bench, { ...bound, availabilityDomain: ad(1) })).toBe("accepted");
    expect(await refusalOfLaunch(bench, { ...shared, availabilityDomain: ad(3) })).toBe("accepted");
  }),
);

it.effect("bounds the boot volume [launch.boot-volume]", () =>
  simulated({}, async (bench) => {
    const sized = (bootVolumeSizeInGBs: number): Details => ({
      sourceDetails: {
        sourceType: "image",
        imageId: seedIds.imageId,
        bootVolumeSizeInGBs,
      },
    });
    expect(await refusalOfLaunch(bench, sized(49))).toBe("400 InvalidParameter");
    expect(await refusalOfLaunch(bench, sized(32_769))).toBe("400 InvalidParameter");
    expect(await refusalOfLaunch(bench, sized(50))).toBe("accepted");
  }),
);

it.effect("keeps the limits of names, tags and metadata [launch.limits]", () =>
  simulated({}, async (bench) => {
    const tags = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, "v"]));
    const wrong: readonly Details[] = [
      { displayName: "x".repeat(256) },
      { freeformTags: tags(11) },
      { freeformTags: { ["k".repeat(101)]: "v" } },
      { freeformTags: { k: "v".repeat(257) } },
      { metadata: { text: "x".repeat(32_000) } },
      { metadata: { user_data: "not base64!" } },
    ];
    for (const changes of wrong) {
      expect(await refusalOfLaunch(bench, changes)).toBe("400 InvalidParameter");
    }
    const misshapen: readonly Details[] = [
      { freeformTags: { k: 1 as never } },
      { definedTags: { "ns.key": "value" as never } },
      { metadata: { k: {} as never } },
    ];
    for (const changes of misshapen) {
      expect(await refusalOfLaunch(bench, changes)).toBe("400 CannotParseRequest");
    }
    const largest: Details = {
      displayName: "x".repeat(255),
      freeformTags: { ...tags(9), ["k".repeat(100)]: "v".repeat(256) },
      definedTags: { ns: { key: "value" } },
      metadata: { user_data: Buffer.from("#!/bin/sh").toString("base64"), t: "x".repeat(31_900) },
    };
    const id = await launch(bench, largest);
    const { instance } = await bench.compute.getInstance({ instanceId: id });
    expect(instance).toMatchObject(largest);
  }),
);

it.effect("refuses launches past the service limit [launch.limit-exceeded]", () =>
  simulated({ instanceLimit: 1, terminateDelayMs: 0 }, async (bench) => {
    const id = await launch(bench);
    expect(await refusalOfLaunch(bench, {})).toBe("400 LimitExceeded");
    await bench.compute.terminateInstance({ instanceId: id });
    expect(await refusalOfLaunch(bench, {})).toBe("accepted");
  }),
);

it.effect("has no hosts left in one domain but in another [launch.capacity]", () =>
  simulated({ faults: [outOfHostCapacity({ availabilityDomain: ad(1) })] }, async (bench) => {
    const call = bench.compute.launchInstance({ launchInstanceDetails: details() });
    await expect(call).rejects.toMatchObject({
      statusCode: 500,
      serviceCode: "InternalError",
      message: "Out of host capacity.",
    });
    expect(await refusalOfLaunch(bench, { availabilityDomain: ad(2) })).toBe("accepted");
    expect(bench.simulator.journal()).toHaveLength(1);
  }),
);

it.effect("answers a repeated token although no host is left [launch.capacity]", () =>
  simulated({}, async (bench) => {
    const id = await launch(bench, {}, "token");
    const giveBack = bench.simulator.faults.add(outOfHostCapacity());
    expect(await launch(bench, {}, "token")).toBe(id);
    expect(await refusalOfLaunch(bench, {})).toBe("500 InternalError");
    giveBack();
    expect(await refusalOfLaunch(bench, {})).toBe("accepted");
  }),
);

it.effect("dies when its work request fails [launch.fails]", () =>
  simulated({}, async (bench) => {
    const { compute, simulator, workRequests } = bench;
    simulator.faults.add({
      operation: "LaunchInstance",
      nth: 1,
      answer: { workRequestFails: { code: "InternalError", message: "Out of host capacity." } },
    });
    const { instance, opcWorkRequestId } = await compute.launchInstance({
      launchInstanceDetails: details(),
    });
    expect(instance.lifecycleState).toBe("PROVISIONING");
    const errors = () => workRequests.listWorkRequestErrors({ workRequestId: opcWorkRequestId });
    expect((await errors()).items).toEqual([]);
    simulator.advance(2_000);
    expect(await stateOf(bench, instance.id)).toBe("TERMINATED");
    const { workRequest } = await workRequests.getWorkRequest({ workRequestId: opcWorkRequestId });
    expect(workRequest.status).toBe("FAILED");
    expect((await errors()).items).toMatchObject([
      { code: "InternalError", message: "Out of host capacity." },
    ]);
    expect(simulator.journal()).toHaveLength(1);
  }),
);
