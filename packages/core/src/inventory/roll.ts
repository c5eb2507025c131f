// Decides what a person's word does to the roll of hosts: one batch with its audit entry, or a refusal with its remedy.

import { nearest } from "../read/suggest.ts";
import type { Batch } from "../store/store.ts";
import type { AuditDraft } from "../words/audit.ts";
import { canonicalJson } from "../words/canonical.ts";
import type { HostAddress } from "../words/contact.ts";
import { compareText } from "../words/diagnostic.ts";
import type { Host, Keeper, Population, PopulationMark, Seed } from "../words/host.ts";
import type { Refusal } from "../words/plan.ts";
import { quote } from "../words/quote.ts";
import { recordKey, type StoreRecord } from "../words/record.ts";
import { changedLabels, type LabelChanges } from "./labels.ts";

/** Whose share of the store the inventory is. */
export const inventoryOwner = "muster inventory";

/** All that the inventory remembers of what people said, by name. */
export interface Roll {
  readonly seeds: ReadonlyMap<string, Seed>;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly populations: ReadonlyMap<string, Population>;
}

export const rollOf = (records: ReadonlyArray<StoreRecord>): Roll => {
  const seeds = new Map<string, Seed>();
  const hosts = new Map<string, Host>();
  const populations = new Map<string, Population>();
  for (const record of records) {
    if (record._tag === "Seed") seeds.set(record.seed.address.host, record.seed);
    if (record._tag === "Host") hosts.set(record.host.address.host, record.host);
    if (record._tag === "Population") populations.set(record.population.name, record.population);
  }
  return { seeds, hosts, populations };
};

/** Who acts, when, and why. */
export interface Word {
  readonly actor: AuditDraft["actor"];
  readonly keeper: Keeper;
  /** ISO 8601. */
  readonly at: string;
  /** Nothing where none was asked for. */
  readonly reason: string | null;
  /** The document that says it, as `formatAddress` spells it; nothing for a person's own word. */
  readonly document?: string;
}

/** What comes of a word: which of those that it names change, and which were so already. */
export interface Decided {
  readonly changed: ReadonlyArray<string>;
  readonly unchanged: ReadonlyArray<string>;
  /** Empty when nothing changes: then nothing is written, and nothing audited. */
  readonly batch: Batch;
  /**
   * Whether it was also decided on who is not there, which no record can hold still: then it wants
   * that nothing is audited between the look at the roll and the commit.
   */
  readonly ofAbsent: boolean;
}

export type Decision = { readonly decided: Decided } | { readonly refused: Refusal };

/** The seeds of these addresses are there afterwards, each as it is spelled here. */
export const addSeeds = (
  { seeds }: Roll,
  addresses: ReadonlyArray<HostAddress>,
  word: Word,
): Decision => {
  const edits = addresses.map((address): Edit => {
    const before = seeds.get(address.host);
    const seed = { address, keeper: word.keeper, addedAt: before?.addedAt ?? word.at };
    return edit(address.host, seedRecord(before), seedRecord(seed));
  });
  return (
    kept(
      addresses.map(({ host }) => [host, seeds.get(host)?.keeper]),
      word,
    ) ?? decide("add seeds", edits, word)
  );
};

/** The seeds of these hosts are gone afterwards; the hosts stay on the roll. */
export const removeSeeds = ({ seeds }: Roll, names: ReadonlyArray<string>, word: Word): Decision =>
  unknown("seed", names, seeds) ??
  kept(
    names.map((name) => [name, seeds.get(name)?.keeper]),
    word,
  ) ??
  decide(
    "remove seeds",
    names.map((name) => edit(name, seedRecord(seeds.get(name)), null)),
    word,
  );

/** Every seed is a host on the roll afterwards; one that is there keeps what people said of it. */
export const discover = (
  { seeds, hosts }: Roll,
  names: ReadonlyArray<string>,
  word: Word,
): Decision =>
  unknown("seed", names, seeds) ??
  decide(
    "discover hosts",
    names.map((name) => {
      const { address } = seeds.get(name)!;
      const before = hosts.get(name);
      const found: Host = before ?? {
        address,
        discoveredAt: word.at,
        population: null,
        expectedRole: null,
        disabled: null,
        labels: {},
      };
      return edit(name, hostRecord(before), hostRecord({ ...found, address }));
    }),
    word,
  );

