// Decides whether a list names a compartment that the caller may see.

import { missing, notFound, type Answer } from "./answer.ts";
import type { Cloud } from "./cloud.ts";
import type { Call } from "./call.ts";
import { isKnownCompartment } from "./seed.ts";

/** The refusal of a list without a known `compartmentId`; undefined when it has one. */
export const refuseCompartment = (cloud: Cloud, call: Call): Answer | undefined => {
  const compartmentId = call.query.get("compartmentId");
  if (compartmentId === null || compartmentId === "") return missing("compartmentId");
  return isKnownCompartment(cloud.seed, compartmentId) ? undefined : notFound();
};

/** Whether the query parameter `name` is absent or exactly `value`. */
export const wants = (call: Call, name: string, value: string): boolean =>
  call.query.get(name) === null || call.query.get(name) === value;
