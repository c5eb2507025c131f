// Writes what an SSH client needs to reach the fleet: its identity, known_hosts, a configuration and the seeds.

import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface ClientHost {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly hostKey: string;
}

export interface ClientFiles {
  readonly sshConfig: string;
  readonly knownHosts: string;
  readonly identity: string;
  readonly seeds: string;
}

export const clientFilesIn = (folder: string): ClientFiles => ({
  sshConfig: join(folder, "ssh_config"),
  knownHosts: join(folder, "known_hosts"),
  identity: join(folder, "identity"),
  seeds: join(folder, "seeds"),
});

export const writeClientFiles = async (
  files: ClientFiles,
  client: { readonly user: string; readonly privateKey: string; readonly publicKey: string },
  hosts: readonly ClientHost[],
): Promise<void> => {
  await writeFile(files.identity, client.privateKey, { mode: 0o600 });
  await writeFile(`${files.identity}.pub`, `${client.publicKey}\n`);
  await writeFile(files.sshConfig, configText(files, client.user, hosts));
  await writeFile(files.seeds, hosts.map(({ name }) => `${name}\n`).join(""));
  await writeKnownHosts(files, hosts);
};

/** As a whole: no client ever reads half of it. */
export const writeKnownHosts = async (
  files: ClientFiles,
  hosts: readonly ClientHost[],
): Promise<void> => {
  const fresh = `${files.knownHosts}.new`;
  await writeFile(fresh, hosts.map(knownLine).join(""));
  await rename(fresh, files.knownHosts);
};

const knownLine = ({ address, port, hostKey }: ClientHost): string =>
  `${port === 22 ? address : `[${address}]:${port}`} ${hostKey}\n`;

const configText = (files: ClientFiles, user: string, hosts: readonly ClientHost[]): string =>
  [
    ...hosts.flatMap(({ name, address, port }) => [
      `Host ${name}`,
      `  HostName ${address}`,
      `  Port ${port}`,
    ]),
    "Host *",
    `  User ${user}`,
    `  IdentityFile ${quoted(files.identity)}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${quoted(files.knownHosts)}`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  BatchMode yes",
    "",
  ].join("\n");

const quoted = (path: string): string => (/^[\w./-]+$/u.test(path) ? path : `"${path}"`);