/**
 * The population is as given afterwards. One that is new must not be there, unless it is just so:
 * then who makes it may have died before the answer. An edit must find it.
 */
export const putPopulation = (
  { populations }: Roll,
  population: Omit<Population, "keeper" | "mark">,
  how: "create" | "edit",
  word: Word,
): Decision => {
  const { name } = population;
  const before = populations.get(name);
  const after = { ...population, keeper: word.keeper };
  const isOther = before !== undefined && canonicalJson(before) !== canonicalJson(after);
  if (how === "create" && isOther) {
    return refuse("Exists", `the population ${quote(name)} is there already`, {
      remedy: `change it with: population edit ${name}`,
    });
  }
  return (
    (how === "edit" ? unknown("population", [name], populations) : null) ??
    kept([[name, before?.keeper]], word) ??
    decide(
      `${how} population`,
      [edit(name, populationRecord(before), populationRecord(after))],
      word,
      {
        population: after,
      },
    )
  );
};

/**
 * The population and its seeds are as a document says afterwards: seeds of it that the document does
 * not have any more go, and take no host with them. Refused where anybody else keeps one of them.
 */
export const keepPopulation = (
  { populations, seeds }: Roll,
  population: Omit<Population, "keeper">,
  addresses: ReadonlyArray<HostAddress>,
  word: Word,
): Decision => {
  const { name } = population;
  const before = populations.get(name);
  const after = { ...population, keeper: word.keeper };
  const asked = new Set(addresses.map(({ host }) => host));
  const left = seedsKept(seeds, word.keeper).filter(({ address }) => !asked.has(address.host));
  const edits = [
    edit(name, populationRecord(before), populationRecord(after)),
    ...addresses.map((address) => {
      const known = seeds.get(address.host);
      const seed = { address, keeper: word.keeper, addedAt: known?.addedAt ?? word.at };
      return edit(address.host, seedRecord(known), seedRecord(seed));
    }),
    ...left.map((seed) => edit(seed.address.host, seedRecord(seed), null)),
  ];
  return (
    kept(
      [
        [name, before?.keeper],
        ...addresses.map(({ host }) => [host, seeds.get(host)?.keeper] as const),
      ],
      word,
    ) ??
    decide("keep population", edits, word, {
      population: after,
      seeds: asked.size,
      left: left.length,
    })
  );
};

/** A population that was kept elsewhere is this document's from now on; it stays as it is. */
export const takeOverPopulation = (
  { populations }: Roll,
  name: string,
  mark: PopulationMark,
  word: Word,
): Decision => {
  const before = populations.get(name);
  return (
    unknown("population", [name], populations) ??
    decide(
      "take over population",
      [
        edit(
          name,
          populationRecord(before),
          populationRecord({ ...before!, keeper: word.keeper, mark }),
        ),
      ],
      word,
      { from: placeOf(before!.keeper) },
    )
  );
};

/** The seeds that this keeper brought, by name. */
export const seedsKept = (seeds: Roll["seeds"], keeper: Keeper): ReadonlyArray<Seed> =>
  Array.from(seeds.values())
    .filter((seed) => placeOf(seed.keeper) === placeOf(keeper))
    .toSorted((a, b) => compareText(a.address.host, b.address.host));

