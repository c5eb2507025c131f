// Starts and ends the namespaces in which one real host lives: mounts, host name and processes of its own.

import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { eachLine, endChild, goneOf, run, startChild, type Child } from "./child.ts";
import { HostFleetError } from "./host-fleet.ts";
import { foldersIn, layered, layerOf, switchesAt } from "./real-files.ts";

export interface Machine {
  /** The first process of the host, as this machine counts. */
  readonly pid: number;
  /** Ends all processes of the host, and with them its mounts. */
  readonly end: () => Promise<void>;
}

/**
 * `cat` is the first process and all that lives: it hands on what the fakes ask for. There is no
 * init. A reboot in earnest would end the host's processes and no others, for they have a process
 * namespace; what else the host could reach of this machine can only be read.
 */
const script = (folder: string, name: string): string => {
  const { home, switches, bootId, uptime } = foldersIn(folder);
  const overlays = layered().map((path) => {
    const layer = layerOf(folder, path);
    const layers = `lowerdir=${path},upperdir=${layer}/upper,workdir=${layer}/work`;
    return `mount -t overlay overlay -o '${layers}' '${path}'`;
  });
  const own = ["/", ...layered(), "/root"].map((path) => `'${path}'`).join("|");
  return [
    "set -e",
    // Still this machine's /proc: it says how this machine calls us.
    "read -r pid rest </proc/self/stat",
    ...overlays,
    `mount --bind '${home}' /root`,
    "mount -t tmpfs -o mode=755 tmpfs /run",
    `mkdir -p /run/sshd ${switchesAt}`,
    `mount --bind '${switches}' ${switchesAt}`,
    "mkfifo /run/control",
    `[ -p ${switchesAt}/hold ] || mkfifo ${switchesAt}/hold`,
    "mount -t proc proc /proc",
    `mount --bind '${bootId}' /proc/sys/kernel/random/boot_id`,
    `mount --bind '${uptime}' /proc/uptime`,
    "if [ -e /proc/sysrq-trigger ]; then mount --bind /dev/null /proc/sysrq-trigger; fi",
    `echo '${name}' >/proc/sys/kernel/hostname`,
    "mount -t tmpfs -o mode=1777 tmpfs /tmp",
    "while read -r _ _ _ _ at _; do",
    `  case "$at" in ${own}|/run|/run/*|/proc|/proc/*|/tmp|/dev|/dev/*) ;; *) mount -o remount,bind,ro "$at" 2>/dev/null || : ;; esac`,
    "done </proc/self/mountinfo",
    "mount -o remount,bind,ro /",
    'echo "ready $pid"',
    "exec cat <>/run/control",
  ].join("\n");
};

/** Starts a host; `said` hears each line that its fakes say. */
export const startMachine = async (
  folder: string,
  name: string,
  said: (line: string) => void,
): Promise<Machine> => {
  // Whatever becomes of this process, the host does not outlive it.
  const child = startChild(
    "setpriv",
    [
      ...["--pdeathsig", "KILL", "unshare", "--mount", "--uts", "--pid", "--ipc"],
      ...["--fork", "--kill-child=KILL", "sh", "-c", script(folder, name)],
    ],
    { folder: "/", stdio: ["ignore", "pipe", "pipe"] },
  );
  const gone = goneOf(child);
  let pid: number | undefined;
  const end = async (): Promise<void> => {
    // With its first process all others of the host end, and ours reaps it.
    if (pid !== undefined && (await isParentOf(child, pid))) process.kill(pid, "SIGKILL");
    else await endChild(child);
    await gone;
  };
  try {
    pid = await ready(child, said);
    return { pid, end };
  } catch (error) {
    await end();
    throw error;
  }
};

/** Whether a process is a child of our child: nobody else may be signalled. */
const isParentOf = async (child: Child, pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const [, parent] = /^[0-9]+ \(.*\) [A-Za-z] ([0-9]+) /su.exec(stat) ?? [];
  return pid > 1 && child.pid !== undefined && Number(parent) === child.pid;
};

const ready = (child: Child, said: (line: string) => void): Promise<number> =>
  new Promise((resolve, reject) => {
    let errors = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors = `${errors}${text}`.slice(-2_000);
    });
    eachLine(child.stdout, (line) => {
      const [, pid] = /^ready ([0-9]+)$/u.exec(line) ?? [];
      if (pid === undefined) return said(line);
      if (Number(pid) > 1) resolve(Number(pid));
      else reject(failed(`its first process is ${pid}`));
    });
    child.once("error", (error) => reject(failed(error.message)));
    child.once("close", () => reject(failed(errors.trim())));
  });

const failed = (why: string): HostFleetError =>
  new HostFleetError({
    reason: "boot",
    message: `A host does not come up: ${why}`,
    remedy: "read the message; the folder for temporary files must be able to carry an overlay",
  });

/** Runs a program in the mounts of a host and waits for its end; rejects when it fails. */
export const runWithin = ({ pid }: Machine, command: readonly string[]): Promise<void> =>
  run("nsenter", ["-t", String(pid), "-m", "--", ...command]);

/** What a file of the host says; nothing when there is none. */
export const readWithin = async (machine: Machine, path: string): Promise<string | undefined> => {
  try {
    return await readFile(withinOf(machine, path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
};

/** Writes a file of the host, as a whole, or removes it. */
export const writeWithin = async (
  machine: Machine,
  path: string,
  content: string | undefined,
): Promise<void> => {
  const file = withinOf(machine, path);
  if (content === undefined) return rm(file, { force: true });
  await mkdir(dirname(file), { recursive: true, mode: 0o755 });
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
};

/** How this machine sees a file of the host; nothing else of it may be written from here. */
const withinOf = ({ pid }: Machine, path: string): string => {
  if (!path.startsWith("/etc/") || path.split("/").includes("..")) {
    throw new Error(`${path} does not lie below /etc`);
  }
  return join(`/proc/${pid}/root`, path);
};
