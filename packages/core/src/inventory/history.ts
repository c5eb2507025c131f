// Decides what of many looks at hosts is kept: the newest few of each host, the last that was answered, and no override that none of them saw.

import type { Batch } from "../store/store.ts";
import { compareText } from "../words/diagnostic.ts";
import type { HostObservation, Sighting } from "../words/host.ts";
import {
  type ContentRecord,
  type HistoryRecord,
  recordKey,
  type StoreRecord,
} from "../words/record.ts";
import { hasAnswered, neverSeen, sight } from "./sighting.ts";

/** Whose shares of the store these are; apart, so that a list of hosts reads no history. */
export const sightingsOwner = "muster sightings";
export const historyOwner = "muster looks";

/** Looks that are kept of a host, beside the last that it answered. */
export const looksKept = 10;

/** A look, and the bytes of the override when it brought them. */
export interface Look {
  readonly observation: HostObservation;
  /** Base64, and its SHA-256 is the `overrideSha` of the facts. */
  readonly override: string | null;
}

/** What is known of one host before. */
export interface Kept {
  readonly sighting: Sighting | null;
  readonly history: ReadonlyArray<HostObservation>;
}

/**
 * What is written after these looks: the sightings, and then the history. Told twice, it is the
 * same. `before` answers what is kept of a host; of the history no more than `looksKept` stays.
 */
export const recordLooks = (
  looks: ReadonlyArray<Look>,
  before: (host: string) => Kept,
): ReadonlyArray<Batch> => {
  const byHost = Map.groupBy(looks, ({ observation }) => observation.host);
  const hosts = Array.from(byHost, ([host, brought]) => {
    const kept = before(host);
    const observations = brought.map(({ observation }) => observation);
    return {
      sighting: observations.reduce(sight, kept.sighting ?? neverSeen(host)),
      history: historyAfter(host, [...kept.history, ...observations]),
    };
  });
  return [
    {
      owner: historyOwner,
      puts: [...hosts.map(({ history }) => history), ...contentsOf(looks)],
    },
    {
      owner: sightingsOwner,
      puts: hosts.map(({ sighting }) => ({ _tag: "Sighting" as const, sighting })),
    },
  ];
};

const historyAfter = (host: string, looks: ReadonlyArray<HostObservation>): HistoryRecord => {
  const newestFirst = Array.from(new Map(looks.map((look) => [look.at, look])).values()).toSorted(
    (a, b) => compareText(b.at, a.at),
  );
  const newest = newestFirst.slice(0, looksKept);
  const answered = newestFirst.find(hasAnswered);
  const isOlder = answered !== undefined && !newest.includes(answered);
  return { _tag: "History", host, looks: isOlder ? [...newest, answered] : newest };
};

const contentsOf = (looks: ReadonlyArray<Look>): ReadonlyArray<ContentRecord> =>
  looks.flatMap(({ observation, override }) => {
    const sha256 = observation.facts?.overrideSha;
    if (override === null || sha256 === undefined || sha256 === null) return [];
    return [{ _tag: "Content" as const, sha256, base64: override }];
  });

/** Deletes the overrides that no kept look has seen; `records` is the whole share of the history. */
export const forgetContents = (records: ReadonlyArray<StoreRecord>): Batch => {
  const seen = new Set(
    records.flatMap((record) =>
      record._tag === "History" ? record.looks.map(({ facts }) => facts?.overrideSha) : [],
    ),
  );
  return {
    owner: historyOwner,
    deletes: records
      .filter((record) => record._tag === "Content" && !seen.has(record.sha256))
      .map(recordKey),
  };
};
