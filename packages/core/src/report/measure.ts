// Counts what is said of documents: units by state, members by document. Bounded in number.

import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import type * as Scope from "effect/Scope";
import type { DocumentStatus } from "../words/status.ts";
import { attributes, metrics } from "./telemetry.ts";

/** Documents that are told one by one; what is beyond is told together as `(others)`. */
export const toldDocuments = 200;

/** The state of a document in one word, the worst first. */
const unitStates = [
  "Orphaned",
  "Suspended",
  "Stalled",
  "Gated",
  "Reconciling",
  "Ready",
  "Unknown",
] as const;
type UnitState = (typeof unitStates)[number];

const unitState = ({ conditions }: DocumentStatus): UnitState =>
  unitStates.find((state) =>
    conditions.some(({ type, status }) => type === state && status === "True"),
  ) ?? "Unknown";

const counted = ["asked", "present", "running"] as const;
type Sums = Readonly<Record<(typeof counted)[number], number>>;

const none: Sums = { asked: 0, present: 0, running: 0 };

const plus = (a: Sums, b: Sums, times: 1 | -1 = 1): Sums => ({
  asked: a.asked + times * b.asked,
  present: a.present + times * b.present,
  running: a.running + times * b.running,
});

interface Entry {
  readonly kind: string;
  readonly name: string;
  readonly state: UnitState;
  readonly sums: Sums;
  /** Told by its own name; the others are told together. */
  readonly named: boolean;
}

/** What is known of all documents, kept up document by document. */
interface Census {
  readonly states: () => Readonly<Record<UnitState, number>>;
  /** Nothing when all are told by name. */
  readonly others: () => Sums | null;
  /** Answers what stands there now; what was there before is replaced. */
  readonly take: (status: DocumentStatus) => Entry;
  /** Answers what stood there; the address is that of the document. */
  readonly drop: (address: string) => Entry | undefined;
}

export const makeCensus = (): Census => {
  const entries = new Map<string, Entry>();
  const states = new Map<UnitState, number>(unitStates.map((state) => [state, 0]));
  let others = none;
  let named = 0;
  const countState = (state: UnitState, by: 1 | -1): void =>
    void states.set(state, (states.get(state) ?? 0) + by);

  const drop = (address: string): Entry | undefined => {
    const entry = entries.get(address);
    if (entry === undefined) return undefined;
    entries.delete(address);
    countState(entry.state, -1);
    if (entry.named) named -= 1;
    else others = plus(others, entry.sums, -1);
    return entry;
  };
  const take = (status: DocumentStatus): Entry => {
    const kind = status.kind.replace(/Status$/u, "");
    const { name } = status.metadata;
    drop(`${kind}/${name}`);
    const sums = status.counts.reduce<Sums>((sum, set) => plus(sum, set), none);
    const entry = { kind, name, state: unitState(status), sums, named: named < toldDocuments };
    entries.set(`${kind}/${name}`, entry);
    countState(entry.state, 1);
    if (entry.named) named += 1;
    else others = plus(others, entry.sums);
    return entry;
  };
  return {
    states: () => Object.fromEntries(states) as Record<UnitState, number>,
    others: () => (named === entries.size ? null : others),
    take,
    drop,
  };
};

/** One process has one set of metrics, and so one census. */
const census = makeCensus();

/** Shows the documents of a turn, or of a part of it, beside what is shown; takes off what is gone. */
export const measureStatuses = (
  statuses: ReadonlyArray<DocumentStatus>,
  /** Keys of status records, as `recordKey` spells them. */
  gone: ReadonlyArray<string>,
): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const key of gone) {
      const entry = census.drop(key.replace(/^Status\//u, ""));
      if (entry?.named === true) yield* hide(entry.kind, entry.name);
    }
    for (const status of statuses) {
      const entry = census.take(status);
      if (entry.named) yield* show(entry.kind, entry.name, entry.sums);
    }
    for (const [state, value] of Object.entries(census.states())) {
      yield* Metric.update(
        Metric.withAttributes(metrics.units, { [attributes.state]: state }),
        value,
      );
    }
    const others = census.others();
    if (others !== null) yield* show("(others)", "(others)", others);
  });

const membersOf = (kind: string, name: string, state: string) =>
  Metric.withAttributes(metrics.members, {
    [attributes.documentKind]: kind,
    [attributes.documentName]: name,
    [attributes.state]: state,
  });

const show = (kind: string, name: string, sums: Sums): Effect.Effect<void> =>
  Effect.forEach(counted, (state) => Metric.update(membersOf(kind, name, state), sums[state]), {
    discard: true,
  });

const hide = (kind: string, name: string): Effect.Effect<void> =>
  Effect.forEach(counted, (state) => Metric.remove(membersOf(kind, name, state)), {
    discard: true,
  });

/** Shows that the lease is held, until the scope closes. */
export const showLease: Effect.Effect<void, never, Scope.Scope> = Effect.acquireRelease(
  Metric.update(metrics.leaseHeld, 1),
  () => Metric.update(metrics.leaseHeld, 0),
);
