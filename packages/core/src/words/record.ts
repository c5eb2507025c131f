// What the store remembers and plan needs: one schema per record, because a store is read by later versions too.

import * as Schema from "effect/Schema";
import { Host, HostObservation, Population, Seed, Sighting } from "./host.ts";
import { RolloutState } from "./rollout.ts";

const Address = Schema.Struct({ kind: Schema.String, name: Schema.String });
const Member = Schema.Struct({ set: Schema.String, slot: Schema.Int, generation: Schema.Int });

const SetResource = Schema.Struct({
  resource: Schema.String,
  document: Address,
  name: Schema.String,
  count: Schema.Int,
  template: Schema.Record(Schema.String, Schema.Json),
  previousName: Schema.optionalKey(Schema.String),
});

const Replace = Schema.Struct({
  maxUnavailable: Schema.Int,
  maxSurge: Schema.Int,
  pauseMillis: Schema.Int,
  onDrift: Schema.Boolean,
});

const Expansion = Schema.Struct({
  document: Address,
  previousName: Schema.optionalKey(Schema.String),
  resource: Schema.String,
  sets: Schema.Array(SetResource),
  scope: Schema.Record(Schema.String, Schema.Json),
  parallel: Schema.Struct({ create: Schema.Int, remove: Schema.Int }),
  replace: Schema.optionalKey(Replace),
  restart: Schema.optionalKey(Schema.String),
  health: Schema.optionalKey(
    Schema.Struct({
      probe: Schema.Record(Schema.String, Schema.Json),
      patienceMillis: Schema.Int,
    }),
  ),
  suspend: Schema.optionalKey(Schema.Struct({ until: Schema.String, reason: Schema.String })),
});

/** A document that muster keeps or kept. */
export const DocumentRecord = Schema.Struct({
  _tag: Schema.Literal("Document"),
  document: Address,
  /** Since when its file is gone; ISO 8601. */
  orphanedAt: Schema.NullOr(Schema.String),
  /** The input digest that was last acted on, and the revision that brought it. */
  inputDigest: Schema.String,
  revision: Schema.NullOr(Schema.String),
  /** What it last asked for, so that its members can still be seen when its file is gone. */
  expansion: Expansion,
});

/**
 * How many members of a set a person's numbers stand for: raised before the first launch that a
 * raised count asks for, lowered with each removal that a lowered count asked for.
 */
export const AppliedRecord = Schema.Struct({
  _tag: Schema.Literal("Applied"),
  document: Address,
  set: Schema.String,
  count: Schema.Int,
  template: Schema.String,
  /** Since when this store knows the set; ISO 8601. */
  knownSince: Schema.String,
});

/** The newest known occupant of a slot. */
export const MemberRecord = Schema.Struct({
  _tag: Schema.Literal("Member"),
  document: Address,
  member: Member,
  /** Nothing when its token was answered as dead before its identity was known. */
  id: Schema.NullOr(Schema.String),
  alive: Schema.Boolean,
  /** When this became known; ISO 8601. Long ago when not given. */
  at: Schema.optionalKey(Schema.String),
});

/** A member that is known to have ended: a list that lags still shows it for a while. */
export const BurialRecord = Schema.Struct({
  _tag: Schema.Literal("Burial"),
  document: Address,
  id: Schema.String,
  at: Schema.String,
});

/** What is about to be done, durable before it is done. Deleted once its outcome is in the audit. */
export const IntentRecord = Schema.Struct({
  _tag: Schema.Literal("Intent"),
  id: Schema.String,
  document: Address,
  action: Schema.Literals(["create", "remove", "update", "adopt"]),
  member: Member,
  /** The provider's identifier, when there is one yet. */
  target: Schema.NullOr(Schema.String),
  /** On a removal: whether a person's number asked for it. */
  asked: Schema.Boolean,
  /** On a removal: another member follows, so the numbers stand for as many as before. */
  replaced: Schema.optionalKey(Schema.Literal(true)),
  place: Schema.NullOr(Schema.String),
  token: Schema.NullOr(Schema.String),
  template: Schema.NullOr(Schema.String),
  plan: Schema.String,
  run: Schema.String,
  /** ISO 8601. */
  at: Schema.String,
});

/** A removal that no changed number asked for; the sliding hour counts these. */
export const RemovalRecord = Schema.Struct({
  _tag: Schema.Literal("Removal"),
  document: Address,
  set: Schema.String,
  id: Schema.String,
  /** ISO 8601. */
  at: Schema.String,
});

