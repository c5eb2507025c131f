// Decides how a population in the inventory looks as the one member of its document's set.

import { digestOf } from "../../words/canonical.ts";
import { type DocumentAddress, formatAddress } from "../../words/document.ts";
import type { HostAddress } from "../../words/contact.ts";
import type { Keeper, Population } from "../../words/host.ts";
import type { Json, JsonObject } from "../../words/json.ts";
import { formatMember, type MemberName, parseMember } from "../../words/member.ts";
import type { Blocker, MemberSighting } from "../../words/provider.ts";
import { quote } from "../../words/quote.ts";
import { templateMark } from "../../words/set.ts";
import { placeOf, type Roll, seedsKept } from "../roll.ts";
import { readSeed } from "../seed-file.ts";
import { templateOfRecord } from "./kind.ts";

/** The one place where populations are. */
export const inventoryPlace = "inventory";

/** Names the document and whose it is: two environments with one name are two keepers. */
export const keeperOf = (document: DocumentAddress, owner: string): Keeper => ({
  by: "git",
  place: `${formatAddress(document)} of ${owner}`,
});

/** Another one for each generation: what is written over an earlier one ends that one. */
export const idOf = (name: string, member: string): string => `${name}@${member}`;

/** The population of the document's name, whoever keeps it. */
export const memberOf = (roll: Roll, document: DocumentAddress): MemberSighting | null => {
  const population = roll.populations.get(document.name);
  return population === undefined ? null : sightingOf(roll, population);
};

const sightingOf = (roll: Roll, population: Population): MemberSighting => {
  const { name, mark, keeper } = population;
  const seeds = mark === undefined ? [] : seedsKept(roll.seeds, keeper);
  const template = templateOfRecord(population, seeds);
  return {
    id: idOf(name, mark?.member ?? "by hand"),
    displayName: name,
    document: name,
    name: mark === undefined ? null : (parseMember(mark.member) ?? null),
    owner: mark?.owner ?? null,
    phase: "running",
    // One that was made by hand does not say when: it is older than any that a document made.
    createdAt: mark?.createdAt ?? new Date(0).toISOString(),
    place: inventoryPlace,
    template: templateMark(template),
    restart: null,
    health: null,
    version: digestOf([template, mark ?? null]).slice(0, 16),
  };
};

/** The member of this identifier: gone when another one stands in its place, or none. */
export const memberCalled = (roll: Roll, document: DocumentAddress, id: string): MemberSighting => {
  const now = memberOf(roll, document);
  return now?.id === id ? now : goneMember(document, id);
};

const goneMember = (document: DocumentAddress, id: string): MemberSighting => ({
  id,
  displayName: document.name,
  document: document.name,
  name: parseMember(id.slice(id.indexOf("@") + 1)) ?? null,
  owner: null,
  phase: "gone",
  createdAt: new Date(0).toISOString(),
  place: inventoryPlace,
  template: null,
  restart: null,
  health: null,
  version: null,
});

/** Seeds that others keep, and keep on keeping: nothing is written while there is one. */
export const blockersOf = (
  roll: Roll,
  { document, seeds }: Asking,
  others: ReadonlyArray<Asking>,
): ReadonlyArray<Blocker> =>
  seeds.flatMap(({ host }): ReadonlyArray<Blocker> => {
    const keeper = roll.seeds.get(host)?.keeper;
    if (keeper === undefined || isKeptBy(keeper, document)) return [];
    // It moves over within one commit: whoever has it lets it go in this turn.
    const holder = others.find((other) => isKeptBy(keeper, other.document));
    if (holder !== undefined && !holder.seeds.some((seed) => seed.host === host)) return [];
    const remedy =
      keeper.by === "git"
        ? "a seed is kept by one document: take it out of one of the two"
        : `remove it there first: muster inventory seed remove ${host}; the host stays on the roll`;
    const message = `the seed ${quote(host)} is kept ${placeOf(keeper)}`;
    return [{ reason: "Invalid", message, remedy }];
  });

/** The seeds that a document asks for. */
export interface Asking {
  readonly document: DocumentAddress;
  readonly seeds: ReadonlyArray<HostAddress>;
}

/** Whoever's document of this name it is: of another owner's, the member itself tells. */
const isKeptBy = (keeper: Keeper, document: DocumentAddress): boolean =>
  keeper.by === "git" && keeper.place.startsWith(`${formatAddress(document)} of `);

export const seedsOfTemplate = ({ seeds }: JsonObject): ReadonlyArray<HostAddress> =>
  (Array.isArray(seeds) ? seeds : []).flatMap((text) => {
    const read = readSeed(textOf(text) ?? "");
    return "fault" in read ? [] : [read.address];
  });

/** What a document says of its population, as `templateOf` put it. */
export const saidBy = ({
  expectedRole,
  targetQuery,
  description,
  workers,
}: JsonObject): Pick<Population, "expectedRole" | "targetQuery" | "description" | "workers"> => ({
  expectedRole: textOf(expectedRole),
  targetQuery: textOf(targetQuery),
  description: textOf(description),
  workers: workersOf(workers),
});

const workersOf = (workers: Json | undefined): Population["workers"] => {
  if (typeof workers !== "object" || workers === null || !("provisioner" in workers)) return null;
  const { provisioner, workerType } = workers;
  return { provisioner: textOf(provisioner) ?? "", workerType: textOf(workerType) ?? "" };
};

const textOf = (value: Json | undefined): string | null =>
  typeof value === "string" ? value : null;

export const isCalled = ({ name }: MemberSighting, member: MemberName): boolean =>
  name !== null && formatMember(name) === formatMember(member);
