// Decides what a failed git process means, from its words: git has no other way to say it.
// The words are those of LC_ALL=C. A word not known here only costs precision, never safety.

import type { GitReason } from "./error.ts";
import { quoteOutside } from "./redact.ts";

export interface Meaning {
  readonly reason: GitReason;
  readonly remedy: string;
}

/** Where a sentence of a failure was heard, for its remedy. */
export interface Heard {
  /** Whether the process spoke to the remote. */
  readonly remote: boolean;
  /** The file of ssh host keys. */
  readonly knownHosts: string;
}

const fsck = "run `git fsck --strict` on the repository and repair what it names";

const meanings: ReadonlyArray<readonly [RegExp, GitReason, string]> = [
  [/transport '.*' not allowed/, "Unsupported", "use an https or ssh address or a local path"],
  [
    /died of signal 25|File too large|[Ff]ile size limit exceeded/,
    "TooLarge",
    "what muster reads belongs into a smaller repository: take large files and unneeded history out of it",
  ],
  [
    /UNPROTECTED PRIVATE KEY FILE/,
    "Denied",
    "ssh ignores a key that others can read: chmod 600 the file that MUSTER_GIT_SSH_KEY (--ssh-key) names",
  ],
  [
    /no such identity|Permission denied \((?:publickey|[a-z,-]*)\)|Too many authentication failures/,
    "Denied",
    "register the public key at the server, and name the private one by MUSTER_GIT_SSH_KEY (--ssh-key) or load it into the ssh-agent of SSH_AUTH_SOCK",
  ],
  [
    /no matching (?:host key type|key exchange method|cipher|MAC) found/,
    "Unsupported",
    "the ssh server only offers what this machine's OpenSSH refuses: renew the server",
  ],
  [
    /git-(?:upload|receive)-pack: (?:command )?not found/,
    "Unsupported",
    "install git for the account at the ssh server, on the PATH of its shell",
  ],
  [
    /[Cc]onnection timed out|Operation timed out|Operation too slow|Timeout, server .* not responding|Failed to connect .* after .* Timeout/,
    "TimedOut",
    "check the network, the firewall and the server; muster tries again",
  ],
  [
    /Connection refused/,
    "Unreachable",
    "nobody listens there: check the host, the port and the server; muster tries again",
  ],
  [
    /dumb http transport does not support|does not support (?:shallow|--(?:depth|deepen|filter))|not support shallow|Server does not allow request for unadvertised object/,
    "Unsupported",
    "use a git server that speaks protocol version 2",
  ],
  [
    /receiving end does not support --atomic/,
    "NoAtomicPush",
    "muster moves its branches together or not at all: use a git server with atomic pushes (git 2.4 or newer, receive.advertiseAtomic not off)",
  ],
  [
    /mismatched algorithms|unknown object format|object format/i,
    "Unsupported",
    "muster reads SHA-1 repositories only",
  ],
  [
    /fsck error|bad object|hash mismatch|inflate|invalid (?:tree|commit|tag|mode)|(?:object|pack(?:file)?) .*(?:corrupt|does not match)|pack has bad object|did not send all necessary objects|missing necessary objects|not our ref/i,
    "Corrupt",
    fsck,
  ],
  [
    /early EOF|unexpected disconnect|bytes of body are still expected|RPC failed; curl (?:18|56)|unexpectedly closed|broken pipe/i,
    "Unreachable",
    `the answer broke off: check the network and the server's log; muster tries again. When it stays so, ${fsck}`,
  ],
  [
    /invalid index-pack|index-pack failed|unpack-objects failed|bad line length|protocol error|bad pack header|premature end of pack|corrupt/i,
    "Corrupt",
    fsck,
  ],
  [
    /dubious ownership/,
    "Denied",
    "run muster as the owner of the repository's folder, or serve it over https",
  ],
  [
    /could not read Username|terminal prompts disabled/,
    "Denied",
    "set MUSTER_GIT_TOKEN to a token that may read the repository (and write to muster/*)",
  ],
  [
    /Authentication failed|HTTP Basic: Access denied|error: 40[13]\b|[Pp]ermission (?:to .* )?denied|not permitted/,
    "Denied",
    "check that MUSTER_GIT_TOKEN is valid and may read the repository (and write to muster/*)",
  ],
  [
    /unable to update url base from redirection|error: 30\d\b/,
    "Denied",
    "the repository has moved and redirects are not followed with a token: name its present address",
  ],
  [
    /does not appear to be a git repository|[Rr]epository (?:'.*' )?not found|not a git repository|error: 404\b|does not exist/,
    "RepositoryMissing",
    "check the address of the repository, and that the token or key may see it",
  ],
  [/couldn't find remote ref/, "BranchMissing", "check the name of the branch"],
  [/No space left on device|Disk quota exceeded/, "TooLarge", "free some space and try again"],
  [
    /certificate|SSL|TLS/,
    "Denied",
    "check the server's certificate, and name your certificate authority's file if it is a private one",
  ],
];

/** The meaning of what a git process wrote before it failed. */
export const classify = (stderr: string, heard: Heard): Meaning => {
  if (heard.remote && /host key|HOST (?:KEY|IDENTIFICATION)/i.test(stderr)) {
    const meaning = hostKeyMeaning(stderr, heard.knownHosts);
    if (meaning !== undefined) return meaning;
  }
  for (const [pattern, reason, remedy] of meanings) {
    if (pattern.test(stderr)) return { reason, remedy };
  }
  return heard.remote
    ? { reason: "Unreachable", remedy: "check the network and the address; muster tries again" }
    : {
        reason: "Corrupt",
        remedy: "stop muster and delete its copy of the repository; it is fetched anew",
      };
};

const hostKeyMeaning = (stderr: string, file: string): Meaning | undefined => {
  if (/HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed|REVOKED HOST KEY/.test(stderr)) {
    return {
      reason: "HostKeyChanged",
      remedy: `somebody may stand between, or the server was set up anew: ask who runs it. Only when they confirm the new key, take the old line out of ${quoteOutside(file)} (ssh-keygen -R HOST -f FILE) and add the new one`,
    };
  }
  if (!/host key is known for|Host key verification failed/.test(stderr)) return undefined;
  return { reason: "HostKeyUnknown", remedy: vouching(stderr, quoteOutside(file)) };
};

/** How a person vouches for a key: fetched once, compared out of band, then added. */
const vouching = (stderr: string, file: string): string => {
  const found =
    /host key is known for (?:\[([A-Za-z0-9.:_-]+)\]:([0-9]{1,5})|([A-Za-z0-9.:_-]+)) /.exec(
      stderr,
    );
  const host = found?.[1] ?? found?.[3] ?? "HOST";
  const port = found?.[2] === undefined ? "" : `-p ${found[2]} `;
  return `ssh-keyscan ${port}${host} > host.key; compare \`ssh-keygen -lf host.key\` with what who runs the server tells you by another way; only then: cat host.key >> ${file}`;
};

/** What git adds to every trouble with a remote; it says nothing where another line does. */
const hollow =
  /^(?:fatal: Could not read from remote repository\.|Please make sure you have the correct access rights|and the repository exists\.|fatal: the remote end hung up unexpectedly)/;

/** The sentence that says what went wrong: git's own `fatal:` or `error:` line, or all of it. */
export const sentenceOf = (stderr: string): string => {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const full = lines.filter((line) => !hollow.test(line));
  const said = full.length > 0 ? full : lines;
  const telling = said.filter((line) => /^(?:fatal|error|remote: (?:fatal|error)):/i.test(line));
  return (telling.length > 0 ? telling : said).join("\n");
};
