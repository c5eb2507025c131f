// Decides what the operations on subnets, VNIC attachments and VNICs answer.

import { notFound, ok } from "./answer.ts";
import { allSeenAt, lettersOf, ocid, seenAt, type Cloud, type Seen } from "./cloud.ts";
import type { LifecycleState } from "./lifecycle.ts";
import { refuseCompartment, wants } from "./compartment-query.ts";
import { answered, type Decide } from "./call.ts";
import { page } from "./paging.ts";
import { seededAt, seedIds, type Subnet } from "./seed.ts";

const subnetView = (subnet: Subnet) => ({
  id: subnet.id,
  compartmentId: subnet.compartmentId,
  displayName: subnet.displayName,
  // Null on a regional subnet.
  availabilityDomain: subnet.availabilityDomain ?? null,
  cidrBlock: `${subnet.network}.0.0/16`,
  lifecycleState: "AVAILABLE",
  prohibitPublicIpOnVnic: false,
  prohibitInternetIngress: false,
  routeTableId: "ocid1.routetable.oc1.phx.muster",
  vcnId: seedIds.vcnId,
  virtualRouterIp: `${subnet.network}.0.1`,
  virtualRouterMac: "00:00:17:00:00:01",
  timeCreated: seededAt,
  freeformTags: {},
  definedTags: {},
});

export const getSubnet: Decide = (cloud, call) => {
  const subnet = cloud.seed.subnets.find((candidate) => candidate.id === call.path["subnetId"]);
  return answered(subnet === undefined ? notFound() : ok(subnetView(subnet)));
};

export const listSubnets: Decide = (cloud, call) => {
  const { query } = call;
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  const subnets = cloud.seed.subnets
    .filter(
      (subnet) =>
        wants(call, "compartmentId", subnet.compartmentId) &&
        wants(call, "displayName", subnet.displayName) &&
        wants(call, "vcnId", seedIds.vcnId),
    )
    .toSorted((left, right) => (left.id < right.id ? -1 : 1));
  return answered(page(subnets, (subnet) => [subnet.id], subnetView, query, cloud.settings));
};

const attachmentStates: Readonly<Record<LifecycleState, string>> = {
  PROVISIONING: "ATTACHING",
  MOVING: "ATTACHED",
  STARTING: "ATTACHED",
  RUNNING: "ATTACHED",
  STOPPING: "ATTACHED",
  STOPPED: "ATTACHED",
  CREATING_IMAGE: "ATTACHED",
  TERMINATING: "DETACHING",
  TERMINATED: "DETACHED",
};

const attachmentView = (cloud: Cloud, { instance, revision }: Seen) => ({
  id: ocid(cloud, "vnicattachment", instance.serial),
  instanceId: instance.id,
  compartmentId: instance.compartmentId,
  availabilityDomain: instance.availabilityDomain,
  subnetId: instance.subnetId,
  vnicId: ocid(cloud, "vnic", instance.serial),
  lifecycleState: attachmentStates[revision.state],
  nicIndex: 0,
  timeCreated: new Date(instance.createdAt).toISOString(),
});

export const listVnicAttachments: Decide = (cloud, call) => {
  const { query } = call;
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  const items = allSeenAt(cloud, call.now)
    .filter(
      ({ instance }) =>
        wants(call, "compartmentId", instance.compartmentId) &&
        wants(call, "instanceId", instance.id) &&
        wants(call, "availabilityDomain", instance.availabilityDomain) &&
        wants(call, "vnicId", ocid(cloud, "vnic", instance.serial)),
    )
    .toSorted((left, right) => left.instance.serial - right.instance.serial);
  return answered(
    page(
      items,
      ({ instance }) => [instance.serial],
      (seen) => attachmentView(cloud, seen),
      query,
      cloud.settings,
    ),
  );
};

/** The instance whose resource of this kind has the given OCID. */
const ownerOf = (cloud: Cloud, kind: string, id: string | undefined, now: number) => {
  for (const instance of cloud.instances.values()) {
    if (id?.endsWith(lettersOf(kind, instance.serial)) === true)
      return seenAt(cloud, instance, now);
  }
  return undefined;
};

export const getVnicAttachment: Decide = (cloud, call) => {
  const seen = ownerOf(cloud, "vnicattachment", call.path["vnicAttachmentId"], call.now);
  return answered(seen === undefined ? notFound() : ok(attachmentView(cloud, seen)));
};

export const getVnic: Decide = (cloud, call) => {
  const seen = ownerOf(cloud, "vnic", call.path["vnicId"], call.now);
  // A VNIC goes with its instance; only the attachment stays visible.
  if (seen === undefined || seen.revision.state === "TERMINATED") return answered(notFound());
  const { instance } = seen;
  return answered(
    ok({
      id: call.path["vnicId"],
      compartmentId: instance.compartmentId,
      availabilityDomain: instance.availabilityDomain,
      displayName: seen.revision.attributes.displayName,
      isPrimary: true,
      lifecycleState: seen.revision.state === "PROVISIONING" ? "PROVISIONING" : "AVAILABLE",
      macAddress: "02:00:17:00:00:02",
      privateIp: instance.privateIp,
      ...(instance.publicIp === undefined ? {} : { publicIp: instance.publicIp }),
      skipSourceDestCheck: false,
      subnetId: instance.subnetId,
      timeCreated: new Date(instance.createdAt).toISOString(),
    }),
  );
};
