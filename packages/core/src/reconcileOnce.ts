// One turn of the loop: read → observe → plan → apply → report. The page to read first.
//
// What the documents ask is read, what is there is observed, plan decides, apply carries out, and
// the world is observed again until nothing is left or nothing more can be done. The runner wraps
// this in git, the command line gives it a person, the SDK gives it to an application.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Outcome } from "./apply/outcome.ts";
import type { HeldLease, Lease } from "./lease/lease.ts";
import { conclude, statusesOf } from "./loop/conclude.ts";
import { type Failure, openFence } from "./loop/fence.ts";
import type { ReconcileInput } from "./loop/input.ts";
import { type Look, look } from "./loop/look.ts";
import { workOnAll } from "./loop/units.ts";
import { historyNews } from "./report/history.ts";
import { digestOfPlans } from "./plan/seal.ts";
import { readDocuments } from "./read/read.ts";
import { reading } from "./report/steps.ts";
import type { Store, StoreError } from "./store/store.ts";
import { type Diagnostic, hasErrors } from "./words/diagnostic.ts";
import type { Document } from "./words/document.ts";
import type { Plan } from "./words/plan.ts";
import type { DocumentStatus } from "./words/status.ts";

export interface ReconcileReport {
  /** Faults in the documents; with an error among them nothing else was done. */
  readonly diagnostics: ReadonlyArray<Diagnostic>;
  readonly documents: ReadonlyArray<Document>;
  /** What was decided first. */
  readonly plans: ReadonlyArray<Plan>;
  /** What is left to do, from the last look; the same as `plans` when nothing was applied. */
  readonly left: ReadonlyArray<Plan>;
  readonly outcomes: ReadonlyArray<Outcome>;
  readonly statuses: ReadonlyArray<DocumentStatus>;
  /** The plan was not the expected one, so nothing was applied. */
  readonly stale: boolean;
  /** Held until the scope closes; nothing when there was nothing to write. */
  readonly lease: HeldLease | null;
}

/**
 * Reads, observes and plans; in mode `apply` carries the plans out and looks again, until nothing
 * is left. Claims the lease, for the length of the caller's scope, only when there is something to
 * write. Fails when the store or the lease does.
 */
export const reconcileOnce = Effect.fn("reconcileOnce")(function* (
  input: ReconcileInput,
): Effect.fn.Return<ReconcileReport, Failure, Store | Lease | Scope.Scope> {
  const { documents, diagnostics } = yield* reading(() =>
    readDocuments(input.kinds, input.sources),
  );
  if (hasErrors(diagnostics)) return { ...nothingDone, diagnostics };
  if (input.mode === "plan") return yield* planOnly(input, documents, diagnostics);

  const began = yield* Clock.currentTimeMillis;
  const fence = yield* openFence(input);
  const first = yield* look(input, documents, 1);
  if (isOther(input, first)) {
    return { ...nothingDone, diagnostics, documents, ...plansOf(first, first), stale: true };
  }
  const { last, outcomes } = yield* workOnAll(onceOnly(input), documents, first, fence);
  const { units, records } = last;
  const history = yield* historyOf(input, began, { first, last, outcomes });
  const { statuses } = yield* conclude(input, { units, records, outcomes, history }, fence);
  const lease = fence.held();
  return {
    diagnostics,
    documents,
    ...plansOf(first, last),
    outcomes,
    statuses,
    stale: false,
    lease,
  };
});

const historyOf = Effect.fnUntraced(function* (
  { mandate, trace }: ReconcileInput,
  began: number,
  turn: { readonly first: Look; readonly last: Look; readonly outcomes: ReadonlyArray<Outcome> },
) {
  return historyNews({
    run: mandate.run,
    holder: mandate.actor.claimed ?? "",
    revision: mandate.revision,
    trace: trace ?? null,
    at: new Date(began).toISOString(),
    endedAt: new Date(yield* Clock.currentTimeMillis).toISOString(),
    plans: turn.first.units.map(({ plan }) => plan),
    left: turn.last.units.map(({ plan }) => plan),
    outcomes: turn.outcomes,
    records: turn.last.records,
  });
});

/** Writes nothing anywhere and needs no lease. */
const planOnly = Effect.fnUntraced(function* (
  input: ReconcileInput,
  documents: ReadonlyArray<Document>,
  diagnostics: ReadonlyArray<Diagnostic>,
): Effect.fn.Return<ReconcileReport, StoreError, Store> {
  const first = yield* look(input, documents, 1);
  const now = new Date(yield* Clock.currentTimeMillis).toISOString();
  const statuses = statusesOf(input, first.units, [], now);
  return { ...nothingDone, diagnostics, documents, ...plansOf(first, first), statuses };
});

/** Who consented to one digest did not consent to what a second look would find. */
const onceOnly = (input: ReconcileInput): ReconcileInput =>
  input.expectDigest === undefined ? input : { ...input, rounds: 1 };

const isOther = (input: ReconcileInput, first: Look): boolean =>
  input.expectDigest !== undefined &&
  digestOfPlans(first.units.map((unit) => unit.plan)) !== input.expectDigest;

const plansOf = (first: Look, last: Look) => ({
  plans: first.units.map((unit) => unit.plan),
  left: last.units.map((unit) => unit.plan),
});

/** The report of a turn that ended before it began. */
export const nothingDone: ReconcileReport = {
  diagnostics: [],
  documents: [],
  plans: [],
  left: [],
  outcomes: [],
  statuses: [],
  stale: false,
  lease: null,
};