/** Consent of a person to exactly the members whose digest it names. */
export const ApprovalRecord = Schema.Struct({
  _tag: Schema.Literal("Approval"),
  digest: Schema.String,
  by: Schema.String,
  reason: Schema.String,
  at: Schema.String,
});

/** A person's wish that one member of a document become ours; gone once it is. */
export const AdoptionRecord = Schema.Struct({
  _tag: Schema.Literal("Adoption"),
  document: Address,
  id: Schema.String,
  /** The owner that it is taken from; nothing when it had none. */
  from: Schema.NullOr(Schema.String),
  /** The set that they join. */
  set: Schema.String,
  by: Schema.String,
  reason: Schema.String,
  at: Schema.String,
});

/** The status that was last reported for a document, as canonical JSON. */
export const StatusRecord = Schema.Struct({
  _tag: Schema.Literal("Status"),
  document: Address,
  json: Schema.String,
});

/** The commit that was last acted on. */
export const HeadRecord = Schema.Struct({
  _tag: Schema.Literal("Head"),
  branch: Schema.String,
  commit: Schema.String,
});

/** A person's word that a document stays as it is until a time; read back before every change. */
export const SuspensionRecord = Schema.Struct({
  _tag: Schema.Literal("Suspension"),
  document: Address,
  by: Schema.String,
  reason: Schema.String,
  at: Schema.String,
  /** ISO 8601; it ends by itself. */
  until: Schema.String,
});

/** What a document asks for was called invalid: it is left alone until it asks for something else. */
export const QuarantineRecord = Schema.Struct({
  _tag: Schema.Literal("Quarantine"),
  document: Address,
  /** The input that is not tried again; consent names it. */
  inputDigest: Schema.String,
  message: Schema.String,
  remedy: Schema.NullOr(Schema.String),
  at: Schema.String,
});

/** A person's wish that one member which nothing asks for any more be destroyed; gone once it is. */
export const DestructionRecord = Schema.Struct({
  _tag: Schema.Literal("Destruction"),
  document: Address,
  id: Schema.String,
  by: Schema.String,
  reason: Schema.String,
  at: Schema.String,
});

/** A person's wish that what is there now be replaced; gone once it is. */
export const RestartRecord = Schema.Struct({
  _tag: Schema.Literal("Restart"),
  document: Address,
  /** Members that the provider created then or before are meant: by its clock, not by ours. */
  createdUntil: Schema.String,
  by: Schema.String,
  reason: Schema.String,
  at: Schema.String,
});

/** A person's numbers in place of the document's, until a time, or until the document's change. */
export const OverrideRecord = Schema.Struct({
  _tag: Schema.Literal("Override"),
  document: Address,
  /** By set; `instead` is what the document asked for then. */
  counts: Schema.Array(
    Schema.Struct({ set: Schema.String, count: Schema.Int, instead: Schema.Int }),
  ),
  by: Schema.String,
  reason: Schema.String,
  at: Schema.String,
  /** ISO 8601; it ends by itself. */
  until: Schema.String,
});

/** Where a set found no capacity, and when: other places are tried before it. */
export const ExhaustionRecord = Schema.Struct({
  _tag: Schema.Literal("Exhaustion"),
  document: Address,
  set: Schema.String,
  place: Schema.String,
  at: Schema.String,
});

/** How far the replacement of a document's members has come. */
export const RolloutRecord = Schema.Struct({
  _tag: Schema.Literal("Rollout"),
  document: Address,
  /** What it is for: another trigger begins another rollout. */
  trigger: Schema.String,
  state: RolloutState,
});

/** How one run went; only runs that changed or refused something are remembered, the newest. */
export const RunRecord = Schema.Struct({
  _tag: Schema.Literal("Run"),
  id: Schema.String,
  /** ISO 8601, both. */
  at: Schema.String,
  endedAt: Schema.String,
  revision: Schema.NullOr(Schema.String),
  holder: Schema.String,
  /** As `Verdict` spells it. */
  verdict: Schema.String,
  /** The trace of the run, when it was traced. */
  trace: Schema.NullOr(Schema.String),
  documents: Schema.Array(
    Schema.Struct({
      document: Address,
      plan: Schema.String,
      /** How many changes came to which result. */
      done: Schema.Int,
      failed: Schema.Int,
      unknown: Schema.Int,
      skipped: Schema.Int,
      /** What stood in the way first, when something did. */
      trouble: Schema.NullOr(Schema.String),
    }),
  ),
});

/** One host on the roll, by name. */
export const HostRecord = Schema.Struct({ _tag: Schema.Literal("Host"), host: Host });

/** Where discovery begins, by the name of the host. */
export const SeedRecord = Schema.Struct({ _tag: Schema.Literal("Seed"), seed: Seed });

