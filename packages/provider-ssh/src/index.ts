// The public face of the SSH provider.

export { readKnownHostsFiles, appendKnownHost } from "./known-hosts-file.ts";
export { ownSurroundings, readSshConfig } from "./ssh-config-file.ts";
