// Lays out what is a real host's own: an upper layer for /etc, /usr and /var/lib, a home, and fakes of what could do harm.

import { constants, lstatSync } from "node:fs";
import { lstat, mkdir, open, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./child.ts";
import type { HostFile } from "./host-fleet.ts";
import type { HostSite } from "./host-server.ts";
import { filesOf, puppetPlan, uptimeOf, type HostState } from "./host-state.ts";

/** Where a host finds what switches its faults. */
export const switchesAt = "/run/host";

/** The folders that get a layer of their own; where `/bin` and `/sbin` are no links, they too. */
export const layered = (): readonly string[] =>
  ["/etc", "/usr", "/var/lib", "/bin", "/sbin"].filter(
    (path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true,
  );

/** The folder of a layer, by the path that it lies over. */
export const layerOf = (folder: string, path: string): string =>
  join(folder, "layers", path.slice(1).replaceAll("/", "-"));

/** Ends when `letGo` is called, and not before: who is held here hangs. */
export const holdCommand = `/usr/bin/cat ${switchesAt}/hold`;

/** Lets go of all who are held: they wait for a writer, and here one comes and goes. */
export const letGo = async (switches: string): Promise<void> => {
  const pipe = await open(join(switches, "hold"), constants.O_RDWR | constants.O_NONBLOCK);
  await pipe.close();
};

export interface RealFolders {
  readonly home: string;
  /** Seen by the host at `switchesAt`. */
  readonly switches: string;
  readonly bootId: string;
  readonly uptime: string;
}

export const foldersIn = (folder: string): RealFolders => ({
  home: join(folder, "home"),
  switches: join(folder, "switches"),
  bootId: join(folder, "boot_id"),
  uptime: join(folder, "uptime"),
});

/** Writes all that a host needs before it starts for the first time. */
export const layOut = async ({ state, folder, clientKey }: HostSite): Promise<void> => {
  const { home, switches } = foldersIn(folder);
  for (const path of layered()) {
    await mkdir(join(layerOf(folder, path), "upper"), { recursive: true, mode: 0o755 });
    await mkdir(join(layerOf(folder, path), "work"), { recursive: true });
  }
  await mkdir(home, { recursive: true, mode: 0o700 });
  await mkdir(switches, { recursive: true, mode: 0o755 });
  await writeEtc(join(layerOf(folder, "/etc"), "upper"), state, clientKey);
  await writeFakes(folder);
  await setShell(switches, "/bin/sh");
  await writeFile(join(switches, "key"), state.key.privateKey, { mode: 0o600 });
  await setSudo(switches, state.options.sudo !== false);
};

/** What changes with each start of the host. */
export const writeBoot = async (folder: string, state: HostState): Promise<void> => {
  await writeFile(foldersIn(folder).bootId, `${state.bootId}\n`);
  await writeUptime(folder, state);
};

/** The kernel tells each host the uptime of the machine; a file in its place is kept fresh. */
export const writeUptime = (folder: string, state: HostState): Promise<void> => {
  const seconds = uptimeOf(state).toFixed(2);
  return writeFile(foldersIn(folder).uptime, `${seconds} ${seconds}\n`);
};

/** Lets the next command be run by this program: sshd looks where the link leads for each one. */
export const setShell = async (switches: string, target: string): Promise<void> => {
  const fresh = join(switches, "sh.new");
  await symlink(target, fresh);
  await rename(fresh, join(switches, "sh"));
};

/** Says whether sudo lets everybody; the next call of it heeds that. */
export const setSudo = async (switches: string, allowed: boolean): Promise<void> => {
  const mark = join(switches, "no-sudo");
  if (allowed) await rm(mark, { force: true });
  else await writeFile(mark, "");
};

const settings = [
  "LogLevel VERBOSE",
  "AuthorizedKeysFile /etc/ssh/simulated_client",
  "StrictModes no",
  "UsePAM no",
  "PermitRootLogin prohibit-password",
  "PasswordAuthentication no",
  "KbdInteractiveAuthentication no",
  "UseDNS no",
  "X11Forwarding no",
  "PrintMotd no",
  "PrintLastLog no",
  "LoginGraceTime 0",
  "Subsystem sftp internal-sftp",
  "",
].join("\n");

/** Who logs in is held here, when the fault says so: after the identity, before any channel. */
const pamThatHangs = [
  "auth required pam_permit.so",
  "account required pam_permit.so",
  `session required pam_exec.so quiet type=open_session ${holdCommand}`,
  "",
].join("\n");

const writeEtc = async (upper: string, state: HostState, clientKey: string): Promise<void> => {
  const write = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(upper, path)), { recursive: true, mode: 0o755 });
    await writeFile(join(upper, path), content);
  };
  await write("ssh/simulated_sshd_config", settings);
  await write("ssh/simulated_client", `${clientKey}\n`);
  await write("pam.d/sshd", pamThatHangs);
  await write("hostname", `${state.name}\n`);
  await write("passwd", withShell(await readFile("/etc/passwd", "utf8")));
  for (const [path, file] of filesOf(state.options)) {
    const place = join(upper, path.slice("/etc/".length));
    await mkdir(dirname(place), { recursive: true, mode: 0o755 });
    await makeFile(place, file);
  }
};

