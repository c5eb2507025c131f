// The public face of the OCI provider.

export { oci, type OciOptions } from "./plugin.ts";
export type { OperatorProfile } from "./credentials.ts";
export { marks } from "./sighting.ts";
