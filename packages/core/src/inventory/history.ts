// Decides what of many looks at hosts is kept: the newest few of each host, the last that was answered, and no override that none of them saw.

import type { Batch } from "../store/store.ts";
import { compareText } from "../words/diagnostic.ts";
import type { HostObservation, Sighting } from "../words/host.ts";
import { type ContentRecord, recordKey, type StoreRecord } from "../words/record.ts";
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
  readonly history: ReadonlyArray<HostObservation> | null;
}

/**
 * What is written after these looks: the history, and then the sightings. Told twice, it is the
 * same. `before` answers what is kept of a host; each batch is refused when that is no longer so.
 */
export const recordLooks = (
  looks: ReadonlyArray<Look>,
  before: (host: string) => Kept,
): ReadonlyArray<Batch> => {
  const byHost = Map.groupBy(looks, ({ observation }) => observation.host);
  const hosts = Array.from(byHost, ([host, brought]) => {
    const kept = before(host);
    const observations = brought.map(({ observation }) => observation);
    const sighting = [...unsighted(kept), ...observations].reduce(
      sight,
      kept.sighting ?? neverSeen(host),
    );
    return {
      sighting: change(kept.sighting && sightingRecord(kept.sighting), sightingRecord(sighting)),
      history: change(
        kept.history && historyRecord(host, kept.history),
        historyRecord(host, newest([...(kept.history ?? []), ...observations])),
      ),
    };
  });
  return [
    batchOf(
      historyOwner,
      hosts.map(({ history }) => history),
      contentsOf(looks),
    ),
    batchOf(
      sightingsOwner,
      hosts.map(({ sighting }) => sighting),
    ),
  ];
};

/**
 * Looks that stand in the history and are not known yet, the oldest first: who wrote them died
 * before the second batch.
 */
const unsighted = ({ sighting, history }: Kept): ReadonlyArray<HostObservation> => {
  const known = sighting?.contact?.at ?? "";
  return (history ?? [])
    .filter(({ contact, at }) => contact !== undefined && at > known)
    .toReversed();
};

interface Change {
  readonly before: StoreRecord | null;
  readonly after: StoreRecord;
}

const change = (before: StoreRecord | null, after: StoreRecord): Change => ({ before, after });

const batchOf = (
  owner: string,
  changes: ReadonlyArray<Change>,
  others: ReadonlyArray<StoreRecord> = [],
): Batch => ({
  owner,
  unchanged: changes.flatMap(({ before }) => (before === null ? [] : [before])),
  absent: changes.flatMap(({ before, after }) => (before === null ? [recordKey(after)] : [])),
  puts: [...changes.map(({ after }) => after), ...others],
});

const sightingRecord = (sighting: Sighting): StoreRecord => ({ _tag: "Sighting", sighting });

const historyRecord = (host: string, looks: ReadonlyArray<HostObservation>): StoreRecord => ({
  _tag: "History",
  host,
  looks,
});

/** Newest first, of one time the one that was told last; and the last answer, however old. */
const newest = (looks: ReadonlyArray<HostObservation>): ReadonlyArray<HostObservation> => {
  const newestFirst = Array.from(new Map(looks.map((look) => [look.at, look])).values()).toSorted(
    (a, b) => compareText(b.at, a.at),
  );
  const few = newestFirst.slice(0, looksKept);
  const answered = newestFirst.find(hasAnswered);
  const isOlder = answered !== undefined && !few.includes(answered);
  return isOlder ? [...few, answered] : few;
};

const contentsOf = (looks: ReadonlyArray<Look>): ReadonlyArray<ContentRecord> =>
  looks.flatMap(({ observation, override }) => {
    const sha256 = observation.facts?.overrideSha;
    if (override === null || sha256 === undefined || sha256 === null) return [];
    return [{ _tag: "Content" as const, sha256, base64: override }];
  });

/** The overrides that stand in these records, by their SHA-256. */
export const overridesIn = (records: ReadonlyArray<StoreRecord>): ReadonlySet<string> => {
  const seen = records.flatMap((record) => {
    if (record._tag === "Sighting") return [record.sighting.overrideSha?.value];
    return record._tag === "History" ? record.looks.map(({ facts }) => facts?.overrideSha) : [];
  });
  return new Set(seen.filter((sha) => typeof sha === "string"));
};

/** What stood in the records of these hosts before, and does so no more: others may have seen it. */
export const overridesLeft = (
  before: Iterable<Kept>,
  batches: ReadonlyArray<Batch>,
): ReadonlySet<string> => {
  const known = Array.from(before).flatMap(({ sighting, history }) => [
    ...(sighting === null ? [] : [sightingRecord(sighting)]),
    ...(history === null ? [] : [historyRecord("", history)]),
  ]);
  return without(overridesIn(known), overridesIn(batches.flatMap(({ puts = [] }) => puts)));
};

export const without = <A>(all: ReadonlySet<A>, others: ReadonlySet<A>): ReadonlySet<A> =>
  new Set(Array.from(all).filter((one) => !others.has(one)));

/** Deletes the bytes of these overrides. */
export const forgetContents = (overrides: ReadonlySet<string>): Batch => ({
  owner: historyOwner,
  deletes: Array.from(overrides, (sha256) => `Content/${sha256}`),
});
