// Decides what a fleet asks for: one set of instances per group.

import type { Document } from "@muster/core/words/document";
import { parseDuration } from "@muster/core/words/duration";
import type { JsonObject } from "@muster/core/words/json";
import {
  type Expansion,
  type HealthQuestion,
  type ReplacePolicy,
  serially,
  type SetResource,
} from "@muster/core/words/set";
import { shapeOf } from "./shape.ts";
import type { FleetSpec, Group } from "./spec.ts";

export const instancesResource = "oci.instances";

/** Every member of a group is made from the same template; the count is not part of it. */
export const expandFleet = (document: Document<FleetSpec>): Expansion => {
  const { kind, name, previousName, spec } = document;
  const { suspend, restart, placement } = spec;
  const replace = replaceOf(spec);
  const health = healthOf(spec);
  const address = { kind, name };
  return {
    document: address,
    ...(previousName === undefined ? {} : { previousName }),
    resource: instancesResource,
    sets: spec.instances.map((group): SetResource => ({
      resource: instancesResource,
      document: address,
      name: group.name,
      count: group.count,
      template: templateOf(spec, group),
      ...(group.previousName === undefined ? {} : { previousName: group.previousName }),
    })),
    scope: {
      compartmentId: spec.compartmentId,
      auth: { ...spec.auth },
      // Where members go is no part of what they are: a place more makes none of them drift.
      ...(placement === undefined ? {} : { placement: { ...placement } }),
    },
    parallel: { create: spec.scaling.parallelLaunch, remove: spec.scaling.parallelTerminate },
    ...(replace === undefined ? {} : { replace }),
    ...(restart === undefined ? {} : { restart }),
    ...(health === undefined ? {} : { health }),
    ...(suspend === undefined ? {} : { suspend: { ...suspend } }),
  };
};

const replaceOf = ({ rollingRestart, updatePolicy }: FleetSpec): ReplacePolicy | undefined => {
  if (rollingRestart === undefined && updatePolicy === undefined) return undefined;
  const onDrift = updatePolicy === "Rolling";
  if (rollingRestart === undefined) return { ...serially, onDrift };
  const { maxSurge, pause } = rollingRestart;
  const maxUnavailable = rollingRestart.maxUnavailable ?? (maxSurge > 0 ? 0 : 1);
  return { maxUnavailable, maxSurge, pauseMillis: millisOf(pause), onDrift };
};

const healthOf = ({ health }: FleetSpec): HealthQuestion | undefined => {
  if (health === undefined) return undefined;
  const { patience, tcp, http } = health;
  const probe: JsonObject = {
    ...(tcp === undefined ? {} : { tcp: { ...tcp } }),
    ...(http === undefined ? {} : { http: { ...http } }),
  };
  return { probe, patienceMillis: millisOf(patience) };
};

/** The schema lets nothing through that is no duration. */
const millisOf = (duration: string): number => parseDuration(duration) ?? 0;

const templateOf = (spec: FleetSpec, group: Group): JsonObject => {
  const subnetId = group.subnetId ?? spec.subnetId;
  const { shape, shapeConfig } = shapeOf(spec, group);
  const { displayNamePrefix, metadata } = spec;
  return {
    imageId: spec.imageId,
    shape,
    ...(shapeConfig === undefined ? {} : { shapeConfig: { ...shapeConfig } }),
    ...(subnetId === undefined ? {} : { subnetId }),
    availabilityDomain: spec.availabilityDomain,
    ...(displayNamePrefix === undefined ? {} : { displayNamePrefix }),
    freeformTags: spec.freeformTags,
    definedTags: spec.definedTags,
    ...(metadata === undefined ? {} : { metadata }),
  };
};
