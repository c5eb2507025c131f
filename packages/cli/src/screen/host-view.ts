// Shows hosts: one line each in a list, all that is known of one, and its past looks, each with its age.

import { escapeText, quote } from "@muster/core";
import type { HostView } from "@muster/core/inventory/host-row";
import { formatAddress } from "@muster/core/inventory/seed-file";
import type { HostObservation, Population, Seed, Sighting } from "@muster/core/words/host";
import { contactRemedies } from "@muster/core/words/remedy";
import { viewAgo } from "./moment.ts";
import { tableWidth, viewTable } from "./table.ts";

const unknown = "?";
const none = "-";

/** As long as the name of a host may be, with its user and port: who reads it wants to type it. */
const longestName = 400;

/** `?` is never seen, `-` is known to be none. */
const told = (value: string | null | undefined): string =>
  value === undefined ? unknown : value === null ? none : escapeText(value, longestName);

export const viewHosts = (
  views: ReadonlyArray<HostView>,
  { matched, all, seeds, place }: Counts,
  now: number,
  width: number | null,
): string => {
  if (all === 0) {
    return seeds === 0
      ? `no hosts yet  (${place})\nadd seeds with: inventory seed add HOST, or: inventory seed sync --from-file FILE`
      : `no hosts yet, and ${seeds} seeds: look at them with: inventory refresh --seed all`;
  }
  if (views.length === 0) return `none of ${all} hosts`;
  const columns = fitting(hostColumns, views, now, width);
  const heading = columns.map(({ heading: text }) => text);
  const rows = views.map((view) => columns.map(({ cell }) => cell(view, now)));
  const shown = views.length < matched ? `, ${views.length} shown` : "";
  const table = viewTable([heading, ...rows], width, "at the end");
  return [...table, `${matched} of ${all} hosts${shown}`].join("\n");
};

/** How many were found, how many hosts there are, and how many seeds, and where. */
export interface Counts {
  readonly matched: number;
  readonly all: number;
  readonly seeds: number;
  /** The store that was asked. */
  readonly place: string;
}

interface HostColumn {
  readonly heading: string;
  readonly cell: (view: HostView, now: number) => string;
  /** Whether a screen that is too narrow for all does without it. */
  readonly spare?: true;
}

const hostColumns: ReadonlyArray<HostColumn> = [
  { heading: "HOST", cell: ({ host }) => escapeText(host.address.host, longestName) },
  { heading: "ROLE", cell: ({ sighting }) => told(sighting.role?.value) },
  { heading: "EXPECTED", cell: ({ host }) => told(host.expectedRole), spare: true },
  { heading: "POPULATION", cell: ({ host }) => told(host.population), spare: true },
  { heading: "SSH", cell: ({ sighting }) => viewContact(sighting) },
  { heading: "DRIFT", cell: ({ drift }) => viewDriftTypes(drift) },
  {
    heading: "SEEN",
    cell: ({ sighting }, now) =>
      sighting.lastSeen === null ? "never" : viewAgo(sighting.lastSeen, now),
  },
];

/** Leaves spare columns out, the last first, until the others fit. */
const fitting = (
  columns: ReadonlyArray<HostColumn>,
  views: ReadonlyArray<HostView>,
  now: number,
  width: number | null,
): ReadonlyArray<HostColumn> => {
  const rows = [
    columns.map(({ heading }) => heading),
    ...views.map((view) => columns.map(({ cell }) => cell(view, now))),
  ];
  const spare = columns.findLastIndex(({ spare: isSpare }) => isSpare);
  return width === null || spare < 0 || tableWidth(rows) <= width
    ? columns
    : fitting(columns.toSpliced(spare, 1), views, now, width);
};

const viewContact = ({ contact }: Sighting): string =>
  contact === undefined ? unknown : (contact.value.reason ?? "ok");

/** How a contact ended, and at which of its steps. */
export const viewEnd = (contact: HostObservation["contact"]): string => {
  if (contact === undefined) return unknown;
  if (contact.reason === null) return "ok";
  return contact.step === null ? contact.reason : `${contact.reason} at ${contact.step}`;
};

/** While any sort of drift cannot be told, that there is none is unknown. */
const viewDriftTypes = ({ drifts, unknown: untold }: HostView["drift"]): string => {
  if (drifts.length > 0) return drifts.map(({ type }) => type).join(" ");
  return untold.length > 0 ? unknown : none;
};

/** What a contact said, without the name of the host that stands beside it. */
export const viewMessage = (host: string, message: string | null): string => {
  const name = `${quote(host)}: `;
  const said = message ?? "";
  return escapeText(said.startsWith(name) ? said.slice(name.length) : said, messageLimit);
};

/** Long enough for an address, a key's fingerprint and a place in a file. */
const messageLimit = 200;

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
    ["labels", viewLabels(host.labels)],
    ["role", seen(role, told(role?.value))],
    ["ssh", seen(contact, viewEnd(contact?.value))],
    ...viewTrouble(sighting),
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
    escapeText(formatAddress(host.address), longestName),
    ...viewTable(
      rows.map(([name, value]) => [`  ${name}`, value]),
      null,
    ),
    ...(override === null ? [] : ["  override contents", ...viewText(override)]),
  ].join("\n");
};

/** Why it did not answer last, and what can be done. */
const viewTrouble = ({ host, contact }: Sighting): ReadonlyArray<readonly [string, string]> => {
  const { reason = null, message = null } = contact?.value ?? {};
  if (reason === null) return [];
  return [
    ["", viewMessage(host, message)],
    ["", contactRemedies[reason]],
  ];
};

const viewLabels = (labels: HostView["host"]["labels"]): string => {
  const all = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return all.length === 0 ? none : escapeText(all.toSorted().join(" "), 1_000);
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
  const rows = looks.map(({ host, at, contact, facts, trouble }) => [
    at,
    viewAgo(at, now),
    viewEnd(contact),
    told(facts?.role),
    told(facts?.overrideSha?.slice(0, 12) ?? facts?.overrideSha),
    viewMessage(host, contact?.message ?? trouble ?? ""),
  ]);
  return viewTable([["AT", "AGE", "SSH", "ROLE", "OVERRIDE", "MESSAGE"], ...rows], width).join(
    "\n",
  );
};

export const viewSeeds = (seeds: ReadonlyArray<Seed>, width: number | null): string =>
  viewTable(
    [
      ["SEED", "KEPT", "ADDED"],
      ...seeds.map(({ address, keeper, addedAt }) => [
        escapeText(formatAddress(address), longestName),
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
  viewTable(
    [
      ["POPULATION", "HOSTS", "EXPECTED ROLE", "TARGETS", "DESCRIPTION"],
      ...views.map(({ population, hosts }) => [
        escapeText(population.name, longestName),
        `${hosts}`,
        told(population.expectedRole),
        told(population.targetQuery),
        told(population.description),
      ]),
    ],
    width,
  ).join("\n");
