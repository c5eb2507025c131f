// The two pure verbs as spans: how much was read and decided, and whether it was at fault.

import type * as Effect from "effect/Effect";
import { type Diagnostic, hasErrors } from "../words/diagnostic.ts";
import { effectiveChanges, type Plan } from "../words/plan.ts";
import { attributes, spans } from "./telemetry.ts";
import { tracedSync } from "./trace.ts";

interface Read {
  readonly documents: ReadonlyArray<unknown>;
  readonly diagnostics: ReadonlyArray<Diagnostic>;
}

/** Faults in documents are a person's: they are counted, their text stays out of the trace. */
export const reading = <A extends Read>(read: () => A): Effect.Effect<A> =>
  tracedSync(spans.read, read, {
    tells: ({ documents }) => ({ [attributes.documents]: documents.length }),
    faultOf: ({ diagnostics }) =>
      hasErrors(diagnostics)
        ? { type: "FaultyDocuments", message: `${diagnostics.length} faults in the documents` }
        : null,
  });

export const planning = (decide: () => ReadonlyArray<Plan>): Effect.Effect<ReadonlyArray<Plan>> =>
  tracedSync(spans.plan, decide, {
    tells: (plans) => ({
      [attributes.documents]: plans.length,
      [attributes.changes]: plans.reduce((sum, plan) => sum + effectiveChanges(plan).length, 0),
      [attributes.refusals]: plans.reduce((sum, plan) => sum + plan.refusals.length, 0),
    }),
  });
