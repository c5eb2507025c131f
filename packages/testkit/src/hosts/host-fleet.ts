// The words of a simulated fleet of hosts: what a test says of them, does to them and counts.

import * as Data from "effect/Data";
import type * as Effect from "effect/Effect";
import type { HostFault, HostFaultName } from "./faults.ts";

/** What can lie where a file is asked for. A link may lead anywhere, to itself or to nowhere, too. */
export type HostFile =
  | string
  | Uint8Array
  | { readonly is: "directory" }
  | { readonly is: "fifo" }
  | { readonly is: "link"; readonly to: string };

export interface HostOptions {
  /** Lower case letters, digits, `-` and `.`. Default: `host-0001` and so on. */
  readonly name?: string;
  /** What stands in `/etc/puppet_role`. Default: there is no such file. */
  readonly role?: string;
  /** What stands in `/etc/puppet/ronin_settings`. Default: there is no such file. */
  readonly override?: string;
  /** What stands in `/etc/puppet/last_run_metadata.json`. Default: there is no such file. */
  readonly lastRun?: Readonly<Record<string, unknown>>;
  /** Other files below `/etc`, by their absolute paths. */
  readonly files?: Readonly<Record<string, HostFile>>;
  /** Whether sudo asks for no password. Default true. */
  readonly sudo?: boolean;
  /** How the reboots end that its own commands ask for. Default: `back`, after 2000 ms. */
  readonly reboot?: {
    /** `gone`: it never comes back. `same`: it does, with the boot id of before. */
    readonly end?: "back" | "gone" | "same";
    /** How long it is down, in milliseconds. */
    readonly downMs?: number;
  };
  /** How long it has been up when the fleet starts, in seconds. Default one day. */
  readonly uptimeSeconds?: number;
}

export interface HostFleetOptions {
  /** The hosts, or how many hosts without a file of their own. */
  readonly hosts: number | readonly HostOptions[];
  /** One port for all hosts. Default: any that is free. */
  readonly port?: number;
}

/** What happened at one host since the fleet started. */
export interface HostCounts {
  /** Connections that were accepted, those that were reset at once included. */
  readonly connections: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Identities that were offered and judged. */
  readonly authAttempts: number;
  /**
   * Requests to be let in, of any method, with an identity or without. Of real hosts it is only
   * known while the fault is about their key; otherwise nothing.
   */
  readonly authRequests: number | null;
  /** Commands that began. */
  readonly execs: number;
  /**
   * Bytes that came from clients and went to them, keys and padding included. Nothing of real
   * hosts: their connections are sshd's own, and nobody looks on.
   */
  readonly bytes: { readonly incoming: number; readonly outgoing: number } | null;
}

export interface SimulatedHost {
  readonly name: string;
  /** Of the loopback. */
  readonly address: string;
  readonly port: number;
  /** The key that stands in known_hosts: `ssh-ed25519` and base64. */
  readonly hostKey: string;
  /** Another one after each reboot. */
  readonly bootId: Effect.Effect<string>;
  readonly counts: Effect.Effect<HostCounts>;
  /** Ends when no connection is open. */
  readonly idle: Effect.Effect<void>;
  /** Gives it this fault in place of the one that it has. */
  readonly strike: (
    name: HostFaultName,
    details?: Omit<HostFault, "name">,
  ) => Effect.Effect<void, HostFleetError>;
  /** Takes its fault away. */
  readonly heal: Effect.Effect<void, HostFleetError>;
  /** The content of a file; nothing when there is none. */
  readonly read: (path: string) => Effect.Effect<string | undefined>;
  /** Writes a file below `/etc`, whatever fault the host has; nothing removes it. */
  readonly write: (path: string, content: string | undefined) => Effect.Effect<void>;
  /**
   * Ends all of its connections and lets it start again: connections are reset for `downMs`
   * milliseconds, 2000 by default. Ends when the host is down. Commands of the host reboot it, too,
   * and those heed `HostOptions.reboot`.
   */
  readonly reboot: (options?: { readonly downMs?: number }) => Effect.Effect<void>;
  /** Ends when it is up: at once, or after a reboot. */
  readonly up: Effect.Effect<void>;
}

export interface HostFleet {
  readonly peer: "emulated" | "real";
  /** Where the client's files lie; it is gone when the fleet is. */
  readonly folder: string;
  /** A configuration that leads to all hosts by name: strict about keys, with one identity. */
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** The private key of the client. */
  readonly identity: string;
  /** A file with the name of each host on a line. */
  readonly seeds: string;
  readonly user: string;
  readonly hosts: readonly SimulatedHost[];
  /** Throws when there is no host of that name. */
  readonly host: (name: string) => SimulatedHost;
}

/**
 * Why a fleet cannot start or a fault cannot be given:
 * - `options`: what was asked for makes no sense
 * - `system`, `root`, `tools`, `namespaces`: real hosts are not to be had here
 * - `address`: an address cannot be listened on, or the port is taken
 * - `boot`: a host did not come up
 */
export class HostFleetError extends Data.TaggedError("HostFleetError")<{
  readonly reason: "options" | "system" | "root" | "tools" | "namespaces" | "address" | "boot";
  readonly message: string;
  /** What a person can do about it. */
  readonly remedy: string;
}> {}

/** What a step failed of, as the reason that it names or that of a host that does not come up. */
export const asFleetError = (cause: unknown): HostFleetError =>
  cause instanceof HostFleetError
    ? cause
    : new HostFleetError({
        reason: "boot",
        message: `The hosts cannot start: ${cause instanceof Error ? cause.message : String(cause)}`,
        remedy: "read the message; it is the system's own",
      });
