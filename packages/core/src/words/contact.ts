// How muster speaks of a host it reaches itself: its address, how a contact ended, and what a probe saw.

import * as Schema from "effect/Schema";

/** Where a host is asked for; what is left out, the operator's SSH configuration says. */
export const HostAddress = Schema.Struct({
  /** As the seed spells it, lower case: the name of the host everywhere. */
  host: Schema.String,
  user: Schema.optionalKey(Schema.String),
  port: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))),
});
export type HostAddress = typeof HostAddress.Type;

/**
 * How a contact ended, apart from what its command answered:
 * - `dns`: the name has no address
 * - `refused`, `timeout`, `reset`: no connection, or none that lasted until a command was sent
 * - `hostkey-changed`: another key than the known one, or a revoked one: never sent a command
 * - `hostkey-unknown`: no known key, and nobody said to accept new ones
 * - `certificate`: the host wants or shows a certificate, which the transport cannot read
 * - `algorithms`: nothing in common to exchange keys with
 * - `auth`: no identity was accepted
 * - `no-exec`: logged in, but no command may run
 * - `disconnected`: cut after the command was sent: what it did is unknown
 * - `unreadable`: answered, but not as the probe does: cut, forged, or too long
 * - `config`: the operator's SSH configuration does not say how
 */
export const ContactReason = Schema.Literals([
  "dns",
  "refused",
  "timeout",
  "reset",
  "hostkey-changed",
  "hostkey-unknown",
  "certificate",
  "algorithms",
  "auth",
  "no-exec",
  "disconnected",
  "unreadable",
  "config",
]);
export type ContactReason = typeof ContactReason.Type;

/** The steps of a contact, each with its own deadline. */
export const ContactStep = Schema.Literals([
  "config",
  "dns",
  "tcp",
  "banner",
  "kex",
  "auth",
  "channel",
  "exec",
]);
export type ContactStep = typeof ContactStep.Type;

/** Why a host could not be asked. */
export class ContactError extends Schema.TaggedError<ContactError>()("ContactError", {
  reason: ContactReason,
  step: ContactStep,
  host: Schema.String,
  /** What happened; text from outside may stand in it, never trusted. */
  message: Schema.String,
  /** What a person can do about it. */
  remedy: Schema.String,
}) {}

/**
 * The end of a command that was sent: its exit code, or the signal that ended it.
 * A command that was cut off is a `ContactError`.
 */
export interface ExecAnswer {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Whether more came than was kept. */
  readonly truncated: boolean;
}

/** Whether root can be had without a word: `unknown` when it was not asked or not answered. */
export const Sudo = Schema.Literals(["yes", "no", "unknown"]);

/** What a host's configuration run said of itself last. */
export const PuppetRun = Schema.Struct({
  success: Schema.NullOr(Schema.Boolean),
  /** ISO 8601. */
  at: Schema.NullOr(Schema.String),
  /** The commit that was applied. */
  sha: Schema.NullOr(Schema.String),
  /** SHA-256 of the override that was applied; nothing when there was none. */
  overrideSha: Schema.NullOr(Schema.String),
});
export type PuppetRun = typeof PuppetRun.Type;

/**
 * What one probe saw. In each field nothing means: looked, and there is none. A field that is not
 * there was not looked at, or could not be read: it is unknown, and never taken for absent.
 */
export const HostFacts = Schema.Struct({
  os: Schema.optionalKey(Schema.String),
  /** The role that the host gives itself, from `/etc/puppet_role`. */
  role: Schema.optionalKey(Schema.NullOr(Schema.String)),
  /** SHA-256 of the override, whole and in hex; nothing when there is no override. */
  overrideSha: Schema.optionalKey(Schema.NullOr(Schema.String)),
  sudo: Schema.optionalKey(Sudo),
  puppet: Schema.optionalKey(Schema.NullOr(PuppetRun)),
  /** Another one after each start of the host. */
  bootId: Schema.optionalKey(Schema.String),
  uptimeSeconds: Schema.optionalKey(Schema.Finite),
});
export type HostFacts = typeof HostFacts.Type;

/** What a probe brings: facts, and the bytes of the override when it could be read. */
export interface Probed {
  readonly facts: HostFacts;
  /** At most 64 KiB; nothing when there is none, or it is longer. */
  readonly override: Uint8Array | null;
}