const makeFile = async (path: string, file: HostFile): Promise<void> => {
  if (typeof file === "string" || !("is" in file)) return writeFile(path, file);
  if (file.is === "link") return symlink(file.to, path);
  if (file.is === "fifo") return run("mkfifo", [path]);
  await mkdir(path);
};

/** The users of the machine, and root with the shell that switches. */
const withShell = (passwd: string): string =>
  passwd.replace(/^root:.*$/mu, `root:x:0:0:root:/root:${switchesAt}/sh`);

const fakeSudo = `#!/bin/sh
# Whoever logs in is root; this says whether sudo would have let them.
while [ $# -gt 0 ]; do
  case "$1" in
    -u | -g | -h | -p) shift 2 || exit 1 ;;
    --) shift; break ;;
    -*) shift ;;
    *) break ;;
  esac
done
if [ -e ${switchesAt}/no-sudo ]; then
  echo "sudo: a password is required" >&2
  exit 1
fi
[ $# -gt 0 ] || exit 0
exec env "$@"
`;

const fakePower = `#!/bin/sh
# Asks the simulator for a reboot, and ends with the host; the machine below is out of reach.
case "\${0##*/} $*" in
  reboot* | "shutdown -r"* | "systemctl reboot"*) echo reboot >/run/control && exec sleep 2147483 ;;
  *) echo "\${0##*/}: a simulated host only reboots" >&2; exit 1 ;;
esac
`;

const fakePuppet = `#!/bin/sh
# Says that the configuration was applied, with the override that there is. A file says how it goes.
if [ -e ${puppetPlan} ]; then read -r code lines pause rest <${puppetPlan}; fi
echo "Info: Applying configuration"
echo "Warning: a simulated one" >&2
line=1
while [ "$line" -le "\${lines:-0}" ]; do
  sleep "\${pause:-0}"
  echo "Notice: step $line"
  line=$((line + 1))
done
if [ "\${code:-0}" != 0 ]; then echo "Error: could not be applied" >&2; exit "$code"; fi
file=/etc/puppet/ronin_settings
mkdir -p /etc/puppet || exit 1
if [ -e "$file" ]; then sha=$(sha256sum <"$file") && sha="\\"\${sha%% *}\\""; else sha=null; fi
printf '{"schema_version":1,"ts":"%s","success":true,"exit_code":0,"role":"%s","git_sha":"%s","override_sha":%s}\\n' \\
  "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$(cat /etc/puppet_role 2>/dev/null)" \\
  0000000000000000000000000000000000000000 "$sha" >/etc/puppet/last_run_metadata.json.new &&
  mv /etc/puppet/last_run_metadata.json.new /etc/puppet/last_run_metadata.json &&
  echo "Notice: Applied configuration"
`;

const power = ["reboot", "shutdown", "halt", "poweroff", "systemctl", "init", "telinit"];

const fakes = new Map([
  ["sudo", fakeSudo],
  ["run-puppet.sh", fakePuppet],
  ...power.map((name) => [name, fakePower] as const),
]);

/** Each fake stands wherever a program of its name could be called, by its absolute path, too. */
const writeFakes = async (folder: string): Promise<void> => {
  const places = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"];
  for (const place of places) {
    const found = await lstat(place).catch(() => undefined);
    if (found?.isDirectory() !== true) continue;
    const layer = place.startsWith("/usr/") ? "/usr" : place;
    const into = join(layerOf(folder, layer), "upper", place.slice(layer.length));
    await mkdir(into, { recursive: true, mode: 0o755 });
    for (const [name, text] of fakes) await writeFile(join(into, name), text, { mode: 0o755 });
  }
};