/** Refused while hosts are assigned to it: they would belong to nothing. Its document's seeds go along. */
export const deletePopulation = (
  { populations, hosts, seeds }: Roll,
  name: string,
  word: Word,
): Decision => {
  const own = word.keeper.by === "git" ? seedsKept(seeds, word.keeper) : [];
  const assigned = Array.from(hosts.values()).filter((host) => host.population === name);
  const inUse = () =>
    refuse(
      "InUse",
      `hosts that are assigned to the population ${quote(name)}: ${assigned.length}`,
      {
        remedy: "assign them to another population first",
      },
    );
  return (
    unknown("population", [name], populations) ??
    kept([[name, populations.get(name)?.keeper]], word) ??
    (assigned.length > 0 ? inUse() : null) ??
    ofAbsent(
      decide(
        "delete population",
        [
          edit(name, populationRecord(populations.get(name)), null),
          ...own.map((seed) => edit(seed.address.host, seedRecord(seed), null)),
        ],
        word,
      ),
    )
  );
};

/**
 * The hosts belong to the population afterwards, and are expected to have its role. A population
 * that names no role leaves what is expected of each host as it was.
 */
export const assign = (
  { hosts, populations }: Roll,
  names: ReadonlyArray<string>,
  population: string,
  word: Word,
): Decision => {
  const known = populations.get(population);
  if (known === undefined) return unknown("population", [population], populations)!;
  const change = (host: Host): Host => ({
    ...host,
    population,
    expectedRole: known.expectedRole ?? host.expectedRole,
  });
  // The role is the population's: of one that is another by now, or gone, hosts would keep the old.
  const ground: ReadonlyArray<StoreRecord> = [{ _tag: "Population", population: known }];
  return editHosts("assign population", hosts, names, word, { population }, change, ground);
};

/** Nothing: no role is expected any more, and the host is eligible for nothing. */
export const expectRole = (
  { hosts }: Roll,
  names: ReadonlyArray<string>,
  role: string | null,
  word: Word,
): Decision =>
  editHosts(
    role === null ? "clear expected role" : "set expected role",
    hosts,
    names,
    word,
    { role },
    (host) => ({ ...host, expectedRole: role }),
  );

/** Each of the labels has its value afterwards, or is gone; the others stay. */
export const label = (
  { hosts }: Roll,
  names: ReadonlyArray<string>,
  changes: LabelChanges,
  word: Word,
): Decision =>
  editHosts("label", hosts, names, word, { labels: Object.fromEntries(changes) }, (host) => ({
    ...host,
    labels: changedLabels(host.labels, changes),
  }));

/** Disabled with the reason of the word, which it must have, or enabled again. */
export const setDisabled = (
  { hosts }: Roll,
  names: ReadonlyArray<string>,
  disabled: boolean,
  word: Word,
): Decision => {
  const reason = word.reason?.trim() ?? "";
  if (reason === "") {
    return refuse("NoReason", "there is no reason", { remedy: "say why with --reason" });
  }
  const by = word.actor.verified ?? word.actor.claimed;
  return editHosts(disabled ? "disable" : "enable", hosts, names, word, {}, (host) => {
    if (!disabled) return { ...host, disabled: null };
    const before = host.disabled;
    // Said once more, such as after an answer that never came, it is so since it was said first.
    const isSo = before !== null && before.reason === reason && before.by === by;
    return isSo ? host : { ...host, disabled: { reason, by, at: word.at } };
  });
};

interface Edit {
  readonly name: string;
  readonly before: StoreRecord | null;
  /** Nothing: it goes. */
  readonly after: StoreRecord | null;
}

const edit = (name: string, before: StoreRecord | null, after: StoreRecord | null): Edit => ({
  name,
  before,
  after,
});

const seedRecord = (seed: Seed | undefined): StoreRecord | null =>
  seed === undefined ? null : { _tag: "Seed", seed };

const hostRecord = (host: Host | undefined): StoreRecord | null =>
  host === undefined ? null : { _tag: "Host", host };

const populationRecord = (population: Population | undefined): StoreRecord | null =>
  population === undefined ? null : { _tag: "Population", population };

const editHosts = (
  action: string,
  hosts: Roll["hosts"],
  names: ReadonlyArray<string>,
  word: Word,
  parameters: AuditDraft["parameters"],
  change: (host: Host) => Host,
  ground: ReadonlyArray<StoreRecord> = [],
): Decision =>
  unknown("host", names, hosts) ??
  decide(
    action,
    names.map((name) => {
      const host = hosts.get(name)!;
      return edit(name, hostRecord(host), hostRecord(change(host)));
    }),
    word,
    parameters,
    ground,
  );