/** A population of hosts, by name. */
export const PopulationRecord = Schema.Struct({
  _tag: Schema.Literal("Population"),
  population: Population,
});

/** The newest that is known of a host, by its name. */
export const SightingRecord = Schema.Struct({
  _tag: Schema.Literal("Sighting"),
  sighting: Sighting,
});

/** The newest looks at a host, newest first, and the last that it answered. */
export const HistoryRecord = Schema.Struct({
  _tag: Schema.Literal("History"),
  host: Schema.String,
  looks: Schema.Array(HostObservation),
});

/** The bytes of an override that was seen, by their whole SHA-256. */
export const ContentRecord = Schema.Struct({
  _tag: Schema.Literal("Content"),
  sha256: Schema.String,
  base64: Schema.String,
});

export const StoreRecord = Schema.Union([
  DocumentRecord,
  AppliedRecord,
  MemberRecord,
  BurialRecord,
  IntentRecord,
  RemovalRecord,
  ApprovalRecord,
  AdoptionRecord,
  StatusRecord,
  HeadRecord,
  SuspensionRecord,
  QuarantineRecord,
  DestructionRecord,
  RestartRecord,
  OverrideRecord,
  ExhaustionRecord,
  RolloutRecord,
  RunRecord,
  HostRecord,
  SeedRecord,
  PopulationRecord,
  SightingRecord,
  HistoryRecord,
  ContentRecord,
]);

export type DocumentRecord = typeof DocumentRecord.Type;
export type AppliedRecord = typeof AppliedRecord.Type;
export type MemberRecord = typeof MemberRecord.Type;
export type BurialRecord = typeof BurialRecord.Type;
export type IntentRecord = typeof IntentRecord.Type;
export type RemovalRecord = typeof RemovalRecord.Type;
export type ApprovalRecord = typeof ApprovalRecord.Type;
export type AdoptionRecord = typeof AdoptionRecord.Type;
export type StatusRecord = typeof StatusRecord.Type;
export type HeadRecord = typeof HeadRecord.Type;
export type SuspensionRecord = typeof SuspensionRecord.Type;
export type QuarantineRecord = typeof QuarantineRecord.Type;
export type DestructionRecord = typeof DestructionRecord.Type;
export type RestartRecord = typeof RestartRecord.Type;
export type OverrideRecord = typeof OverrideRecord.Type;
export type ExhaustionRecord = typeof ExhaustionRecord.Type;
export type RolloutRecord = typeof RolloutRecord.Type;
export type RunRecord = typeof RunRecord.Type;
export type HostRecord = typeof HostRecord.Type;
export type SeedRecord = typeof SeedRecord.Type;
export type PopulationRecord = typeof PopulationRecord.Type;
export type SightingRecord = typeof SightingRecord.Type;
export type HistoryRecord = typeof HistoryRecord.Type;
export type ContentRecord = typeof ContentRecord.Type;
export type StoreRecord = typeof StoreRecord.Type;

/** The key of a record of which each document has one. */
export const keyOf = (
  tag: "Document" | "Status" | "Suspension" | "Quarantine" | "Restart" | "Override" | "Rollout",
  { kind, name }: { readonly kind: string; readonly name: string },
): string => `${tag}/${kind}/${name}`;

/** The key of a record within its owner's share of the store: one record per key. */
export const recordKey = (record: StoreRecord): string => {
  switch (record._tag) {
    case "Intent":
      return `Intent/${record.id}`;
    case "Approval":
      return `Approval/${record.digest}`;
    case "Head":
      return `Head/${record.branch}`;
    case "Run":
      return `Run/${record.id}`;
    case "Host":
      return `Host/${record.host.address.host}`;
    case "Seed":
      return `Seed/${record.seed.address.host}`;
    case "Sighting":
      return `Sighting/${record.sighting.host}`;
    case "History":
      return `History/${record.host}`;
    case "Content":
      return `Content/${record.sha256}`;
    case "Population":
      return `Population/${record.population.name}`;
    case "Member":
      return `Member/${record.document.kind}/${record.document.name}/${record.member.set}/${record.member.slot}`;
    case "Applied":
      return `Applied/${record.document.kind}/${record.document.name}/${record.set}`;
    case "Exhaustion":
      return `Exhaustion/${record.document.kind}/${record.document.name}/${record.set}/${record.place}`;
    case "Burial":
    case "Removal":
    case "Adoption":
    case "Destruction":
      return `${record._tag}/${record.document.kind}/${record.document.name}/${record.id}`;
    default:
      return keyOf(record._tag, record.document);
  }
};
