// The public face of the SSH provider.

export {
  makeContacts,
  type Contact,
  type ContactOptions,
  type Contacts,
  type ShownKey,
} from "./connect.ts";
export { layerHostKeys } from "./host-keys.ts";
export type { AskPassPhrase } from "./identity.ts";
export { readKnownHostsFiles, appendKnownHost } from "./known-hosts-file.ts";
export { probe, type ProbedHost, type ProbeOptions } from "./probe.ts";
export { layerProber, type ProberOptions } from "./prober.ts";
export { layerSender } from "./sender.ts";
export { Ssh, type PoolOptions, type SshShape } from "./pool.ts";
export type { Deadlines, ExecRequest } from "./session.ts";
export { ownSurroundings, readSshConfig } from "./ssh-config-file.ts";
