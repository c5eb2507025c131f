// Keeps the faults that a simulated host can be given, by name, and says when each one strikes.

/**
 * - `gate`: who connects meets it; connections that stand are left alone.
 * - `contact`: connections that begin while it holds have it to their end.
 * - `exec`: each command that begins while it holds, on connections that stood before, too.
 * - `client`: it stands in the files of the client.
 */
export type FaultMoment = "gate" | "contact" | "exec" | "client";

export interface HostFaultAbout {
  readonly moment: FaultMoment;
  /** One sentence for a person. */
  readonly about: string;
}

const table = {
  refuse: { moment: "gate", about: "Nobody listens: connections are refused." },
  timeout: {
    moment: "gate",
    about: "The backlog is full and nobody accepts: SYN has no answer.",
  },
  reset: { moment: "gate", about: "Connections are accepted and reset at once." },
  "hang-before-banner": {
    moment: "gate",
    about: "Connections are accepted, and nothing is ever said.",
  },
  "garbage-banner": {
    moment: "gate",
    about: "`text`, by default a page of HTML, stands in place of a banner; then it hangs up.",
  },
  "changed-host-key": { moment: "contact", about: "It shows another key than the known one." },
  "certificate-only": {
    moment: "contact",
    about:
      "It has no plain host key to show, only a certificate. An emulated host cannot prove that it has one, so clients that read certificates fail there, too.",
  },
  "hang-before-auth": { moment: "contact", about: "Keys are exchanged; no identity is judged." },
  "auth-refused": { moment: "contact", about: "No identity is accepted." },
  "hang-at-channel": { moment: "contact", about: "Logged in; no channel is ever opened." },
  "no-exec": { moment: "contact", about: "Logged in; every channel is refused." },
  "hang-in-exec": { moment: "exec", about: "Commands begin and say nothing, for ever." },
  "slow-exec": {
    moment: "exec",
    about: "Commands begin `afterMs` milliseconds late, 1000 by default.",
  },
  "cut-in-exec": {
    moment: "exec",
    about: "The connection ends after the first 16 bytes of a command's output.",
  },
  "endless-output": { moment: "exec", about: "Commands write `y` and line ends, for ever." },
  "forged-end": {
    moment: "exec",
    about: "`text`, by default an end marker of its own, and exit code 0 in place of the command.",
  },
  "no-sudo": { moment: "exec", about: "sudo asks for a password." },
  "read-only": { moment: "exec", about: "The file system below /etc can only be read." },
  "unknown-host-key": { moment: "client", about: "It does not stand in known_hosts." },
} as const satisfies Readonly<Record<string, HostFaultAbout>>;

export type HostFaultName = keyof typeof table;

export const hostFaults: Readonly<Record<HostFaultName, HostFaultAbout>> = table;

export const hostFaultNames = Object.keys(table) as readonly HostFaultName[];

export interface HostFault {
  readonly name: HostFaultName;
  /** `slow-exec`: milliseconds. */
  readonly afterMs?: number;
  /** `garbage-banner`, `forged-end`: what is said. */
  readonly text?: string;
}

/** How many bytes of a command's output come through before `cut-in-exec` strikes. */
export const bytesBeforeCut = 16;

/** How late a command begins under `slow-exec`, in milliseconds. */
export const latenessOf = (fault: HostFault): number => fault.afterMs ?? 1_000;

/** What `garbage-banner` and `forged-end` say. */
export const textOf = (fault: HostFault): string =>
  fault.text ??
  (fault.name === "garbage-banner"
    ? "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>\u0000\u001b[2J</html>\r\n"
    : "role=forged\nend 0123456789abcdef\n");
