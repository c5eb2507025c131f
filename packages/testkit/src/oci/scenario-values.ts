// Keeps the values that a scenario is made of: amounts with their units, texts, and places.

import * as Schema from "effect/Schema";
import { defaultSeed } from "./seed.ts";

export const whole = (minimum: number, maximum: number, unit = "") => {
  const expected = `a whole number${unit === "" ? "" : ` of ${unit}`} from ${minimum} to ${maximum}`;
  return Schema.Int.check(Schema.isBetween({ minimum, maximum }, { expected }));
};

export const dayMs = 86_400_000;
export const millis = (maximum = dayMs) => whole(0, maximum, "milliseconds");

export const text = Schema.String.check(
  Schema.isMinLength(1, { expected: "text of 1 to 1000 characters" }),
  Schema.isMaxLength(1_000, { expected: "text of 1 to 1000 characters" }),
);

/** `AD-1` of `Uocm:PHX-AD-1`. */
export const shortName = (full: string): string => full.replace(/^.*-(AD-\d+)$/u, "$1");

export const Domain = Schema.Literals([
  ...defaultSeed.availabilityDomains.map(shortName),
  ...defaultSeed.availabilityDomains,
]);
export const FaultDomain = Schema.Literals(defaultSeed.faultDomains);
