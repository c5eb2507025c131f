// Counts what a turn says of its documents: units by state, members by document. Bounded in number.

import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import type { DocumentStatus } from "../words/status.ts";
import { attributes, metrics } from "./telemetry.ts";

/** Documents that are told one by one; what is beyond is told together as `(others)`. */
export const toldDocuments = 200;

/** The state of a document in one word, the worst first. */
export const unitStates = [
  "Orphaned",
  "Suspended",
  "Stalled",
  "Gated",
  "Reconciling",
  "Ready",
  "Unknown",
] as const;
export type UnitState = (typeof unitStates)[number];

export const unitState = ({ conditions }: DocumentStatus): UnitState =>
  unitStates.find((state) =>
    conditions.some(({ type, status }) => type === state && status === "True"),
  ) ?? "Unknown";

type Labels = Readonly<Record<string, string>>;

interface Reading {
  readonly labels: Labels;
  readonly value: number;
}

const counted = ["asked", "present", "running"] as const;

/** What the gauge of members shows; sorted by document, so that the same ones are told each time. */
export const memberReadings = (statuses: ReadonlyArray<DocumentStatus>): ReadonlyArray<Reading> => {
  const named = statuses.toSorted((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1));
  const sums = new Map<string, { readonly labels: Labels; value: number }>();
  for (const [index, status] of named.entries()) {
    for (const state of counted) {
      const labels = labelsOf(index < toldDocuments ? status : null, state);
      const key = JSON.stringify(labels);
      const sum = sums.get(key) ?? { labels, value: 0 };
      sum.value += status.counts.reduce((total, set) => total + set[state], 0);
      sums.set(key, sum);
    }
  }
  return [...sums.values()];
};

const addressOf = (status: DocumentStatus): string => `${status.kind}/${status.metadata.name}`;

const labelsOf = (status: DocumentStatus | null, state: string): Labels => ({
  [attributes.documentKind]: status === null ? "(others)" : status.kind.replace(/Status$/u, ""),
  [attributes.documentName]: status === null ? "(others)" : status.metadata.name,
  [attributes.state]: state,
});

/** What was shown last, so that a document that is gone is taken off. One process shows one owner's. */
const shown = new Map<string, Labels>();

/** Shows the units and members of all documents of a turn; forgets the ones it no longer has. */
export const measureStatuses = (statuses: ReadonlyArray<DocumentStatus>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (const state of unitStates) {
      const value = statuses.filter((status) => unitState(status) === state).length;
      yield* Metric.update(
        Metric.withAttributes(metrics.units, { [attributes.state]: state }),
        value,
      );
    }
    const readings = memberReadings(statuses);
    const now = new Set(readings.map(({ labels }) => JSON.stringify(labels)));
    for (const [key, labels] of [...shown]) {
      if (now.has(key)) continue;
      yield* Metric.remove(Metric.withAttributes(metrics.members, labels));
      shown.delete(key);
    }
    for (const { labels, value } of readings) {
      yield* Metric.update(Metric.withAttributes(metrics.members, labels), value);
      shown.set(JSON.stringify(labels), labels);
    }
  });
