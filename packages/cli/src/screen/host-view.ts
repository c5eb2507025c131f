// Shows hosts: one line each in a list, all that is known of one, and its past looks, each with its age.

import { escapeText } from "@muster/core";
import type { HostView } from "@muster/core/inventory/host-row";
import { formatAddress } from "@muster/core/inventory/seed-file";
import type { HostObservation, Population, Seed, Sighting } from "@muster/core/words/host";
import { viewAgo } from "./moment.ts";
import { viewTable } from "./table.ts";

const unknown = "?";
const none = "-";

/** `?` is never seen, `-` is known to be none. */
const told = (value: string | null | undefined): string =>
  value === undefined ? unknown : value === null ? none : escapeText(value);

export const viewHosts = (
  views: ReadonlyArray<HostView>,
  all: number,
  now: number,
  width: number | null,
): string => {
  if (views.length === 0) {
    return all === 0
      ? "no hosts yet: add seeds, then look at them with: inventory refresh --seed all"
      : `none of ${all} hosts`;
  }
  const rows = views.map(({ host, sighting, drift }) => [
    escapeText(host.address.host),
    told(sighting.role?.value),
    told(host.expectedRole),
    told(host.population),
    viewContact(sighting),
    viewDriftTypes(drift.drifts),
    sighting.lastSeen === null ? "never" : viewAgo(sighting.lastSeen, now),
  ]);
  const heading = ["HOST", "ROLE", "EXPECTED", "POPULATION", "SSH", "DRIFT", "SEEN"];
  return [...viewTable([heading, ...rows], width), `${views.length} of ${all} hosts`].join("\n");
};

const viewContact = ({ contact }: Sighting): string =>
  contact === undefined ? unknown : (contact.value.reason ?? "ok");

const viewDriftTypes = (drifts: HostView["drift"]["drifts"]): string =>
  drifts.length === 0 ? none : drifts.map(({ type }) => type).join(" ");

/** What a reader of the JSON gets of a host. */
export const hostAsJson = ({ host, sighting, drift, override }: HostView) => ({
  ...host,
  sighting,
  drift: drift.drifts,
  driftUnknown: drift.unknown,
  override,
});

export const viewHost = ({ host, sighting, drift, override }: HostView, now: number): string => {
  const seen = (piece: { readonly at: string } | undefined, text: string) =>
    piece === undefined ? unknown : `${text}  (${viewAgo(piece.at, now)})`;
  const { contact, dns, os, role, overrideSha, sudo, puppet, worker } = sighting;
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["population", told(host.population)],
    ["expected role", told(host.expectedRole)],
    ["role", seen(role, told(role?.value))],
    ["ssh", seen(contact, viewContact(sighting))],
    ["last seen", sighting.lastSeen === null ? "never" : viewAgo(sighting.lastSeen, now)],
    ["addresses", seen(dns, viewLookup(dns?.value))],
    ["sudo", seen(sudo, told(sudo?.value))],
    ["system", seen(os, told(os?.value))],
    ["override", seen(overrideSha, told(overrideSha?.value))],
    ["puppet", seen(puppet, viewPuppet(puppet?.value))],
    ["worker", seen(worker, viewWorker(worker?.value))],
    ["discovered", viewAgo(host.discoveredAt, now)],
    ...(host.disabled === null
      ? []
      : [
          [
            "disabled",
            `${escapeText(host.disabled.reason)}, by ${escapeText(host.disabled.by)}, ${viewAgo(host.disabled.at, now)}`,
          ] as const,
        ]),
    ...drift.drifts.map(
      ({ type, reason, since }) =>
        ["drift", `${type}: ${reason}  (${viewAgo(since, now)})`] as const,
    ),
    ...drift.unknown.map(
      ({ type, reason }) => ["drift unknown", `${type}: ${escapeText(reason)}`] as const,
    ),
  ];
  return [
    escapeText(formatAddress(host.address)),
    ...viewTable(
      rows.map(([name, value]) => [`  ${name}`, value]),
      null,
    ),
    ...(override === null ? [] : ["  override contents", ...viewText(override)]),
  ].join("\n");
};

const viewLookup = (
  lookup:
    | { readonly addresses: ReadonlyArray<string>; readonly trouble: string | null }
    | undefined,
): string =>
  lookup === undefined
    ? unknown
    : lookup.addresses.length > 0
      ? lookup.addresses.map((address) => escapeText(address)).join(" ")
      : escapeText(lookup.trouble ?? none);

type PuppetSeen = NonNullable<Sighting["puppet"]>["value"];

const viewPuppet = (run: PuppetSeen | undefined): string => {
  if (run === undefined || run === null) return told(run);
  const ended = run.success === null ? "no result" : run.success ? "success" : "failed";
  return `${ended}, ${run.sha === null ? "no revision" : escapeText(run.sha)}`;
};

type WorkerSeen = NonNullable<Sighting["worker"]>["value"];

const viewWorker = (worker: WorkerSeen | undefined): string =>
  worker === undefined || worker === null
    ? told(worker)
    : escapeText(`${worker.provisioner}/${worker.workerType} ${worker.id}`);

const mostLines = 40;

/** Text from a host: each line escaped, and not too many of them. */
const viewText = (text: string): ReadonlyArray<string> => {
  const lines = text.replace(/\n$/u, "").split("\n");
  const shown = lines.slice(0, mostLines).map((line) => `    ${escapeText(line, 200)}`);
  return lines.length > mostLines
    ? [...shown, `    … ${lines.length - mostLines} more lines`]
    : shown;
};

export const viewLooks = (
  looks: ReadonlyArray<HostObservation>,
  now: number,
  width: number | null,
): string => {
  if (looks.length === 0) return "no looks yet";
  const rows = looks.map(({ at, contact, facts, trouble }) => [
    at,
    viewAgo(at, now),
    contact === undefined ? unknown : (contact.reason ?? "ok"),
    told(facts?.role),
    told(facts?.overrideSha?.slice(0, 12) ?? facts?.overrideSha),
    escapeText(contact?.message ?? trouble ?? ""),
  ]);
  return viewTable([["AT", "AGE", "SSH", "ROLE", "OVERRIDE", "MESSAGE"], ...rows], width).join(
    "\n",
  );
};

export const viewSeeds = (seeds: ReadonlyArray<Seed>, width: number | null): string =>
  seeds.length === 0
    ? "no seeds yet"
    : viewTable(
        [
          ["SEED", "KEPT", "ADDED"],
          ...seeds.map(({ address, keeper, addedAt }) => [
            escapeText(formatAddress(address)),
            keeper.by === "git" ? escapeText(keeper.place) : "by the command line",
            addedAt,
          ]),
        ],
        width,
      ).join("\n");

export interface PopulationView {
  readonly population: Population;
  readonly hosts: number;
}

export const viewPopulations = (
  views: ReadonlyArray<PopulationView>,
  width: number | null,
): string =>
  views.length === 0
    ? "no populations yet"
    : viewTable(
        [
          ["POPULATION", "HOSTS", "EXPECTED ROLE", "TARGETS", "DESCRIPTION"],
          ...views.map(({ population, hosts }) => [
            escapeText(population.name),
            `${hosts}`,
            told(population.expectedRole),
            told(population.targetQuery),
            told(population.description),
          ]),
        ],
        width,
      ).join("\n");
