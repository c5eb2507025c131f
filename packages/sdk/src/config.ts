// What an operator writes in `muster.config.ts`, and nobody else.

import type { Plugin } from "@muster/core";

export interface MusterConfig {
  /** Kinds and providers; the built-in ones when not given. */
  readonly plugins?: ReadonlyArray<Plugin>;
  /** Whose members these are; a default by command when not given. */
  readonly owner?: string;
  /** Such as `sqlite:/var/lib/muster/fleet.db` or `postgres://muster@db.example.com/muster`. */
  readonly store?: string;
  /** Who may change the inventory of hosts; whoever may write the store when not given. */
  readonly operators?: OperatorsConfig;
  /** How hosts are looked at and acted on. */
  readonly hosts?: HostsConfig;
}

/** Whoever is in one of the lists may write; all others only read. */
export interface OperatorsConfig {
  /** Accounts of this system. */
  readonly users?: ReadonlyArray<string>;
  /** Groups of this system. */
  readonly groups?: ReadonlyArray<string>;
}

export interface HostsConfig {
  /**
   * What `converge host` runs on a host, a line for its shell, such as `sudo -n run-puppet.sh`.
   * Nothing by default: then that command is refused.
   */
  readonly converge?: string;
  /** What `reboot host` runs on a host. Default `sudo -n reboot`. */
  readonly reboot?: string;
  /** How often `muster run` looks at the hosts; it does not when not given. */
  readonly refresh?: {
    /** Seconds between looks at whether each can be reached, 30 to 86400. Default 300. */
    readonly fastSeconds?: number;
    /** Seconds between looks at all that is asked, 60 to 604800. Default 3600. */
    readonly fullSeconds?: number;
  };
  /** What counts as drift. */
  readonly drift?: {
    /** Failed looks in a row before a host is `unreachable`. Default 3. */
    readonly unreachableLooks?: number;
    /** And how long they must span, in seconds. Default 7200. */
    readonly unreachableSeconds?: number;
    /** How long a worker may be away from Taskcluster, in seconds. Default 7200. */
    readonly workerSeconds?: number;
    /** A sight that is older than this decides nothing, in seconds. Default 86400. */
    readonly staleSeconds?: number;
  };
}

/** Only types: it gives back what it got. */
export const defineConfig = (config: MusterConfig): MusterConfig => config;
