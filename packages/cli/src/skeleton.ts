// Keeps the texts of a new config repository.

import type { JsonObject } from "@muster/core";

const fleet = `# A fleet of OCI compute instances. All fields: muster schema
# yaml-language-server: $schema=../.muster/schema.json
kind: FleetConfig
metadata:
  name: web
spec:
  compartmentId: ocid1.compartment.oc1..replace-me
  imageId: ocid1.image.oc1.phx.replace-me
  availabilityDomain: AD-1        # a suffix or the full name
  shape: VM.Standard.E4.Flex
  shapeConfig:                    # required by Flex shapes
    ocpus: 1
    memoryInGBs: 8
  subnetId: ocid1.subnet.oc1.phx.replace-me
  scaling:                        # how many are launched and removed at a time
    parallelLaunch: 5
    parallelTerminate: 10
  auth:
    method: user                  # a profile of the OCI config file; instance: the machine's own
    profile: DEFAULT
  freeformTags:
    team: web
  instances:
    - name: web
      count: 3                    # change this number in a pull request
`;

const readme = `# Fleets

This repository says which fleets there shall be. muster reads it, makes it so, and writes what it
found and did to the branches \`muster/status/<env>\` and \`muster/audit/<env>\`.

- Change a \`count\` in a pull request and merge it: that number is the consent to launch or remove.
- A document or group that is deleted destroys nothing: its members become orphans, and stay.
- Rename with \`metadata.previousName\` (or \`instances[].previousName\`): members move along.

Check before you push: \`muster validate .\`
`;

const ignore = `# what muster keeps on a machine never belongs into git
*.state.json
*.state.db*
*.plan
plan.json
node_modules/
.DS_Store
`;

/** Paths within the repository and what stands in them. */
export const skeleton = (schema: JsonObject): ReadonlyMap<string, string> =>
  new Map([
    ["fleets/web.yaml", fleet],
    [".muster/schema.json", `${JSON.stringify(schema, null, 2)}\n`],
    ["README.md", readme],
    [".gitignore", ignore],
  ]);
