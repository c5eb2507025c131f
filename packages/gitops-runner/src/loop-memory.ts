// Keeps what a loop carries from tick to tick.

import type { UnitState } from "@muster/core/loop/engine";
import type { Registry } from "@muster/core/loop/registry";
import { readDocuments } from "@muster/core/read/read";
import { hasErrors } from "@muster/core/words/diagnostic";
import type { Document } from "@muster/core/words/document";
import type { Sighting } from "./fetch.ts";
import type { LoopState, Trouble } from "./loop-event.ts";
import type { Source } from "./source.ts";

/** What the loop carries from tick to tick. */
export interface Memory {
  readonly startedAt: number;
  ticks: number;
  lastTickAt: number | null;
  lastGoodTickAt: number | null;
  /** When the next tick is due, by the monotonic clock, in milliseconds. */
  dueAt: number;
  failures: number;
  trouble: Trouble | null;
  /** What was told of a lease that another holds. */
  takenBy: string | null;
  head: string | null;
  faults: number;
  /** The head whose faults were told already. */
  toldFaults: string | null;
  sighting: Sighting | null;
  /** Of the last reading without faults; nothing before there was one. */
  documents: ReadonlyArray<Document> | null;
  /** The last reading, as long as the head stays. */
  reading: { readonly source: Source["texts"]; readonly result: Reading } | null;
  /** Whether the store was told something since git was. */
  news: boolean;
  /** What the store held at the last tick: another runner may have told it what nobody published. */
  statuses: string | null;
  /** The status commit, and what of the store, as of which git says everything. */
  said: {
    readonly status: string | null;
    readonly audit: string;
    readonly statuses: string;
    /** They say where each status lies. */
    readonly documents: ReadonlyArray<Document>;
  } | null;
}

export const newMemory = (now: number): Memory => ({
  startedAt: now,
  ticks: 0,
  lastTickAt: null,
  lastGoodTickAt: null,
  dueAt: 0,
  failures: 0,
  trouble: null,
  takenBy: null,
  head: null,
  faults: 0,
  toldFaults: null,
  sighting: null,
  documents: null,
  reading: null,
  news: false,
  statuses: null,
  said: null,
});

export const stateOf = (
  memory: Memory,
  units: ReadonlyArray<UnitState>,
  holdsLease: boolean,
): LoopState => ({
  startedAt: memory.startedAt,
  ticks: memory.ticks,
  lastTickAt: memory.lastTickAt,
  lastGoodTickAt: memory.lastGoodTickAt,
  trouble: memory.trouble,
  head: memory.head,
  faults: memory.faults,
  units,
  holdsLease,
});

export const noteSource = (memory: Memory, source: Source): void => {
  memory.head = source.sighting.head;
  memory.sighting = source.sighting;
};

type Reading = ReturnType<typeof readDocuments>;

/** The same texts are read once. */
export const readOnce = (
  memory: Memory,
  { kinds }: Registry,
  { texts, faults }: Source,
): Reading => {
  if (hasErrors(faults)) return { documents: [], diagnostics: faults };
  if (memory.reading?.source !== texts) {
    memory.reading = { source: texts, result: readDocuments(kinds, texts) };
  }
  return memory.reading.result;
};
