// Decides what the fields of queries say of a host: what was never seen is unknown, what is known to be absent is null.

import type { Row } from "../query/row.ts";
import type { Host, Sighting } from "../words/host.ts";
import type { DriftVerdict } from "./drift.ts";

export interface HostView {
  readonly host: Host;
  readonly sighting: Sighting;
  readonly drift: DriftVerdict;
  /** The text of the override that was seen last, where its bytes were kept. */
  readonly override: string | null;
}

export interface RowContext {
  /** Every label that any host has or anybody asks for: one that this host has not is known to be absent. */
  readonly labels: ReadonlyArray<string>;
  /** How long a worker may be silent and still count as online, in milliseconds. */
  readonly workerMillis: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export const hostRow = (view: HostView, context: RowContext): Row => ({
  ...wordFields(view.host, context.labels),
  ...contactFields(view.sighting),
  ...factFields(view),
  ...puppetFields(view.sighting),
  ...workerFields(view.sighting, context),
  drift: driftField(view.drift),
  // Nothing rolls out to hosts yet: that is known.
  rollout: null,
  stage: null,
});

const wordFields = (host: Host, labels: ReadonlyArray<string>): Row => ({
  host: host.address.host,
  expected_role: host.expectedRole,
  population: host.population,
  disabled: host.disabled !== null,
  discovered_at: Date.parse(host.discoveredAt),
  ...Object.fromEntries(labels.map((label) => [`label.${label}`, host.labels[label] ?? null])),
});

const contactFields = ({ dns, contact, lastSeen }: Sighting): Row => ({
  ip: dns?.value.addresses,
  sshable: contact === undefined ? undefined : contact.value.reason === null,
  last_seen: timeOf(lastSeen) ?? (contact === undefined ? undefined : null),
});

const factFields = ({ sighting, override }: HostView): Row => {
  const sha = sighting.overrideSha?.value;
  return {
    os: osOf(sighting.os?.value),
    role: sighting.role?.value,
    sudoable: sudoOf(sighting),
    override_present: sha === undefined ? undefined : sha !== null,
    override_sha: sha,
    override_branch: sha === null ? null : branchOf(override),
  };
};

/** Where a system that is none of these does not call itself one: what has such a name is Linux. */
const otherSystems =
  /bsd|dragonfly|sunos|solaris|illumos|omnios|openindiana|smartos|\baix\b|hp-ux|haiku|hurd|^gnu [0-9]|minix|\bqnx\b|vmkernel|\bz\/os\b/iu;

/** By the name in `/etc/os-release`, else by what `uname -sr` says. */
const osOf = (name: string | undefined): string | undefined => {
  if (name === undefined) return undefined;
  if (/^darwin\b|\bmac ?os\b/iu.test(name)) return "macos";
  // A shell for POSIX there calls its system by its own name.
  if (/^(?:mingw|msys|cygwin)|\bwindows\b|windows_nt/iu.test(name)) return "windows";
  return otherSystems.test(name) ? "other" : "linux";
};

const sudoOf = ({ sudo }: Sighting): boolean | undefined =>
  sudo === undefined || sudo.value === "unknown" ? undefined : sudo.value === "yes";

/**
 * As the override sets it for the shell, where the last word counts; unknown where its bytes were
 * not kept.
 */
const branchOf = (override: string | null): string | null | undefined => {
  if (override === null) return undefined;
  const set = Array.from(override.matchAll(branchPattern)).at(-1);
  const branch = set?.[1] ?? set?.[2] ?? set?.[3] ?? "";
  return branch === "" ? null : branch;
};

const branchPattern =
  /^[^\S\n]*(?:export[^\S\n]+)?PUPPET_BRANCH=(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#;]*))/gmu;

const puppetFields = ({ puppet }: Sighting): Row => {
  if (puppet === undefined) return {};
  const run = puppet.value ?? { success: null, at: null, sha: null, overrideSha: null };
  return {
    "puppet.success": run.success,
    "puppet.sha": run.sha,
    "puppet.override_sha": run.overrideSha,
    "puppet.last_run": timeOf(run.at) ?? null,
  };
};

const workerFields = ({ worker }: Sighting, { now, workerMillis }: RowContext): Row => {
  if (worker === undefined) return {};
  const known = worker.value;
  const lastActive = timeOf(known?.lastActive ?? null);
  return {
    "tc.pool": known === null ? null : `${known.provisioner}/${known.workerType}`,
    "tc.worker": known === null ? null : known.id,
    "tc.online":
      known === null ? false : isOnline(lastActive, Date.parse(worker.at), now, workerMillis),
    "tc.quarantined": known === null ? null : (known.quarantined ?? undefined),
    "tc.last_active": known === null ? null : lastActive,
  };
};

/** Active when it was looked for last, and the window has passed since: nobody knows. */
const isOnline = (
  lastActive: number | undefined,
  seenAt: number,
  now: number,
  workerMillis: number,
): boolean | undefined => {
  if (lastActive === undefined) return undefined;
  if (now - lastActive <= workerMillis) return true;
  return seenAt - lastActive <= workerMillis ? undefined : false;
};

/** What cannot be told of one sort of drift says nothing against what is known of the others. */
const driftField = ({ drifts, unknown }: DriftVerdict): Row[string] => ({
  known: drifts.map(({ type }) => type),
  unknown: unknown.map(({ type }) => type),
});

const timeOf = (time: string | null): number | undefined => {
  const millis = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(millis) ? undefined : millis;
};
