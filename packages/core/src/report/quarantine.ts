// Decides which inputs are left alone from now on, because a provider called what they ask for invalid. Pure.

import type { Outcome } from "../apply/outcome.ts";
import { formatAddress } from "../words/document.ts";
import type { Plan } from "../words/plan.ts";
import { type QuarantineRecord, recordKey, type StoreRecord } from "../words/record.ts";

export interface QuarantineInput {
  readonly plans: ReadonlyArray<Plan>;
  readonly records: ReadonlyArray<StoreRecord>;
  readonly outcomes: ReadonlyArray<Outcome>;
  /** ISO 8601. */
  readonly now: string;
}

/** An input that asks for something else lifts it by itself. */
export const quarantineNews = (
  input: QuarantineInput,
): { readonly puts: ReadonlyArray<QuarantineRecord>; readonly deletes: ReadonlyArray<string> } => {
  const invalid = new Map(
    input.outcomes
      .filter(({ result, code }) => result === "failed" && code === "Invalid")
      .map((outcome) => [formatAddress(outcome.document), outcome]),
  );
  // What may not be acted on, such as an unsigned head, says nothing of what is asked.
  const inputs = new Map(
    input.plans
      .filter(({ hold }) => hold === null)
      .map((plan) => [formatAddress(plan.document), plan.inputDigest]),
  );
  return {
    puts: input.plans.flatMap((plan) => {
      const outcome = invalid.get(formatAddress(plan.document));
      if (outcome === undefined || plan.inputDigest === null) return [];
      const { message, remedy } = outcome;
      return [quarantine(plan, plan.inputDigest, message, remedy, input.now)];
    }),
    deletes: input.records.flatMap((record) =>
      record._tag === "Quarantine" &&
      inputs.has(formatAddress(record.document)) &&
      inputs.get(formatAddress(record.document)) !== record.inputDigest
        ? [recordKey(record)]
        : [],
    ),
  };
};

const quarantine = (
  { document }: Plan,
  inputDigest: string,
  message: string,
  remedy: string | null,
  at: string,
): QuarantineRecord => ({
  _tag: "Quarantine",
  document: { kind: document.kind, name: document.name },
  inputDigest,
  message,
  remedy,
  at,
});
