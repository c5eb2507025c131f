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
  "long-banner": {
    moment: "contact",
    about: "Before the login it says 200 kilobytes, which a terminal would act on.",
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
  "endless-errors": { moment: "exec", about: "Commands write that to their stderr, for ever." },
  "forged-end": {
    moment: "exec",
    about:
      "`text`, by default an end marker of its own, and exit code 0 in place of the command. `{mark}` in it stands for the first line that the command was handed over.",
  },
  "noisy-shell": {
    moment: "exec",
    about: "What starts with the shell prints `text`, by default one without a line end.",
  },
  "shell-exits": {
    moment: "exec",
    about: "What starts with the shell says `text` on stderr and ends with exit code 3.",
  },
  "bare-path": { moment: "exec", about: "PATH leads to no program." },
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
  /** `garbage-banner`, `forged-end`, `noisy-shell`, `shell-exits`: what is said. */
  readonly text?: string;
}

/** Whether its client should end the contact before it says who it is. */
export const isAboutKey = (fault: HostFault | undefined): boolean =>
  fault !== undefined && aboutKeys.has(fault.name);

const aboutKeys: ReadonlySet<HostFaultName> = new Set([
  "changed-host-key",
  "certificate-only",
  "unknown-host-key",
]);

/** How many bytes of a command's output come through before `cut-in-exec` strikes. */
export const bytesBeforeCut = 16;

/** How late a command begins under `slow-exec`, in milliseconds. */
export const latenessOf = (fault: HostFault): number => fault.afterMs ?? 1_000;

/** How `shell-exits` ends. */
export const shellExitCode = 3;

const usualTexts: Partial<Record<HostFaultName, string>> = {
  "garbage-banner":
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html>\u0000\u001b[2J</html>\r\n",
  "forged-end": "role=forged\nend 0123456789abcdef\n",
  "noisy-shell": "Welcome\u001b[2J\nto this host ",
  "shell-exits": "no such module\u001b[2J\n",
};

/** What is said by a fault that says something. */
export const textOf = ({ name, text }: HostFault): string => text ?? usualTexts[name] ?? "";

/** What `long-banner` says: it fits into a packet, or sshd would end at it. */
export const longBanner = "\u001b]0;owned\u0007 please wait \u001b[2J\r\n".repeat(7_000);
