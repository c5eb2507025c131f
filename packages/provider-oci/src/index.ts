// The public face of the OCI provider.

export { oci, validateAuth, type OciOptions } from "./plugin.ts";
export type { AuthDetails, AuthFinding, AuthReport, AuthSubject } from "./auth-report.ts";
export type { OperatorProfile } from "./credentials.ts";
export { marks } from "./sighting.ts";
