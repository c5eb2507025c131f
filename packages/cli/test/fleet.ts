// Makes the documents of the tests, and counts what a simulator was asked for.

import type { OciSimulator } from "@muster/testkit/oci/index";
import { seedIds } from "@muster/testkit/oci/index";

export interface FleetAsked {
  readonly name?: string;
  readonly previousName?: string;
  readonly groups?: ReadonlyArray<{
    readonly name: string;
    readonly count: number;
    readonly previousName?: string;
  }>;
  readonly auth?: string;
}

/** A fleet of the seeded compartment, as YAML. */
export const fleet = (count: number, asked: FleetAsked = {}): string => {
  const groups = asked.groups ?? [{ name: "web", count }];
  return [
    "kind: FleetConfig",
    "metadata:",
    `  name: ${asked.name ?? "web"}`,
    ...(asked.previousName === undefined ? [] : [`  previousName: ${asked.previousName}`]),
    "spec:",
    `  compartmentId: ${seedIds.compartmentId}`,
    `  imageId: ${seedIds.imageId}`,
    "  availabilityDomain: AD-1",
    "  shape: VM.Standard.E4.Flex",
    "  shapeConfig: { ocpus: 1, memoryInGBs: 8 }",
    `  subnetId: ${seedIds.subnetId}`,
    "  scaling: {}",
    `  auth: ${asked.auth ?? "{ method: user, profile: DEFAULT }"}`,
    "  instances:",
    ...groups.flatMap((group) => [
      `    - name: ${group.name}`,
      `      count: ${group.count}`,
      ...(group.previousName === undefined ? [] : [`      previousName: ${group.previousName}`]),
    ]),
    "",
  ].join("\n");
};

/** How many launches, terminations and other changes were accepted. */
export const accepted = (simulator: OciSimulator) => {
  const count = (operation: string) =>
    simulator.journal().filter((entry) => entry.operation === operation).length;
  const launches = count("LaunchInstance");
  const terminations = count("TerminateInstance");
  return { launches, terminations, others: simulator.journal().length - launches - terminations };
};

/** Instances that live, by their identifiers, sorted. */
export const living = (simulator: OciSimulator): ReadonlyArray<string> =>
  simulator
    .instances()
    .filter((one) => one.lifecycleState !== "TERMINATED" && one.lifecycleState !== "TERMINATING")
    .map((one) => one.id)
    .sort();
