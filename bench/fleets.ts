// The documents that the benchmarks read and plan: fleets as people write them, comments included.

import type { SourceText } from "@muster/core/read/read";

/** One FleetConfig with two groups; no two are alike. */
export const fleetText = (serial: number): string => `# fleet ${serial}
kind: FleetConfig
metadata:
  name: web-${serial}
spec:
  compartmentId: ocid1.compartment.oc1..muster
  imageId: ocid1.image.oc1.phx.muster
  availabilityDomain: AD-1
  shape: VM.Standard.E4.Flex
  shapeConfig:
    ocpus: 1
    memoryInGBs: 16
  subnetId: ocid1.subnet.oc1.phx.muster
  displayNamePrefix: web-${serial}
  scaling:
    parallelLaunch: 5
    parallelTerminate: 10
  freeformTags:
    team: "a"
    tier: front
  instances:
    - name: front
      count: ${serial % 100}
    - name: back
      count: 2
`;

/** So many documents in one file. */
export const oneFile = (count: number): ReadonlyArray<SourceText> => [
  { file: "all.yaml", text: texts(count).join("---\n") },
];

/** So many files of one document. */
export const manyFiles = (count: number): ReadonlyArray<SourceText> =>
  texts(count).map((text, index) => ({ file: `${index}.yaml`, text }));

const texts = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, (_, index) => fleetText(index));

/** Room for far more documents than people keep in one repository. */
export const wideLimits = { fileSize: 1 << 28, totalSize: 1 << 28, documentsPerFile: 1_000_000 };
