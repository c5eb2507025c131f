// Decides what a person is told about a contact that failed, and what can be done.

import { ContactError, type ContactReason } from "@muster/core/words/contact";
import { quote, shellWord } from "@muster/core/words/quote";
import type { KeyJudgement } from "./known-hosts.ts";
import type { SessionFault } from "./session.ts";
import type { HostSettings } from "./ssh-config.ts";

/** What can be done about each; what a fault says by itself goes before. */
const remedies: Readonly<Record<ContactReason, string>> = {
  dns: "correct the name, or give its address by HostName in the SSH configuration",
  refused: "start sshd there, or correct the port; behind a jump host, allow forwarding on it",
  timeout: "look whether the host runs and a firewall lets us through",
  reset: "look into the host's log of sshd; with many at once, raise its MaxStartups",
  "hostkey-changed":
    "find out why before anything else; if the host was set up anew, remove its old key",
  "hostkey-unknown": "compare the host's key with what its console shows, and add it",
  certificate: "certificates are not supported: let the host show, and accept, plain keys too",
  algorithms: "update sshd on the host, or allow curve25519-sha256 and ssh-ed25519 there",
  auth: "add the public key to authorized_keys there, or name the right User and IdentityFile",
  "no-exec": "let this user run commands there: look at ForceCommand, the shell and MaxSessions",
  disconnected: "what the command did is unknown: look at the host before it is sent again",
  unreadable: "look at what answers there, and what its shell prints when it starts",
  config: "correct the SSH configuration",
};

/** The error of a contact with `host`; `hop` is the host in between that failed, when one did. */
export const contactError = (
  host: string,
  hop: HostSettings | null,
  fault: SessionFault,
  remedy: string = remedies[fault.reason],
): ContactError => {
  const through = hop === null ? "" : ` (on the way, at ${quote(hop.host)})`;
  const { reason, step } = fault;
  return new ContactError({
    ...{ reason, step, host, remedy },
    message: `${quote(host)}${through}: ${fault.message}`,
  });
};

/** Why an offered key is refused; nothing for one that is known. */
export const keyFault = (
  judgement: KeyJudgement,
  shown: { readonly type: string; readonly fingerprint: string },
): SessionFault | null => {
  const key = `${shown.type} ${shown.fingerprint}`;
  const at =
    "place" in judgement ? ` (${quote(judgement.place.file)}:${judgement.place.line})` : "";
  switch (judgement.verdict) {
    case "known":
      return null;
    case "changed":
      return {
        ...{ reason: "hostkey-changed", step: "kex" },
        message: `shows another key than the known one${at}: ${key}`,
      };
    case "revoked":
      return {
        ...{ reason: "hostkey-changed", step: "kex" },
        message: `shows a key that was revoked${at}: ${key}`,
      };
    case "only-certificate-authority":
      return {
        ...{ reason: "certificate", step: "kex" },
        message: `is vouched for by a certificate authority alone${at}, and shows ${key}`,
      };
    case "unknown":
      return {
        ...{ reason: "hostkey-unknown", step: "kex" },
        message: `shows a key that nobody vouched for: ${key}`,
      };
  }
};

/** What to do about a key, with the commands that do it. */
export const keyRemedy = (
  reason: ContactReason,
  name: string,
  { hostName, port, userKnownHostsFiles }: HostSettings,
): string | undefined => {
  const file = userKnownHostsFiles[0];
  if (file === undefined) return undefined;
  if (reason === "hostkey-changed") {
    const removal = `ssh-keygen -R ${shellWord(name)} -f ${shellWord(file)}`;
    return `${remedies[reason]}: ${removal}`;
  }
  if (reason === "hostkey-unknown") {
    const scan = `ssh-keyscan -p ${port} ${shellWord(hostName)} > host.key`;
    return (
      `${scan}; compare \`ssh-keygen -lf host.key\` with what the host's console shows; then ` +
      `cat host.key >> ${shellWord(file)}`
    );
  }
  return undefined;
};
