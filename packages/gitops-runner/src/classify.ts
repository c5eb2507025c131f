// Decides what a failed git process means, from its words: git has no other way to say it.
// The words are those of LC_ALL=C. A word not known here only costs precision, never safety.

import type { GitReason } from "./error.ts";

export interface Meaning {
  readonly reason: GitReason;
  readonly remedy: string;
}

const meanings: ReadonlyArray<readonly [RegExp, GitReason, string]> = [
  [/transport '.*' not allowed/, "Unsupported", "use an https address or a local path"],
  [
    /receiving end does not support --atomic/,
    "Unsupported",
    "muster moves its branches together or not at all: use a git server with atomic pushes (git 2.4 or newer, receive.advertiseAtomic not off)",
  ],
  [
    /mismatched algorithms|unknown object format|object format/i,
    "Unsupported",
    "muster reads SHA-1 repositories only",
  ],
  [
    /fsck error|bad object|invalid index-pack|index-pack failed|unpack-objects failed|did not send all necessary objects|pack (?:is corrupted|has bad object)|hash mismatch|inflate|invalid (?:tree|commit|tag|mode)|corrupt/i,
    "Corrupt",
    "run `git fsck --strict` on the repository and repair what it names",
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
    /does not appear to be a git repository|repository '.*' not found|not a git repository|error: 404\b|does not exist/,
    "NotFound",
    "check the address of the repository, and that the token may see it",
  ],
  [/couldn't find remote ref/, "NotFound", "check the name of the branch"],
  [/No space left on device|Disk quota exceeded/, "TooLarge", "free some space and try again"],
  [
    /certificate|SSL|TLS/,
    "Denied",
    "check the server's certificate, and name your certificate authority's file if it is a private one",
  ],
];

/** The meaning of what a git process wrote before it failed. */
export const classify = (stderr: string, remote: boolean): Meaning => {
  for (const [pattern, reason, remedy] of meanings) {
    if (pattern.test(stderr)) return { reason, remedy };
  }
  return remote
    ? { reason: "Unreachable", remedy: "check the network and the address; muster tries again" }
    : {
        reason: "Corrupt",
        remedy: "stop muster and delete its copy of the repository; it is fetched anew",
      };
};

/** The sentence that says what went wrong: git's own `fatal:` or `error:` line, or all of it. */
export const sentenceOf = (stderr: string): string => {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const telling = lines.filter((line) => /^(?:fatal|error|remote: (?:fatal|error)):/i.test(line));
  return (telling.length > 0 ? telling : lines).join("\n");
};
