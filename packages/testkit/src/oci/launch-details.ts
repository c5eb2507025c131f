// Decides whether a LaunchInstance body is valid, and what it asks for.

import { cannotParse, invalid, missing, notFound, refuse, type Answer } from "./answer.ts";
import type { CloudSettings } from "./cloud.ts";
import type { Attributes } from "./lifecycle.ts";
import { isKnownCompartment, type Seed, type Shape, type Subnet } from "./seed.ts";
import { checkAttributes, isFields, type Fields } from "./tags.ts";

/** A launch that may be carried out. */
export interface Launch {
  readonly compartmentId: string;
  readonly availabilityDomain: string;
  /** Absent: the service picks one. */
  readonly faultDomain?: string;
  readonly shape: string;
  readonly shapeConfig: { readonly ocpus: number; readonly memoryInGBs: number };
  readonly imageId: string;
  readonly bootVolumeSizeInGBs?: number;
  readonly subnet: Subnet;
  readonly wantsPublicIp: boolean;
  /** Absent: the service makes one up. */
  readonly displayName?: string;
  readonly attributes: Omit<Attributes, "displayName">;
}

export type LaunchVerdict = { readonly launch: Launch } | { readonly refusal: Answer };

const bootVolumeGBs = { min: 50, max: 32_768 };

/** Reads the body of a LaunchInstance; the first fault found is the refusal. */
export const readLaunch = (
  body: unknown,
  seed: Seed,
  settings: Pick<CloudSettings, "unknownReference">,
): LaunchVerdict => {
  if (!isFields(body)) return refusal(cannotParse("The request body must be a JSON object."));
  const fault =
    checkRequired(body) ?? checkPlace(body, seed) ?? checkAttributes(body) ?? checkSource(body);
  if (fault !== undefined) return refusal(fault);

  const compartmentId = String(body["compartmentId"]);
  if (!isKnownCompartment(seed, compartmentId)) return refusal(unknown(settings));

  const shape = seed.shapes.find((candidate) => candidate.name === body["shape"]);
  if (shape === undefined) return refusal(notFound(`shape ${String(body["shape"])} not found`));
  const shapeConfig = readShapeConfig(shape, body["shapeConfig"]);
  if ("refusal" in shapeConfig) return shapeConfig;

  const imageId = String(imageIdOf(body));
  if (!seed.images.some((image) => image.id === imageId)) return refusal(unknown(settings));

  const subnet = seed.subnets.find((candidate) => candidate.id === subnetIdOf(body));
  if (subnet === undefined) return refusal(unknown(settings));
  const availabilityDomain = String(body["availabilityDomain"]);
  if (subnet.availabilityDomain !== undefined && subnet.availabilityDomain !== availabilityDomain) {
    return refusal(invalid(`Subnet ${subnet.id} is not in ${availabilityDomain}`));
  }

  return {
    launch: {
      compartmentId,
      availabilityDomain,
      shape: shape.name,
      shapeConfig: shapeConfig.value,
      imageId,
      subnet,
      wantsPublicIp: fieldsIn(body, "createVnicDetails")["assignPublicIp"] !== false,
      attributes: {
        freeformTags: (body["freeformTags"] ?? {}) as Attributes["freeformTags"],
        definedTags: (body["definedTags"] ?? {}) as Attributes["definedTags"],
        metadata: (body["metadata"] ?? {}) as Attributes["metadata"],
      },
      ...textIn(body, "faultDomain"),
      ...textIn(body, "displayName"),
      ...numberIn(fieldsIn(body, "sourceDetails"), "bootVolumeSizeInGBs"),
    },
  };
};

const refusal = (answer: Answer) => ({ refusal: answer }) as const;

const unknown = (settings: Pick<CloudSettings, "unknownReference">): Answer =>
  settings.unknownReference === "notFound"
    ? notFound()
    : refuse(
        400,
        "RelatedResourceNotAuthorizedOrNotFound",
        "A resource specified in the body of the request was not found, or you do not have " +
          "authorization to access that resource.",
      );

const fieldsIn = (body: Fields, name: string): Fields => {
  const value = body[name];
  return isFields(value) ? value : {};
};

