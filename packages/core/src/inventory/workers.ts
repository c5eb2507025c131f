// Decides which worker of Taskcluster a host is, by its short name: never guessed where several could be meant.

import { compareText } from "../words/diagnostic.ts";
import type { HostObservation, Worker, WorkerPool } from "../words/host.ts";
import type { ProviderError } from "../words/provider.ts";
import { quote } from "../words/quote.ts";
import type { Roll } from "./roll.ts";

/** A worker as a list shows it: its id is its own only within its group. */
export interface ListedWorker extends Worker {
  readonly group: string;
}

/** All workers of a pool, or why there are none: a half-read list is no list. */
export type PoolReading =
  | { readonly pool: WorkerPool; readonly workers: ReadonlyArray<ListedWorker> }
  | { readonly pool: WorkerPool; readonly error: ProviderError };

export interface CorrelationInput {
  /**
   * Every host that there is, also those that nobody looks at now, each with the pool that its
   * population names: two of them may have one short name.
   */
  readonly hosts: ReadonlyMap<string, WorkerPool | null>;
  /** Every pool that a population names, once each. */
  readonly readings: ReadonlyArray<PoolReading>;
}

/**
 * What a look at a host says of its worker. Nothing: no pool has such a worker, and all were read.
 * Not there: it cannot be told, and `trouble` says why; neither is there when no pool is named.
 */
export type Correlation = Pick<HostObservation, "worker" | "trouble">;

/** The pools that populations name, each once, in the order of their names. */
export const poolsNamed = ({ populations }: Roll): ReadonlyArray<WorkerPool> => {
  const pools = new Map<string, WorkerPool>();
  for (const { workers } of populations.values()) {
    if (workers !== null) pools.set(poolName(workers), workers);
  }
  return Array.from(pools.values()).toSorted((a, b) => compareText(poolName(a), poolName(b)));
};

/** Every host of the roll, with the pool that its population names. */
export const poolsOfHosts = ({ hosts, populations }: Roll): CorrelationInput["hosts"] =>
  new Map(
    Array.from(hosts, ([name, { population }]) => [
      name,
      populations.get(population ?? "")?.workers ?? null,
    ]),
  );

export const poolName = ({ provisioner, workerType }: WorkerPool): string =>
  `${provisioner}/${workerType}`;

/** Asks each pool once, and answers for any host. */
export const correlate = ({
  hosts,
  readings,
}: CorrelationInput): ((host: string) => Correlation) => {
  const named = Map.groupBy(hosts.keys(), (host) => shortName(host) ?? "");
  const workers = Map.groupBy(distinct(readings), ({ id }) => id.toLowerCase());
  const unread = readings.filter((reading) => "error" in reading);
  return (host) => {
    if (readings.length === 0) return {};
    const short = shortName(host);
    if (short === null) return { trouble: "an address has no short name to know a worker by" };
    const [worker, ...more] = workers.get(short) ?? [];
    if (worker === undefined) return unread.length === 0 ? { worker: null } : notRead(unread);
    if (more.length > 0) return severalWorkers(short, [worker, ...more]);
    const alike = new Set([...(named.get(short) ?? []), host]);
    if (alike.size > 1) return severalHosts(short, alike);
    // Elsewhere may be another of this name: only where it is expected is it known to be the one.
    const own = hosts.get(host) ?? null;
    const isExpected = own !== null && poolName(own) === poolName(worker);
    return unread.length === 0 || isExpected ? { worker: withoutGroup(worker) } : notRead(unread);
  };
};

/** What comes before the first dot; nothing for an address, whose first number names nobody. */
const shortName = (host: string): string | null => {
  if (host.includes(":") || /^\d{1,3}(?:\.\d{1,3}){3}$/u.test(host)) return null;
  return host.split(".")[0]!.toLowerCase();
};

/** A list may show one worker twice: what counts is when it was seen last. */
const distinct = (readings: ReadonlyArray<PoolReading>): Iterable<ListedWorker> => {
  const known = new Map<string, ListedWorker>();
  for (const reading of readings) {
    for (const worker of "workers" in reading ? reading.workers : []) {
      const key = `${poolName(worker)}/${worker.group}/${worker.id}`;
      const before = known.get(key);
      if (before === undefined || activity(before) < activity(worker)) known.set(key, worker);
    }
  }
  return known.values();
};

const activity = ({ lastActive }: Worker): number =>
  lastActive === null ? Number.NEGATIVE_INFINITY : Date.parse(lastActive);

const withoutGroup = ({
  provisioner,
  workerType,
  id,
  lastActive,
  quarantined,
}: ListedWorker): Worker => ({ provisioner, workerType, id, lastActive, quarantined });

/** More than these are counted, not named. */
const mostNamed = 3;

const list = (names: ReadonlyArray<string>): string => {
  const shown = names.toSorted(compareText).slice(0, mostNamed);
  const rest = names.length - shown.length;
  return [...shown, ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
};

const notRead = (
  unread: ReadonlyArray<Extract<PoolReading, { readonly error: unknown }>>,
): Correlation => ({
  trouble: `the worker is unknown: not read was ${list(
    unread.map(({ pool, error }) => `${quote(poolName(pool))} (${error.reason})`),
  )}`,
});

const severalWorkers = (short: string, workers: ReadonlyArray<ListedWorker>): Correlation => ({
  trouble: `${workers.length} workers are called ${quote(short)}: ${list(
    workers.map((worker) => quote(`${poolName(worker)} ${worker.group}/${worker.id}`)),
  )}`,
});

const severalHosts = (short: string, hosts: ReadonlySet<string>): Correlation => ({
  trouble: `a worker is called ${quote(short)}, and ${hosts.size} hosts are: ${list(
    Array.from(hosts, (host) => quote(host)),
  )}`,
});
