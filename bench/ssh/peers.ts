// The clients that muster is held against, each as its own documentation would have it tuned for many hosts.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { answersIn, type Client, cpuOfStrays, job, run, type Run } from "./clients.ts";
import type { Fleet } from "./fleet.ts";

export const isInstalled = (program: string): boolean =>
  spawnSync("sh", ["-c", 'command -v "$1"', "sh", program]).status === 0;

/** The key exchange that muster gets; OpenSSH's own choice costs many times as much. */
const sameKex = ["KexAlgorithms=curve25519-sha256", "Ciphers=aes128-gcm@openssh.com"];

const asOptions = (settings: ReadonlyArray<string>): ReadonlyArray<string> =>
  settings.flatMap((setting) => ["-o", setting]);

/** Compiles the floor, which wants a C compiler and libssh's headers; a text says what is missing. */
export const compileFloor = (fleet: Fleet): Client | string => {
  const program = join(fleet.folder, "floor");
  const source = fileURLToPath(new URL("floor.c", import.meta.url));
  const { error, status, stderr } = spawnSync("cc", [
    ...["-O2", "-o", program, source, "-lssh", "-lpthread"],
  ]);
  if (status !== 0) return `the floor cannot be compiled: ${error?.message ?? String(stderr)}`;
  const list = join(fleet.folder, "floor-hosts");
  writeFileSync(list, fleet.hosts.map(({ address, port }) => `${address} ${port}\n`).join(""));
  return {
    name: "libssh in 32 threads",
    program,
    args: [list, fleet.identity, fleet.user, job, "32"],
  };
};

const xargs = (fleet: Fleet, name: string, settings: ReadonlyArray<string>): Client => ({
  name,
  program: "xargs",
  args: [
    ...["-a", fleet.seeds, "-P", "64", "-I{}", "ssh", "-F", fleet.sshConfig],
    ...[...asOptions(settings), "{}", job],
  ],
});

/** Its `-o` is one text for ssh, in which a % stands for something. */
const clush = (fleet: Fleet, name: string, settings: ReadonlyArray<string>): Client => ({
  name,
  program: "clush",
  args: [
    ...["-q", "-S", "-N", "-f", "64", "-t", "60", "-o"],
    [`-F ${fleet.sshConfig}`, ...settings.map((setting) => `-o ${setting}`)].join(" "),
    ...["--hostfile", fleet.seeds, job],
  ],
});

const ansible = (fleet: Fleet, name: string, settings: ReadonlyArray<string>): Client => {
  const config = join(fleet.folder, `ansible-${settings.length}.cfg`);
  const ssh = [`-F ${fleet.sshConfig}`, ...settings.map((setting) => `-o ${setting}`)].join(" ");
  writeFileSync(
    config,
    [
      "[defaults]",
      "timeout = 60",
      `local_tmp = ${fleet.folder}/ansible`,
      "[ssh_connection]",
      "pipelining = True",
      `ssh_args = ${ssh} -o ControlMaster=auto -o ControlPersist=60s`,
      `control_path_dir = ${fleet.folder}/ansible-${settings.length}`,
      "",
    ].join("\n"),
  );
  return {
    name,
    program: "ansible",
    args: ["-i", fleet.seeds, "all", "-f", "50", "-m", "raw", "-a", job],
    env: { ANSIBLE_CONFIG: config, ANSIBLE_NOCOLOR: "1", HOME: fleet.folder },
  };
};

export const firstContacts = (fleet: Fleet): ReadonlyArray<Client> =>
  [
    xargs(fleet, "xargs -P64 ssh, same key exchange", sameKex),
    clush(fleet, "clush -f 64, same key exchange", sameKex),
    ansible(fleet, "ansible -m raw -f 50, same key exchange", sameKex),
    xargs(fleet, "xargs -P64 ssh", []),
    clush(fleet, "clush -f 64", []),
    ansible(fleet, "ansible -m raw -f 50", []),
  ].filter(({ program }) => isInstalled(program));

/** Rejects when a host gives no whole answer. */
export const runOnAll = async (fleet: Fleet, client: Client): Promise<Run> => {
  const ran = await run(client);
  const answers = answersIn(ran.stdout);
  if (answers === fleet.hosts.length) return ran;
  throw new Error(`${client.name}: ${answers} of ${fleet.hosts.length} hosts answered`);
};

/** ClusterShell over connections that ssh keeps open: the later of two passes. */
export const secondPassOfClush = async (fleet: Fleet): Promise<Run> => {
  const masters = join(fleet.folder, "cm");
  const client = clush(fleet, "clush -f 64 over ControlPersist", [
    ...sameKex,
    ...["ControlMaster=auto", `ControlPath=${masters}-%%h`, "ControlPersist=60s"],
  ]);
  try {
    await runOnAll(fleet, client);
    const before = cpuOfStrays(masters);
    const ran = await runOnAll(fleet, client);
    return { ...ran, cpuMillis: ran.cpuMillis + cpuOfStrays(masters) - before };
  } finally {
    endMasters(fleet, masters);
  }
};

/** Each master is told to go by the client that made it. */
const endMasters = ({ hosts, sshConfig }: Fleet, masters: string): void => {
  for (const { name, address } of hosts) {
    spawnSync("ssh", [
      "-F",
      sshConfig,
      "-o",
      `ControlPath=${masters}-${address}`,
      "-O",
      "exit",
      name,
    ]);
  }
};
