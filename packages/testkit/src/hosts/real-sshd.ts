// Runs one sshd for one connection to a real host, with what its fault makes of the settings.

import type { Socket } from "node:net";
import { eachLine, goneOf, startChild } from "./child.ts";
import type { HostFaultName } from "./faults.ts";
import { holdCommand, switchesAt } from "./real-files.ts";
import type { Machine } from "./real-machine.ts";
import type { Tally } from "./tally.ts";

const plain = [`HostKey=${switchesAt}/key`];

/** Each request to be let in is told then, whatever comes of it. */
const tellsAll = "LogLevel=DEBUG1";

/** What sshd is told for a connection that begins under a fault; the first word for a setting counts. */
const settingsUnder: Partial<Record<HostFaultName, readonly string[]>> = {
  "changed-host-key": [`HostKey=${switchesAt}/other_key`, tellsAll],
  "unknown-host-key": [...plain, tellsAll],
  "long-banner": [...plain, `Banner=${switchesAt}/banner`],
  "certificate-only": [
    ...plain,
    tellsAll,
    `HostCertificate=${switchesAt}/key-cert.pub`,
    "HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com",
  ],
  "hang-before-auth": [
    ...plain,
    "AuthorizedKeysFile=none",
    `AuthorizedKeysCommand=${holdCommand}`,
    "AuthorizedKeysCommandUser=root",
  ],
  "auth-refused": [...plain, "AuthorizedKeysFile=none"],
  "hang-at-channel": [...plain, "UsePAM=yes"],
  "no-exec": [...plain, "MaxSessions=0"],
};

export interface SshdOptions {
  readonly sshd: string;
  readonly machine: Machine;
  readonly fault: HostFaultName | undefined;
  readonly tally: Tally;
}

/**
 * The socket itself is sshd's input and output, so nothing of ours stands between it and the client.
 * Ends when nothing of the connection is left; that is the end of the host at the latest.
 */
export const serveBySshd = (socket: Socket, options: SshdOptions): Promise<void> => {
  const { sshd, machine, fault, tally } = options;
  const settings = (fault === undefined ? undefined : settingsUnder[fault]) ?? plain;
  const child = startChild(
    "nsenter",
    [
      ...["-t", String(machine.pid), "--mount", "--uts", "--ipc", "--pid", "--", sshd, "-i", "-e"],
      ...["-f", "/etc/ssh/simulated_sshd_config"],
      ...settings.flatMap((setting) => ["-o", setting]),
    ],
    {
      folder: "/",
      environment: { PATH: process.env["PATH"], LC_ALL: "C" },
      stdio: [socket, socket, "pipe"],
    },
  );
  eachLine(child.stderr, (line) => note(line, tally));
  const gone = goneOf(child);
  socket.destroy();
  return gone;
};

const note = (line: string, tally: Tally): void => {
  if (line.startsWith("debug1: userauth-request for ")) tally.add("authRequests");
  else if (/^(Accepted|Failed) publickey for /u.test(line)) tally.add("authAttempts");
  else if (line.startsWith("Starting session: command")) tally.add("execs");
};
