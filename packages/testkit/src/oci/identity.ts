// Decides what the operations on tenancy, regions, users, compartments and places answer.

import { missing, notFound, ok } from "./answer.ts";
import { refuseCompartment } from "./compartment-query.ts";
import { answered, type Decide } from "./call.ts";
import { page } from "./paging.ts";
import { seededAt, type Compartment } from "./seed.ts";

export const listAvailabilityDomains: Decide = (cloud, call) => {
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  return answered(
    ok(
      cloud.seed.availabilityDomains.map((name) => ({
        name,
        id: `ocid1.availabilitydomain.oc1..${name.slice(-1)}`,
        compartmentId: call.query.get("compartmentId"),
      })),
    ),
  );
};

export const listFaultDomains: Decide = (cloud, call) => {
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  const availabilityDomain = call.query.get("availabilityDomain");
  if (availabilityDomain === null) return answered(missing("availabilityDomain"));
  if (!cloud.seed.availabilityDomains.includes(availabilityDomain)) return answered(notFound());
  return answered(
    ok(
      cloud.seed.faultDomains.map((name) => ({
        name,
        id: `ocid1.faultdomain.oc1..${availabilityDomain.slice(-1)}${name.slice(-1)}`,
        compartmentId: call.query.get("compartmentId"),
        availabilityDomain,
      })),
    ),
  );
};

export const listRegions: Decide = (cloud) =>
  answered(ok([{ key: cloud.seed.regionKey, name: cloud.seed.region }]));

export const getTenancy: Decide = (cloud, call) =>
  answered(
    call.path["tenancyId"] !== cloud.seed.tenancyId
      ? notFound()
      : ok({
          id: cloud.seed.tenancyId,
          name: cloud.seed.tenancyName,
          description: "A simulated tenancy",
          homeRegionKey: cloud.seed.regionKey,
          freeformTags: {},
          definedTags: {},
        }),
  );

export const listRegionSubscriptions: Decide = (cloud, call) =>
  answered(
    call.path["tenancyId"] !== cloud.seed.tenancyId
      ? notFound()
      : ok([
          {
            regionKey: cloud.seed.regionKey,
            regionName: cloud.seed.region,
            status: "READY",
            isHomeRegion: true,
          },
        ]),
  );

export const getUser: Decide = (cloud, call) =>
  answered(
    call.path["userId"] !== call.account.userId
      ? notFound()
      : ok({
          id: call.account.userId,
          compartmentId: cloud.seed.tenancyId,
          name: "muster",
          description: "A simulated user",
          lifecycleState: "ACTIVE",
          isMfaActivated: false,
          timeCreated: seededAt,
        }),
  );

const compartmentView = (compartment: Compartment) => ({
  id: compartment.id,
  compartmentId: compartment.parentId,
  name: compartment.name,
  description: "A simulated compartment",
  lifecycleState: "ACTIVE",
  isAccessible: true,
  timeCreated: seededAt,
});

export const getCompartment: Decide = (cloud, call) => {
  const id = call.path["compartmentId"];
  const compartment = cloud.seed.compartments.find((candidate) => candidate.id === id);
  return answered(compartment === undefined ? notFound() : ok(compartmentView(compartment)));
};

export const listCompartments: Decide = (cloud, call) => {
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  const parentId = call.query.get("compartmentId");
  const children = cloud.seed.compartments
    .filter((compartment) => compartment.parentId === parentId)
    .toSorted((left, right) => (left.id < right.id ? -1 : 1));
  return answered(
    page(children, (child) => [child.id], compartmentView, call.query, cloud.settings),
  );
};
