// Lays ready what a fault of a real host needs: the shell of its commands, a certificate, another key.

import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./child.ts";
import {
  bytesBeforeCut,
  latenessOf,
  longBanner,
  shellExitCode,
  textOf,
  type HostFault,
  type HostFaultName,
} from "./faults.ts";
import type { HostState } from "./host-state.ts";
import { setShell, switchesAt } from "./real-files.ts";

/** What sshd runs in place of the shell; nothing where the shell itself runs. */
const shellUnder = (fault: HostFault | undefined): string | undefined => {
  switch (fault?.name) {
    case "hang-in-exec":
      return "exec sleep 2147483";
    case "slow-exec":
      return `sleep ${latenessOf(fault) / 1_000}\nexec /bin/sh "$@"`;
    case "cut-in-exec":
      // Before the end sshd, the parent, has to hand on what there is.
      return `/bin/sh "$@" | head -c ${bytesBeforeCut}\nsleep 0.2\nkill -KILL "$PPID"`;
    case "endless-output":
      return "exec yes";
    case "endless-errors":
      return "exec yes >&2";
    case "forged-end":
      return `IFS= read -r mark\nexec sed "s/{mark}/$mark/g" ${switchesAt}/text`;
    case "noisy-shell":
      return withStart(`cat ${switchesAt}/text`);
    case "shell-exits":
      return withStart(`cat ${switchesAt}/text >&2; exit ${shellExitCode}`);
    case "bare-path":
      return 'PATH=/nowhere exec /bin/sh "$@"';
    default:
      return undefined;
  }
};

/** Of root, whose shell is bash then: it reads this file before each command of an SSH connection. */
const withStart = (text: string): string =>
  `printf "%s\\n" "${text}" >/root/.bashrc\nexec /bin/bash "$@"`;

/** Faults whose text lies in a file. */
const withText: ReadonlySet<HostFaultName> = new Set(["forged-end", "noisy-shell", "shell-exits"]);

/** Writes what the fault needs before anything meets it. */
export const prepareFault = async (
  switches: string,
  state: HostState,
  fault: HostFault | undefined,
): Promise<void> => {
  if (fault !== undefined && withText.has(fault.name)) {
    await writeFile(join(switches, "text"), textOf(fault));
  }
  if (fault?.name === "long-banner") await writeFile(join(switches, "banner"), longBanner);
  if (fault?.name === "changed-host-key") {
    await writeFile(join(switches, "other_key"), state.otherKey().privateKey, { mode: 0o600 });
  }
  if (fault?.name === "certificate-only") await certify(switches, state);
  const shell = shellUnder(fault);
  if (shell === undefined) return setShell(switches, "/bin/sh");
  await writeFile(join(switches, "faulty.new"), `#!/bin/sh\n${shell}\n`, { mode: 0o755 });
  await rename(join(switches, "faulty.new"), join(switches, "faulty"));
  await setShell(switches, `${switchesAt}/faulty`);
};

/** Signed by an authority that nobody knows: the key of the host itself. */
const certify = async (switches: string, { name, key }: HostState): Promise<void> => {
  const file = join(switches, "key");
  await writeFile(`${file}.pub`, `${key.publicKey}\n`);
  await run("ssh-keygen", [...["-q", "-s", file, "-h", "-I", name, "-n", name], `${file}.pub`]);
};
