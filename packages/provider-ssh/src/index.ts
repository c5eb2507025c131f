// The public face of the SSH provider.

export { readKnownHostsFiles, appendKnownHost } from "./known-hosts-file.ts";
