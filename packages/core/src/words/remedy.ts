// Says what a person can do about each way in which a contact with a host ends without an answer.

import type { ContactReason } from "./contact.ts";

/** What a fault says by itself goes before. */
export const contactRemedies: Readonly<Record<ContactReason, string>> = {
  dns: "correct the name, or give its address by HostName in the SSH configuration",
  refused: "start sshd there, or correct the port; behind a jump host, allow forwarding on it",
  timeout: "look whether the host runs and a firewall lets us through",
  reset: "look into the host's log of sshd; with many at once, raise its MaxStartups",
  "hostkey-changed":
    "find out why before anything else; if the host was set up anew: host hostkey accept HOST --reason TEXT",
  "hostkey-unknown":
    "compare its key with what its console shows, then: host hostkey accept HOST --reason TEXT",
  certificate: "certificates are not supported: let the host show, and accept, plain keys too",
  algorithms: "update sshd on the host, or allow curve25519-sha256 and ssh-ed25519 there",
  auth: "add the public key to authorized_keys there, or name the right User and IdentityFile",
  "no-exec": "let this user run commands there: look at ForceCommand, the shell and MaxSessions",
  disconnected: "what the command did is unknown: look at the host before it is sent again",
  unreadable: "look at what answers there, and what its shell prints when it starts",
  config: "correct the SSH configuration",
};
