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
  /** Every label that any host has: one that this host has not is known to be absent. */
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
  ip: dns === undefined ? undefined : (dns.value.addresses[0] ?? null),
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

/** By the name that a system gives itself; another kind than these three has no word here. */
const osOf = (os: string | undefined): string | undefined => {
  if (os === undefined || /bsd|sunos|solaris|aix/iu.test(os)) return undefined;
  if (/darwin|mac ?os/iu.test(os)) return "macos";
  return /windows/iu.test(os) ? "windows" : "linux";
};

const sudoOf = ({ sudo }: Sighting): boolean | undefined =>
  sudo === undefined || sudo.value === "unknown" ? undefined : sudo.value === "yes";

/** As the override sets it for the shell; unknown where its bytes were not kept. */
const branchOf = (override: string | null): string | null | undefined => {
  if (override === null) return undefined;
  const set = override.match(
    /^\s*(?:export\s+)?PUPPET_BRANCH=(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#;]*))/mu,
  );
  return set === null ? null : (set[1] ?? set[2] ?? set[3] ?? null);
};

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
    "tc.online": known === null ? false : lastActive && now - lastActive <= workerMillis,
    "tc.quarantined": known === null ? null : (known.quarantined ?? undefined),
    "tc.last_active": lastActive ?? null,
  };
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