const textIn = <Name extends string>(
  body: Fields,
  name: Name,
): { readonly [key in Name]?: string } => {
  const value = body[name];
  return (typeof value === "string" ? { [name]: value } : {}) as {
    readonly [key in Name]?: string;
  };
};

const numberIn = <Name extends string>(
  body: Fields,
  name: Name,
): { readonly [key in Name]?: number } => {
  const value = body[name];
  return (typeof value === "number" ? { [name]: value } : {}) as {
    readonly [key in Name]?: number;
  };
};

const imageIdOf = (body: Fields): unknown =>
  fieldsIn(body, "sourceDetails")["imageId"] ?? body["imageId"];

const subnetIdOf = (body: Fields): unknown =>
  fieldsIn(body, "createVnicDetails")["subnetId"] ?? body["subnetId"];

const checkRequired = (body: Fields): Answer | undefined => {
  const required: ReadonlyArray<readonly [string, unknown]> = [
    ["availabilityDomain", body["availabilityDomain"]],
    ["compartmentId", body["compartmentId"]],
    ["shape", body["shape"]],
    ["sourceDetails.imageId", imageIdOf(body)],
    ["createVnicDetails.subnetId", subnetIdOf(body)],
  ];
  for (const [name, value] of required) {
    if (value === undefined || value === null || value === "") return missing(name);
    if (typeof value !== "string") return cannotParse(`${name} must be a string`);
  }
  return undefined;
};

const checkPlace = (body: Fields, seed: Seed): Answer | undefined => {
  const availabilityDomain = String(body["availabilityDomain"]);
  if (!seed.availabilityDomains.includes(availabilityDomain)) {
    return invalid(`Unknown availabilityDomain ${availabilityDomain}`);
  }
  const faultDomain = body["faultDomain"];
  if (faultDomain === undefined || faultDomain === null) return undefined;
  return typeof faultDomain === "string" && seed.faultDomains.includes(faultDomain)
    ? undefined
    : invalid(`Unknown faultDomain ${JSON.stringify(faultDomain)}`);
};

const checkSource = (body: Fields): Answer | undefined => {
  const source = fieldsIn(body, "sourceDetails");
  if (body["sourceDetails"] !== undefined && source["sourceType"] !== "image") {
    return invalid("sourceDetails.sourceType must be image");
  }
  const size = source["bootVolumeSizeInGBs"];
  if (size === undefined || size === null) return undefined;
  return isBetween(size, bootVolumeGBs.min, bootVolumeGBs.max) && Number.isInteger(size)
    ? undefined
    : invalid(`bootVolumeSizeInGBs must be ${bootVolumeGBs.min} to ${bootVolumeGBs.max}`);
};

const isBetween = (value: unknown, min: number, max: number): value is number =>
  typeof value === "number" && value >= min && value <= max;

const readShapeConfig = (
  shape: Shape,
  config: unknown,
): { readonly value: Launch["shapeConfig"] } | { readonly refusal: Answer } => {
  const { flexible } = shape;
  if (flexible === undefined) {
    return config === undefined || config === null
      ? { value: { ocpus: shape.ocpus, memoryInGBs: shape.memoryInGBs } }
      : refusal(invalid(`shapeConfig is not allowed for the shape ${shape.name}`));
  }
  if (!isFields(config) || config["ocpus"] === undefined) {
    return refusal(invalid(`shapeConfig.ocpus is required for the shape ${shape.name}`));
  }
  const ocpus = config["ocpus"];
  if (!isBetween(ocpus, flexible.ocpus.min, flexible.ocpus.max)) {
    return refusal(invalid(`ocpus must be ${flexible.ocpus.min} to ${flexible.ocpus.max}`));
  }
  const least = Math.max(flexible.memory.min, ocpus * flexible.memoryPerOcpu.min);
  const most = Math.min(flexible.memory.max, ocpus * flexible.memoryPerOcpu.max);
  const memoryInGBs =
    config["memoryInGBs"] ?? Math.min(most, ocpus * flexible.memoryPerOcpu.default);
  return isBetween(memoryInGBs, least, most)
    ? { value: { ocpus, memoryInGBs } }
    : refusal(invalid(`memoryInGBs must be ${least} to ${most} with ${ocpus} ocpus`));
};
