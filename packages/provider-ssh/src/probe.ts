// Looks at one host by one exec, and tells its facts; writes nothing anywhere.

import { randomBytes } from "node:crypto";
import * as Effect from "effect/Effect";
import type { ContactError, ExecAnswer, HostAddress, Probed } from "@muster/core/words/contact";
import { quote } from "@muster/core/words/quote";
import type { Contact, ShownKey } from "./connect.ts";
import { contactError } from "./faults.ts";
import type { SshShape } from "./pool.ts";
import { readProbeAnswer } from "./probe-answer.ts";
import { probeCommand, probeFrame, usualPlaces, type ProbePlaces } from "./probe-script.ts";

export interface ProbeOptions extends Partial<ProbePlaces> {
  /** The time until the script's end, in milliseconds. Default that of the contact. */
  readonly timeoutMillis?: number;
}

/** What a probe brings, and what the contact showed on the way. */
export interface ProbedHost extends Probed {
  /** A host with Windows is recognised, and not looked at any further. */
  readonly platform: "posix" | "windows";
  /** The addresses that its name has here; none for a host behind another. */
  readonly addresses: ReadonlyArray<string>;
  readonly hostKey: ShownKey;
}

/** What is kept of an answer, in bytes: two files in hex, and some lines. */
const maxAnswer = 512 * 1024;

/** One exec on the host's kept-open connection. An answer that is not the script's is `unreadable`. */
export const probe = (
  ssh: SshShape,
  address: HostAddress,
  options: ProbeOptions = {},
): Effect.Effect<ProbedHost, ContactError> =>
  Effect.suspend(() => {
    const marker = randomBytes(16).toString("hex");
    const frame = probeFrame(marker, { ...usualPlaces, ...options });
    if (typeof frame === "string") {
      const message = `${quote(frame)} is no absolute path`;
      return Effect.fail(
        contactError(address.host, null, { reason: "config", step: "config", message }),
      );
    }
    return ssh.reach(address, (contact) => look(contact, address.host, marker, frame, options));
  });

const look = (
  contact: Contact,
  host: string,
  marker: string,
  frame: Uint8Array,
  { timeoutMillis }: ProbeOptions,
): Effect.Effect<ProbedHost, ContactError> => {
  const { addresses, banner, hostKey } = contact;
  const told = (platform: ProbedHost["platform"], probed: Probed): ProbedHost => ({
    ...{ ...probed, platform, addresses, hostKey },
  });
  const windows = told("windows", { facts: { os: "Windows" }, override: null });
  if (/windows/i.test(banner)) return Effect.succeed(windows);
  return Effect.flatMap(
    contact.exec({
      ...{ command: probeCommand, stdin: frame, maxStdout: maxAnswer },
      ...(timeoutMillis === undefined ? {} : { timeoutMillis }),
    }),
    (answer) => {
      const read = readProbeAnswer(answer.stdout, marker);
      if (typeof read !== "string") return Effect.succeed(told("posix", read));
      if (isWindows(answer)) return Effect.succeed(windows);
      const message = `${answer.truncated ? "its answer was too long" : read}${saidBy(answer)}`;
      return Effect.fail(contactError(host, null, { reason: "unreadable", step: "exec", message }));
    },
  );
};

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** How its two shells answer to a word that they do not know. */
const isWindows = ({ code, stdout, stderr }: ExecAnswer): boolean =>
  code !== 0 &&
  /is not recognized as (?:an internal or external command|the name of a cmdlet|a name of a cmdlet)/i.test(
    latin1(stdout) + latin1(stderr),
  );

const saidBy = ({ code, signal, stderr }: ExecAnswer): string => {
  const end = signal === null ? `exit code ${String(code)}` : quote(signal);
  return stderr.length === 0 ? ` (${end})` : ` (${end}: ${quote(latin1(stderr))})`;
};
