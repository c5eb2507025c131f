// Names what is asked of the keys that hosts show: to see one, and to have it stand for the host from now on.

import * as Context from "effect/Context";
import type * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type { ContactError, HostAddress } from "../words/contact.ts";

/** A key that stands for a host in a file. */
export interface StandingKey {
  readonly type: string;
  /** Such as `SHA256:…`, as ssh-keygen shows it. */
  readonly fingerprint: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** The key that a host shows and has proven to be its own. */
export interface ShownHostKey {
  readonly type: string;
  readonly fingerprint: string;
  /**
   * - `known`: it is trusted
   * - `changed`: others are, and not this one
   * - `revoked`: nobody may ever trust it
   * - `unknown`: nothing is known of this host, or an authority alone vouches for it
   */
  readonly verdict: "known" | "changed" | "revoked" | "unknown";
  /** What the host is trusted by now. */
  readonly standing: ReadonlyArray<StandingKey>;
  /** As known_hosts files name the host. */
  readonly name: string;
  /** Where an accepted key is written; nothing where no file can be written. */
  readonly file: string | null;
}

/** What was written. */
export interface Accepted {
  readonly file: string;
  /** The keys that stood there for this host, and do no more. */
  readonly replaced: ReadonlyArray<StandingKey>;
  /** Keys that the host is still trusted by: in other files, or by a pattern that is for others, too. */
  readonly left: ReadonlyArray<StandingKey>;
}

/**
 * Why a key is not accepted; nothing was written:
 * - `Other`: the host shows another key than the one that was meant
 * - `Revoked`: it can never be accepted
 * - `File`: it cannot be written
 */
export class HostKeyError extends Schema.TaggedError<HostKeyError>()("HostKeyError", {
  reason: Schema.Literals(["Other", "Revoked", "File"]),
  message: Schema.String,
  remedy: Schema.String,
}) {}

export interface HostKeysShape {
  /** A handshake and no more: nobody logs in, and no command is sent. */
  readonly look: (address: HostAddress) => Effect.Effect<ShownHostKey, ContactError>;
  /**
   * Looks again, and lets exactly the key with this fingerprint stand for the host in place of all
   * others. `before` runs when that is sure, and before anything is written.
   */
  readonly accept: <E>(
    address: HostAddress,
    fingerprint: string,
    before: Effect.Effect<void, E>,
  ) => Effect.Effect<Accepted, ContactError | HostKeyError | E>;
}

export class HostKeys extends Context.Service<HostKeys, HostKeysShape>()(
  "@muster/core/inventory/host-keys/HostKeys",
) {}
