// Spells what an apply writes: the intent before a change, and what came of it, with their audit entries.

import type { AuditDraft } from "../words/audit.ts";
import { type DocumentAddress, formatAddress } from "../words/document.ts";
import { formatMember } from "../words/member.ts";
import type { Change, CreateChange, MarkChange, RemoveChange } from "../words/plan.ts";
import type { BurialRecord, IntentRecord, MemberRecord, StoreRecord } from "../words/record.ts";
import type { Outcome } from "./outcome.ts";

/** Who applies what, and by whose leave: the same in every entry of one run. */
export interface Mandate {
  readonly owner: string;
  readonly run: string;
  readonly actor: AuditDraft["actor"];
  readonly approval: AuditDraft["approval"];
  readonly revision: string | null;
}

/** The changes that reach outside: each has an intent. */
export type Act = CreateChange | RemoveChange | MarkChange;

export const intentRecord = (
  mandate: Mandate,
  document: DocumentAddress,
  plan: string,
  change: Act,
  at: string,
): IntentRecord => ({
  _tag: "Intent",
  id: change.key,
  document: { kind: document.kind, name: document.name },
  action: change.action,
  member: change.member,
  target: change.action === "create" ? null : change.id,
  asked: change.action === "remove" && change.asked,
  ...(change.action === "remove" && change.replaced === true ? { replaced: true } : {}),
  place: change.action === "create" ? change.place : null,
  token: change.action === "create" ? change.token : null,
  template: change.action === "create" ? change.template : null,
  plan,
  run: mandate.run,
  at,
});

export const memberRecord = (
  document: DocumentAddress,
  member: MemberRecord["member"],
  id: string | null,
  alive: boolean,
  at: string,
): MemberRecord => ({
  _tag: "Member",
  document: { kind: document.kind, name: document.name },
  member,
  id,
  alive,
  at,
});

export const burialRecord = (
  { kind, name }: DocumentAddress,
  id: string,
  at: string,
): BurialRecord => ({ _tag: "Burial", document: { kind, name }, id, at });

/** A removal that nobody asked for counts from its intent on: a crash must not make it forgotten. */
export const removalRecord = (
  document: DocumentAddress,
  change: RemoveChange,
  at: string,
): ReadonlyArray<Extract<StoreRecord, { readonly _tag: "Removal" }>> =>
  change.asked
    ? []
    : [
        {
          _tag: "Removal",
          document: { kind: document.kind, name: document.name },
          set: change.member.set,
          id: change.id,
          at,
        },
      ];

export const intentEntry = (
  mandate: Mandate,
  document: DocumentAddress,
  plan: string,
  change: Change,
  at: string,
): AuditDraft => ({
  ...entry(mandate, document, plan, change, at),
  phase: "intent",
  outcome: null,
  reason: change.reason,
});

export const outcomeEntry = (
  mandate: Mandate,
  plan: string,
  outcome: Outcome,
  at: string,
): AuditDraft => ({
  ...entry(mandate, outcome.document, plan, outcome.change, at),
  phase: "outcome",
  outcome: outcome.result,
  reason: { code: outcome.code ?? outcome.change.reason.code, text: outcome.message },
});

const entry = (
  mandate: Mandate,
  document: DocumentAddress,
  plan: string,
  change: Change,
  at: string,
): Omit<AuditDraft, "phase" | "outcome" | "reason"> => ({
  at,
  action: change.action,
  actor: mandate.actor,
  owner: mandate.owner,
  run: mandate.run,
  document: formatAddress(document),
  revision: mandate.revision,
  plan,
  targets: targetsOf(change),
  parameters: parametersOf(change),
  gates: [],
  forced: false,
  approval:
    change.action === "remove" && change.consent !== null
      ? { mode: "consent", ...change.consent }
      : mandate.approval,
  follows: null,
});

const targetsOf = (change: Change): ReadonlyArray<string> => {
  if (change.action === "forget") return [];
  const id = "id" in change && change.id !== null ? [change.id] : [];
  return [formatMember(change.member), ...id];
};

const parametersOf = (change: Change): AuditDraft["parameters"] => {
  switch (change.action) {
    case "create":
      return { place: change.place, token: change.token, template: change.template };
    case "remove":
      return {
        asked: change.asked,
        ...(change.replaced === true ? { replaced: true } : {}),
        version: change.precondition.version,
      };
    case "update":
    case "adopt":
      return { version: change.precondition.version };
    case "settle":
      return { intent: change.intent, found: change.outcome };
    case "forget":
      return { how: change.how, document: formatAddress(change.document) };
    case "keep":
      return {};
  }
};
