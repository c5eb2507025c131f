// Decides what is told of an act on a host: whether it is done, failed or unknown, and what a person can do.

import type { Verdict } from "../report/verdict.ts";
import type { ContactError, ExecAnswer } from "../words/contact.ts";
import { quote } from "../words/quote.ts";
import type { Came } from "./act.ts";
import type { Awaited } from "./boot.ts";

export interface ActEnd extends Came {
  readonly verdict: Verdict;
  /** For a person; text from outside is quoted in it. */
  readonly message: string;
  /** What a person can do; nothing where there is nothing to do. */
  readonly remedy: string | null;
}

/** How the sending ended: an answer, or why there is none. */
export type Sent = { readonly answer: ExecAnswer } | { readonly error: ContactError };

/** What came of a line that brings a host into its state. */
export const endOfConverge = (host: string, sent: Sent): ActEnd => {
  if ("error" in sent) return endOfError(host, sent.error);
  const { code, signal } = sent.answer;
  const found = { exitCode: code, signal };
  return code === 0
    ? {
        ...{ verdict: "done", outcome: "done", found, remedy: null },
        message: `${quote(host)}: the command ended well`,
      }
    : {
        ...{ verdict: "partly done", outcome: "failed", found },
        message: `${quote(host)}: the command ended with ${endWord(sent.answer)}`,
        remedy: "read its output; what it did until then stands",
      };
};

/**
 * What came of the line that reboots, where that is certain at once. Nothing: the host may be going
 * down, and only another boot id tells. A connection that ends now is no fault: reboots do that.
 */
export const endOfRebootLine = (host: string, sent: Sent, stderr: string): ActEnd | null => {
  if ("error" in sent) return sent.error.step === "exec" ? null : endOfError(host, sent.error);
  const { code, signal } = sent.answer;
  // Above are the shells' numbers for commands that a signal ended: a host that goes down sends some.
  if (code === null || code === 0 || code > 128) return null;
  const found = { exitCode: code, signal };
  const said = stderr.trim() === "" ? "" : `: ${quote(stderr.trim(), 400)}`;
  return /^sudo: /mu.test(stderr)
    ? {
        ...{ verdict: "refused", outcome: "failed", found },
        message: `${quote(host)}: sudo refuses${said}`,
        remedy: "let this user call it without a password there, or set hosts.reboot",
      }
    : {
        ...{ verdict: "partly done", outcome: "failed", found },
        message: `${quote(host)}: the command ended with ${endWord(sent.answer)}${said}`,
        remedy: "look at the host; hosts.reboot says what is run",
      };
};

const endWord = ({ code, signal }: ExecAnswer): string =>
  code === null ? `the signal ${quote(signal ?? "unknown")}` : `exit code ${code}`;

/** A line that may have left is never called failed. */
const endOfError = (host: string, error: ContactError): ActEnd => {
  const { reason, step, message } = error;
  const found = { contact: reason, step };
  return step === "exec"
    ? {
        ...{ verdict: "outcome unknown", outcome: "unknown", found, message },
        remedy: `${error.remedy}: host refresh ${host}`,
      }
    : {
        ...{ verdict: "infrastructure failed", outcome: "failed", found },
        message: `${message}; nothing was sent`,
        remedy: error.remedy,
      };
};

/** What came of a reboot that was waited for: done only with another boot id. */
export const endOfReboot = (host: string, before: string, awaited: Awaited): ActEnd => {
  const { sight, millis } = awaited;
  const name = quote(host);
  const found = { before, millis, sight: sight.kind };
  const time = `${Math.round(millis / 1_000)} s`;
  switch (sight.kind) {
    case "rebooted":
      return {
        ...{ verdict: "done", outcome: "done", remedy: null },
        found: { ...found, after: sight.bootId },
        message: `${name}: rebooted in ${time}, with another boot id`,
      };
    case "same":
      return {
        ...{ verdict: "partly done", outcome: "failed", found },
        message: `${name}: answers after ${time} with the boot id of before: it did not reboot`,
        remedy: "look what keeps it up, such as an inhibitor or a job that does not end",
      };
    case "other-key":
      return {
        ...{ verdict: "outcome unknown", outcome: "unknown", found },
        message: `${name}: something came back that shows another host key: ${sight.message}`,
        remedy: `if the host was set up anew: host hostkey show ${host}`,
      };
    case "untold":
      return {
        ...{ verdict: "outcome unknown", outcome: "unknown", found },
        message: `${name}: answers after ${time}, and does not tell its boot id`,
        remedy: `look at the host: host refresh ${host}`,
      };
    case "silent":
      return {
        ...{ verdict: "outcome unknown", outcome: "unknown", found },
        message: `${name}: did not come back in ${time}: ${sight.message}`,
        remedy: `look at its console; when it answers again: host refresh ${host}`,
      };
  }
};
