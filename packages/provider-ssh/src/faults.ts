// Decides what a person is told about a contact that failed, and what can be done.

import { ContactError, type ContactReason } from "@muster/core/words/contact";
import { quote, shellWord } from "@muster/core/words/quote";
import { contactRemedies } from "@muster/core/words/remedy";
import type { KeyJudgement } from "./known-hosts.ts";
import type { SessionFault } from "./session.ts";
import type { HostSettings } from "./ssh-config.ts";

/** The error of a contact with `host`; `hop` is the host in between that failed, when one did. */
export const contactError = (
  host: string,
  hop: HostSettings | null,
  fault: SessionFault,
  remedy: string = contactRemedies[fault.reason],
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
    return `find out why before anything else; if the host was set up anew, remove its old key: ${removal}`;
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
