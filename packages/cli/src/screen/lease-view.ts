// Decides how a lease is told: who holds it, until when, and what to do when nobody can read it.

import { canonicalJson, escapeText, type JsonObject } from "@muster/core";
import { viewAgo, viewTime } from "./moment.ts";

/** A lease in git or in a store, in the same words. */
export interface LeaseView {
  readonly kind: "git" | "store";
  /** The branch and its repository, or the store. */
  readonly place: string;
  readonly state: "held" | "free" | "never held" | "unreadable";
  readonly version: number | null;
  readonly holder: string | null;
  /** Milliseconds since the epoch: until when it is held, or was; nothing when it was given back. */
  readonly until: number | null;
  /** When it last moved, when that is kept. */
  readonly movedAt: number | null;
  readonly fault: string | null;
}

const leaseRemedy = (lease: LeaseView): string | null => {
  const steal = `muster lease steal --reason TEXT${lease.kind === "git" ? " --repo URL --env NAME" : ""}`;
  if (lease.state === "unreadable") {
    return `nobody can apply; see who pushes there, stop every runner of this environment, then: ${steal}`;
  }
  return lease.state === "held"
    ? `it ends by itself unless it is renewed; when its holder hangs: ${steal}`
    : null;
};

export const viewLease = (lease: LeaseView, now: number): string => {
  const remedy = leaseRemedy(lease);
  return [
    `${lease.state}  ${escapeText(lease.place, 400)}${lease.version === null ? "" : `  version ${lease.version}`}`,
    ...detail(lease, now).map((line) => `  ${line}`),
    ...(remedy === null ? [] : [`  ${remedy}`]),
  ].join("\n");
};

const detail = (lease: LeaseView, now: number): ReadonlyArray<string> => {
  const { state, holder, until, movedAt } = lease;
  const told = holder === null ? "nobody" : escapeText(holder, 200);
  const moved = movedAt === null ? "" : `; last moved ${viewAgo(movedAt, now)}`;
  if (state === "unreadable") return [escapeText(lease.fault ?? "", 600)];
  if (state === "never held") return ["nobody has applied under it yet"];
  if (state === "held") {
    return [`by ${told} until ${viewTime(until!)} (${viewAgo(until!, now)})${moved}`];
  }
  return [`last held by ${told}${until === null ? "" : `, ended ${viewAgo(until, now)}`}${moved}`];
};

export const leaseAsJson = (lease: LeaseView): JsonObject => ({
  lease: lease.kind,
  place: lease.place,
  state: lease.state,
  version: lease.version,
  holder: lease.holder,
  until: lease.until === null ? null : new Date(lease.until).toISOString(),
  movedAt: lease.movedAt === null ? null : new Date(lease.movedAt).toISOString(),
  fault: lease.fault,
  remedy: leaseRemedy(lease),
});

/** As `lease show -o json` prints it. */
export const printLease = (lease: LeaseView): string => canonicalJson(leaseAsJson(lease));