/** The same, decided on who is not named by it, too: such as who a query does not find. */
export const ofAbsent = (decision: Decision): Decision =>
  "decided" in decision ? { decided: { ...decision.decided, ofAbsent: true } } : decision;

/** One batch, on the ground that nobody else has changed what it was decided on. */
const decide = (
  action: string,
  edits: ReadonlyArray<Edit>,
  word: Word,
  parameters: AuditDraft["parameters"] = {},
  ground: ReadonlyArray<StoreRecord> = [],
): Decision => {
  const differs = ({ before, after }: Edit) => canonicalJson(before) !== canonicalJson(after);
  const changes = edits.filter(differs);
  const changed = changes.map(({ name }) => name).toSorted(compareText);
  const unchanged = edits.filter((one) => !differs(one)).map(({ name }) => name);
  const owner = inventoryOwner;
  if (changes.length === 0) {
    return { decided: { changed, unchanged, batch: { owner }, ofAbsent: false } };
  }
  return {
    decided: {
      changed,
      unchanged,
      ofAbsent: false,
      batch: {
        owner,
        unchanged: [
          ...ground,
          ...changes.flatMap(({ before }) => (before === null ? [] : [before])),
        ],
        absent: changes.flatMap(({ before, after }) =>
          before === null && after !== null ? [recordKey(after)] : [],
        ),
        puts: changes.flatMap(({ after }) => (after === null ? [] : [after])),
        deletes: changes.flatMap(({ before, after }) =>
          after === null && before !== null ? [recordKey(before)] : [],
        ),
        audit: [entryOf(action, changed, word, parameters)],
      },
    },
  };
};

export const entryOf = (
  action: string,
  targets: ReadonlyArray<string>,
  { actor, at, reason, document }: Word,
  parameters: AuditDraft["parameters"],
): AuditDraft => ({
  at,
  phase: "note",
  action,
  actor,
  owner: inventoryOwner,
  run: "command",
  document: document ?? null,
  revision: null,
  plan: null,
  targets,
  parameters,
  gates: [],
  forced: false,
  reason: {
    code: document === undefined ? "PersonAsked" : "DocumentAsked",
    text: reason ?? "",
  },
  approval: { mode: "self", by: actor.verified ?? actor.claimed, digest: null },
  outcome: null,
  follows: null,
});

const refuse = (
  code: string,
  text: string,
  { remedy }: { readonly remedy: string },
): { readonly refused: Refusal } => ({ refused: { reason: { code, text }, remedy } });

/** The first of the names that is not there. */
const unknown = (
  what: string,
  names: ReadonlyArray<string>,
  known: ReadonlyMap<string, unknown>,
): Decision | null => {
  const missing = names.find((name) => !known.has(name));
  if (missing === undefined) return null;
  const near = nearest(missing, Array.from(known.keys()));
  return refuse("Unknown", `there is no ${what} ${quote(missing)}`, {
    remedy: near === undefined ? `list them with: ${listed[what]}` : `did you mean ${quote(near)}?`,
  });
};

const listed: Readonly<Record<string, string>> = {
  seed: "inventory seed list",
  host: "host list",
  population: "population list",
};

/** A record has one keeper; who is another one is told where it is kept. */
const kept = (
  keepers: ReadonlyArray<readonly [name: string, keeper: Keeper | undefined]>,
  { keeper: own }: Word,
): Decision | null => {
  for (const [name, keeper] of keepers) {
    if (keeper === undefined || placeOf(keeper) === placeOf(own)) continue;
    return refuse("KeptElsewhere", `${quote(name)} is kept ${placeOf(keeper)}`, {
      remedy: keeper.by === "git" ? "change it there" : "remove it there first",
    });
  }
  return null;
};

/** Where a record is kept, for people, and to tell one place from another. */
export const placeOf = (keeper: Keeper): string =>
  keeper.by === "git" ? `by the document ${quote(keeper.place)}` : "by the command line";
