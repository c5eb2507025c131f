// What the inventory keeps of hosts: the roll, what was seen of each and when, and the populations.

import * as Schema from "effect/Schema";
import { ContactReason, ContactStep, HostAddress, HostFacts } from "./contact.ts";

/** Who keeps a record: the command line, or a document of the config repository at this place. */
export const Keeper = Schema.Union([
  Schema.Struct({ by: Schema.Literal("cli") }),
  Schema.Struct({ by: Schema.Literal("git"), place: Schema.String }),
]);
export type Keeper = typeof Keeper.Type;

/** Where discovery begins. A seed that goes takes no host with it. */
export const Seed = Schema.Struct({
  address: HostAddress,
  keeper: Keeper,
  /** ISO 8601. */
  addedAt: Schema.String,
});
export type Seed = typeof Seed.Type;

/** A person's word that a host stays on the roll and is left alone. */
export const Disabled = Schema.Struct({
  reason: Schema.String,
  by: Schema.String,
  at: Schema.String,
});
export type Disabled = typeof Disabled.Type;

/** One host on the roll: what people said of it. What was seen of it is its `Sighting`. */
export const Host = Schema.Struct({
  address: HostAddress,
  /** ISO 8601. */
  discoveredAt: Schema.String,
  /** Nothing until a person assigns it: then it is not eligible for anything. */
  population: Schema.NullOr(Schema.String),
  expectedRole: Schema.NullOr(Schema.String),
  disabled: Schema.NullOr(Disabled),
  labels: Schema.Record(Schema.String, Schema.String),
});
export type Host = typeof Host.Type;

/** Where a population's hosts are workers; the source of `tc-mismatch`. */
export const WorkerPool = Schema.Struct({ provisioner: Schema.String, workerType: Schema.String });
export type WorkerPool = typeof WorkerPool.Type;

/** How a document's claim on the record is told apart from earlier ones and from other owners'. */
export const PopulationMark = Schema.Struct({
  owner: Schema.String,
  /** As `formatMember` spells it. */
  member: Schema.String,
  /** ISO 8601. */
  createdAt: Schema.String,
});
export type PopulationMark = typeof PopulationMark.Type;

export const Population = Schema.Struct({
  name: Schema.String,
  expectedRole: Schema.NullOr(Schema.String),
  /** The default filter of rollouts inside the assigned hosts; it never assigns. */
  targetQuery: Schema.NullOr(Schema.String),
  description: Schema.NullOr(Schema.String),
  workers: Schema.NullOr(WorkerPool),
  keeper: Keeper,
  /** Only where a document keeps it. */
  mark: Schema.optionalKey(PopulationMark),
});
export type Population = typeof Population.Type;

/** What Taskcluster says of the worker that a host is. */
export const Worker = Schema.Struct({
  ...WorkerPool.fields,
  id: Schema.String,
  /** ISO 8601; written every half hour, so it may be as old as that. */
  lastActive: Schema.NullOr(Schema.String),
  quarantined: Schema.NullOr(Schema.Boolean),
});
export type Worker = typeof Worker.Type;

/** How the name was resolved. */
export const NameLookup = Schema.Struct({
  addresses: Schema.Array(Schema.String),
  /** Why there are none. */
  trouble: Schema.NullOr(Schema.String),
});

/** How the contact ended; no reason when the host answered. */
export const Contact = Schema.Struct({
  reason: Schema.NullOr(ContactReason),
  step: Schema.NullOr(ContactStep),
  /** Text from outside may stand in it. */
  message: Schema.NullOr(Schema.String),
});

/** What one look at a host brought, failures too. What was not looked at is not there. */
export const HostObservation = Schema.Struct({
  host: Schema.String,
  /** ISO 8601. */
  at: Schema.String,
  dns: Schema.optionalKey(NameLookup),
  contact: Schema.optionalKey(Contact),
  facts: Schema.optionalKey(HostFacts),
  /** Nothing: Taskcluster knows no such worker. Several short names alike: not there, and `trouble`. */
  worker: Schema.optionalKey(Schema.NullOr(Worker)),
  /** What kept a look from its end, beside the contact. */
  trouble: Schema.optionalKey(Schema.String),
});
export type HostObservation = typeof HostObservation.Type;

const seen = <S extends Schema.Top>(value: S) =>
  Schema.optionalKey(Schema.Struct({ value, at: Schema.String }));

const { os, role, overrideSha, sudo, puppet, bootId, uptimeSeconds } = HostFacts.fields;

/**
 * The newest that is known of a host, each piece with the time at which it was seen. A failed look
 * takes nothing away: what was known grows old, and shows its age.
 */
export const Sighting = Schema.Struct({
  host: Schema.String,
  dns: seen(NameLookup),
  contact: seen(Contact),
  /** When it last answered; ISO 8601. */
  lastSeen: Schema.NullOr(Schema.String),
  /** Looks in a row that brought no answer, and when the first of them was. */
  silence: Schema.NullOr(Schema.Struct({ looks: Schema.Int, since: Schema.String })),
  os: seen(os.schema),
  role: seen(role.schema),
  overrideSha: seen(overrideSha.schema),
  sudo: seen(sudo.schema),
  puppet: seen(puppet.schema),
  bootId: seen(bootId.schema),
  uptimeSeconds: seen(uptimeSeconds.schema),
  worker: seen(Schema.NullOr(Worker)),
});
export type Sighting = typeof Sighting.Type;
