// What the seeded tenancy shows: places, people, images, shapes, subnets, addresses.

import { expect, it } from "@effect/vitest";
import { defaultSeed, seedIds } from "../../src/oci/index.ts";
import { ad, launch, refusalOf, simulated } from "./clients.ts";

const { compartmentId, tenancyId } = seedIds;

it.effect("names availability and fault domains [identity.places]", () =>
  simulated({}, async ({ identity }) => {
    const domains = await identity.listAvailabilityDomains({ compartmentId: tenancyId });
    expect(domains.items.map((item) => item.name)).toEqual([ad(1), ad(2), ad(3)]);
    const faults = await identity.listFaultDomains({ compartmentId, availabilityDomain: ad(2) });
    expect(faults.items.map((item) => item.name)).toEqual([
      "FAULT-DOMAIN-1",
      "FAULT-DOMAIN-2",
      "FAULT-DOMAIN-3",
    ]);
    const unknown = identity.listFaultDomains({ compartmentId, availabilityDomain: "AD-9" });
    expect(await refusalOf(unknown)).toBe("404 NotAuthorizedOrNotFound");
  }),
);

it.effect("knows its tenancy, users, regions and compartments [identity.account]", () =>
  simulated({}, async ({ identity, account }) => {
    const { tenancy } = await identity.getTenancy({ tenancyId });
    expect(tenancy).toMatchObject({ id: tenancyId, homeRegionKey: "PHX" });
    const { items: subscriptions } = await identity.listRegionSubscriptions({ tenancyId });
    expect(subscriptions).toMatchObject([{ regionName: "us-phoenix-1", status: "READY" }]);
    const { items: regions } = await identity.listRegions({});
    expect(regions).toEqual([{ key: "PHX", name: "us-phoenix-1" }]);
    const { user } = await identity.getUser({ userId: account.userId });
    expect(user.id).toBe(account.userId);
    const { items } = await identity.listCompartments({ compartmentId: tenancyId });
    expect(items.map((item) => item.id)).toEqual([compartmentId, seedIds.networkCompartmentId]);
    const { compartment } = await identity.getCompartment({ compartmentId });
    expect(compartment.name).toBe("muster");
    const gone = "404 NotAuthorizedOrNotFound";
    expect(await refusalOf(identity.getTenancy({ tenancyId: "ocid1.tenancy.oc1..x" }))).toBe(gone);
    expect(await refusalOf(identity.getUser({ userId: "ocid1.user.oc1..x" }))).toBe(gone);
  }),
);

it.effect("lists images, shapes and subnets [catalog]", () =>
  simulated({}, async ({ compute, network }) => {
    const { image } = await compute.getImage({ imageId: seedIds.imageId });
    expect(image).toMatchObject({ id: seedIds.imageId, lifecycleState: "AVAILABLE" });
    const displayName = image.displayName ?? "";
    const { items: images } = await compute.listImages({ compartmentId, displayName });
    expect(images.map((item) => item.id)).toEqual([seedIds.imageId]);
    expect((await compute.listImages({ compartmentId })).items).toHaveLength(2);
    const { items: shapes } = await compute.listShapes({ compartmentId });
    expect(shapes).toMatchObject([
      {
        shape: "VM.Standard.E4.Flex",
        isFlexible: true,
        ocpuOptions: { min: 1, max: 64 },
        memoryOptions: { minPerOcpuInGBs: 1, maxPerOcpuInGBs: 64 },
      },
      { shape: "VM.Standard2.1", isFlexible: false },
    ]);
    const { subnet } = await network.getSubnet({ subnetId: seedIds.adSubnetId });
    expect(subnet.availabilityDomain).toBe(ad(1));
    const regional = await network.getSubnet({ subnetId: seedIds.subnetId });
    expect(regional.subnet.availabilityDomain ?? null).toBe(null);
    expect((await network.listSubnets({ compartmentId })).items).toHaveLength(2);
  }),
);

it.effect("pages every list [list.paging]", () =>
  simulated({ pageSize: 1 }, async ({ compute, identity, network }) => {
    const first = await compute.listImages({ compartmentId });
    const second = await compute.listImages({ compartmentId, page: first.opcNextPage });
    expect([...first.items, ...second.items].map((item) => item.id)).toEqual([
      seedIds.imageId,
      seedIds.nextImageId,
    ]);
    expect(second.opcNextPage ?? "").toBe("");
    expect((await network.listSubnets({ compartmentId })).opcNextPage).not.toBe("");
    expect((await compute.listShapes({ compartmentId })).items).toHaveLength(1);
    const { items } = await identity.listCompartments({ compartmentId: tenancyId });
    expect(items).toHaveLength(1);
  }),
);

it.effect("gives each instance a VNIC with its addresses [network.vnic]", () =>
  simulated({}, async (bench) => {
    const { compute, network, simulator } = bench;
    const instanceId = await launch(bench, {
      createVnicDetails: { subnetId: seedIds.sharedSubnetId, assignPublicIp: false },
    });
    await launch(bench);
    const attachments = async () =>
      (await compute.listVnicAttachments({ compartmentId, instanceId })).items;
    expect(await attachments()).toMatchObject([{ instanceId, lifecycleState: "ATTACHING" }]);
    simulator.advance(2_000);
    const [attachment] = await attachments();
    expect(attachment).toMatchObject({ lifecycleState: "ATTACHED" });
    const { vnic } = await network.getVnic({ vnicId: attachment?.vnicId ?? "" });
    expect(vnic).toMatchObject({ isPrimary: true, subnetId: seedIds.sharedSubnetId });
    expect(vnic.privateIp).toMatch(/^10\.2\.\d+\.\d+$/);
    expect(vnic.publicIp).toBe(undefined);
    const read = await compute.getVnicAttachment({ vnicAttachmentId: attachment?.id ?? "" });
    expect(read.vnicAttachment.id).toBe(attachment?.id);
    simulator.kill(instanceId);
    expect(await attachments()).toMatchObject([{ lifecycleState: "DETACHED" }]);
    expect(await refusalOf(network.getVnic({ vnicId: attachment?.vnicId ?? "" }))).toBe(
      "404 NotAuthorizedOrNotFound",
    );
  }),
);

it.effect("takes another seed", () =>
  simulated(
    { seed: { ...defaultSeed, availabilityDomains: ["Abcd:PHX-AD-1"] } },
    async ({ identity }) => {
      const { items } = await identity.listAvailabilityDomains({ compartmentId });
      expect(items.map((item) => item.name)).toEqual(["Abcd:PHX-AD-1"]);
    },
  ),
);
