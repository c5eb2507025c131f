// Decides what the operations on images and shapes answer.

import { invalid, notFound, ok } from "./answer.ts";
import { refuseCompartment, wants } from "./compartment-query.ts";
import { answered, type Decide } from "./call.ts";
import { page } from "./paging.ts";
import { seededAt, type Image, type Shape } from "./seed.ts";

const imageView = (image: Image) => ({
  id: image.id,
  // Platform images belong to no compartment of the tenancy.
  compartmentId: null,
  displayName: image.displayName,
  operatingSystem: image.operatingSystem,
  operatingSystemVersion: image.operatingSystemVersion,
  createImageAllowed: true,
  lifecycleState: "AVAILABLE",
  launchMode: "PARAVIRTUALIZED",
  sizeInMBs: 47_694,
  timeCreated: seededAt,
});

export const getImage: Decide = (cloud, call) => {
  const image = cloud.seed.images.find((candidate) => candidate.id === call.path["imageId"]);
  return answered(image === undefined ? notFound() : ok(imageView(image)));
};

export const listImages: Decide = (cloud, call) => {
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  const { query } = call;
  const shape = query.get("shape");
  const shapeFits = shape === null || cloud.seed.shapes.some(({ name }) => name === shape);
  const images = cloud.seed.images
    .filter(
      (image) =>
        shapeFits &&
        wants(call, "displayName", image.displayName) &&
        wants(call, "operatingSystem", image.operatingSystem) &&
        wants(call, "operatingSystemVersion", image.operatingSystemVersion) &&
        wants(call, "lifecycleState", "AVAILABLE"),
    )
    .toSorted((left, right) => (left.id < right.id ? -1 : 1));
  return answered(page(images, (image) => [image.id], imageView, query, cloud.settings));
};

const shapeView = (shape: Shape) => ({
  shape: shape.name,
  ocpus: shape.ocpus,
  memoryInGBs: shape.memoryInGBs,
  isFlexible: shape.flexible !== undefined,
  isBilledForStoppedInstance: false,
  billingType: "PAID",
  ...(shape.flexible === undefined
    ? {}
    : {
        ocpuOptions: { min: shape.flexible.ocpus.min, max: shape.flexible.ocpus.max },
        memoryOptions: {
          minInGBs: shape.flexible.memory.min,
          maxInGBs: shape.flexible.memory.max,
          minPerOcpuInGBs: shape.flexible.memoryPerOcpu.min,
          maxPerOcpuInGBs: shape.flexible.memoryPerOcpu.max,
          defaultPerOcpuInGBs: shape.flexible.memoryPerOcpu.default,
        },
      }),
});

export const listShapes: Decide = (cloud, call) => {
  const refusal = refuseCompartment(cloud, call);
  if (refusal !== undefined) return answered(refusal);
  const place = call.query.get("availabilityDomain");
  if (place !== null && !cloud.seed.availabilityDomains.includes(place)) {
    return answered(invalid(`Unknown availabilityDomain ${place}`));
  }
  const shapes = cloud.seed.shapes.toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return answered(page(shapes, (shape) => [shape.name], shapeView, call.query, cloud.settings));
};
