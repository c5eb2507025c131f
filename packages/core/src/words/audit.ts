// The audit chain: what was about to happen and what came of it, each entry sealed to the one before.

import * as Schema from "effect/Schema";
import { digestOf } from "./canonical.ts";

/** The number of the entry's format; a reader refuses what it does not know. */
export const auditFormat = 1;

/** What a caller says of an intent or an outcome; the store adds place in the chain and seal. */
export const AuditDraft = Schema.Struct({
  /** ISO 8601. */
  at: Schema.String,
  phase: Schema.Literals(["intent", "outcome", "note"]),
  action: Schema.String,
  actor: Schema.Struct({
    /** An identity that was proven, such as a commit signer's key; nothing when none was. */
    verified: Schema.NullOr(Schema.String),
    /** The name that the actor gives itself. */
    claimed: Schema.String,
  }),
  owner: Schema.String,
  run: Schema.String,
  document: Schema.NullOr(Schema.String),
  revision: Schema.NullOr(Schema.String),
  plan: Schema.NullOr(Schema.String),
  /** Affected members or hosts. */
  targets: Schema.Array(Schema.String),
  parameters: Schema.Record(Schema.String, Schema.Json),
  /** Gate configuration and state; empty where no gate stands. */
  gates: Schema.Array(Schema.Json),
  forced: Schema.Boolean,
  reason: Schema.Struct({ code: Schema.String, text: Schema.String }),
  approval: Schema.Struct({
    /** `self`: who acts approves it, as the inventory of hosts asks. */
    mode: Schema.Literals(["document", "command", "consent", "self", "none"]),
    by: Schema.NullOr(Schema.String),
    digest: Schema.NullOr(Schema.String),
  }),
  /** What came of it: `done`, `failed`, `stale`, `unknown`; nothing on an intent. */
  outcome: Schema.NullOr(Schema.String),
  /** On a take-over's first entry: the chain and head that it follows. */
  follows: Schema.NullOr(Schema.Struct({ chain: Schema.String, head: Schema.String })),
});
export type AuditDraft = typeof AuditDraft.Type;

export const AuditEntry = Schema.Struct({
  format: Schema.Literal(auditFormat),
  /** The store that keeps this chain. */
  chain: Schema.String,
  /** From 1, without a gap. */
  seq: Schema.Int,
  /** The hash of the entry before; `genesis` at the first. */
  prev: Schema.String,
  ...AuditDraft.fields,
  hash: Schema.String,
});
export type AuditEntry = typeof AuditEntry.Type;

/** Where a chain ends: `seq` 0 and hash `genesis` when it is empty. */
export interface AuditHead {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string;
}

export const genesis = "genesis";

/** `SEQ:HASH`, the way that a head is told to people and kept in commits. */
export const formatHead = (head: AuditHead): string => `${head.seq}:${head.hash}`;

/** Seals a draft to the end of a chain. */
export const sealEntry = (head: AuditHead, draft: AuditDraft): AuditEntry => {
  const body = {
    format: auditFormat,
    chain: head.chain,
    seq: head.seq + 1,
    prev: head.hash,
    ...draft,
  } as const;
  return { ...body, hash: digestOf(body) };
};

export const headOf = (entry: AuditEntry): AuditHead => ({
  chain: entry.chain,
  seq: entry.seq,
  hash: entry.hash,
});

export type ChainFault = { readonly seq: number; readonly text: string };

/**
 * The first fault of a chain, or nothing. With `expected` the chain must also reach that head:
 * a chain that was cut short is intact in itself, and only an earlier head shows it.
 */
export const verifyChain = (
  entries: Iterable<AuditEntry>,
  expected?: { readonly seq: number; readonly hash: string },
): ChainFault | undefined => {
  let last: { readonly seq: number; readonly hash: string } = { seq: 0, hash: genesis };
  let reached = expected === undefined || expected.seq === 0;
  for (const entry of entries) {
    const fault = linkFault(last, entry);
    if (fault !== undefined) return fault;
    if (entry.seq === expected?.seq) {
      if (entry.hash !== expected.hash) {
        return {
          seq: entry.seq,
          text: "the chain was rewritten: this entry is not the expected one",
        };
      }
      reached = true;
    }
    last = entry;
  }
  if (reached) return undefined;
  return { seq: last.seq, text: `the chain was cut: it ends before entry ${expected!.seq}` };
};

const linkFault = (
  last: { readonly seq: number; readonly hash: string },
  entry: AuditEntry,
): ChainFault | undefined => {
  const { hash, ...body } = entry;
  if (entry.seq !== last.seq + 1) {
    return { seq: entry.seq, text: `entry ${last.seq + 1} is missing` };
  }
  if (entry.prev !== last.hash) {
    return { seq: entry.seq, text: "this entry does not follow the one before" };
  }
  if (digestOf(body) !== hash) return { seq: entry.seq, text: "this entry was altered" };
  return undefined;
};
