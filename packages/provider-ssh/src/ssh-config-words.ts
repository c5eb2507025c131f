// Decides which words of an OpenSSH configuration muster obeys, passes over, or refuses.

import { quote } from "@muster/core/words/quote";

/**
 * What a word that muster does not obey means for a host that it applies to:
 * - `error`: the host cannot be reached as the operator meant it
 * - `warning`: something that was asked for does not happen
 */
export interface Disobeyed {
  readonly severity: "error" | "warning";
  readonly message: string;
}

/** Words that are read in `ssh-config.ts`. */
export const obeyedWords = [
  "connecttimeout",
  "globalknownhostsfile",
  "hashknownhosts",
  "hostkeyalias",
  "hostname",
  "identitiesonly",
  "identityagent",
  "identityfile",
  "port",
  "proxyjump",
  "stricthostkeychecking",
  "user",
  "userknownhostsfile",
] as const;
export type ObeyedWord = (typeof obeyedWords)[number];

/** Words that mean nothing to one command without a terminal, or that muster does in its own way. */
const passedOver = new Set(
  `addkeystoagent batchmode canonicaldomains canonicalizefallbacklocal canonicalizemaxdots
  canonicalizepermittedcnames channeltimeout checkhostip clearallforwardings compression
  compressionlevel connectionattempts controlmaster controlpath controlpersist
  enableescapecommandline enablesshkeysign escapechar exitonforwardfailure fingerprinthash
  forkafterauthentication forwardx11timeout forwardx11trusted gatewayports gssapiauthentication
  gssapidelegatecredentials gssapikeyexchange gssapiclientidentity gssapiserveridentity
  gssapirenewalforcesrekey gssapitrustdns hostbasedacceptedalgorithms hostbasedauthentication
  hostbasedkeytypes ignoreunknown ipqos kbdinteractiveauthentication kbdinteractivedevices
  challengeresponseauthentication loglevel logverbose numberofpasswordprompts
  obscurekeystroketiming passwordauthentication permitremoteopen preferredauthentications
  rekeylimit requesttty sendenv serveralivecountmax serveraliveinterval sessiontype setenv
  stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tag tcpkeepalive
  updatehostkeys usekeychain visualhostkey xauthlocation refuseconnection`.split(/\s+/),
);

const never = "is never obeyed";

/** What would take effect only where its value says so. */
const unlessOff: Readonly<Record<string, Disobeyed>> = {
  proxycommand: {
    severity: "error",
    message: `ProxyCommand ${never}: reach the host by ProxyJump`,
  },
  revokedhostkeys: {
    severity: "error",
    message: "RevokedHostKeys is not supported: mark the keys @revoked in a known_hosts file",
  },
  certificatefile: { severity: "warning", message: "certificates are not supported" },
  knownhostscommand: { severity: "warning", message: `KnownHostsCommand ${never}` },
  forwardagent: { severity: "warning", message: `forwarding the agent ${never}` },
  forwardx11: { severity: "warning", message: `forwarding X11 ${never}` },
  localcommand: { severity: "warning", message: `LocalCommand ${never}` },
  permitlocalcommand: { severity: "warning", message: `LocalCommand ${never}` },
  remotecommand: { severity: "warning", message: `RemoteCommand ${never}` },
  localforward: { severity: "warning", message: `LocalForward ${never}` },
  remoteforward: { severity: "warning", message: `RemoteForward ${never}` },
  dynamicforward: { severity: "warning", message: `DynamicForward ${never}` },
  tunnel: { severity: "warning", message: `Tunnel ${never}` },
  tunneldevice: { severity: "warning", message: `TunnelDevice ${never}` },
  proxyusefdpass: { severity: "warning", message: `ProxyUseFdpass ${never}` },
  canonicalizehostname: {
    severity: "warning",
    message: "CanonicalizeHostname is not supported: write whole names",
  },
  verifyhostkeydns: {
    severity: "warning",
    message: "VerifyHostKeyDNS is not supported: keys are known from files alone",
  },
  nohostauthenticationforlocalhost: {
    severity: "warning",
    message: "host keys are always verified, those of this machine too",
  },
};

/** What would take effect whatever its value is. */
const notSupported = new Set(
  `addressfamily bindaddress bindinterface casignaturealgorithms ciphers hostkeyalgorithms
  kexalgorithms macs pkcs11provider pubkeyacceptedalgorithms pubkeyacceptedkeytypes
  pubkeyauthentication requiredrsasize securitykeyprovider smartcarddevice`.split(/\s+/),
);

const off = new Set(["no", "none", "false", "off"]);

/** Whether OpenSSH knows a word that is not obeyed here. */
export const isOpensshWord = (word: string): boolean =>
  passedOver.has(word) || Object.hasOwn(unlessOff, word) || notSupported.has(word);

/** What a word does not do that stands there for a host; nothing when there is nothing to say. */
export const disobeyed = (word: string, args: ReadonlyArray<string>): Disobeyed | null => {
  if (passedOver.has(word)) return null;
  const refused = unlessOff[word];
  if (refused !== undefined) return off.has((args[0] ?? "").toLowerCase()) ? null : refused;
  if (notSupported.has(word)) return { severity: "warning", message: `${word} is not supported` };
  return { severity: "warning", message: `${quote(word)} is not a word that muster knows` };
};
