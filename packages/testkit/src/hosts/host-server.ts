// Says what a server behind the gate of a simulated host does, whichever program it is.

import type { Socket } from "node:net";
import type { HostFleet } from "./host-fleet.ts";
import type { HostState } from "./host-state.ts";

/** The server of one host: what stands behind its gate. */
export interface HostServer {
  /** Whether the bytes of its connections pass through the gate's sockets. */
  readonly counted: boolean;
  /** Takes a connection over; ends when that is over. */
  readonly serve: (socket: Socket) => Promise<void>;
  /** Lets the fault of the state hold for what begins from now on. */
  readonly heed: () => Promise<void>;
  readonly read: (path: string) => Promise<string | undefined>;
  readonly write: (path: string, content: string | undefined) => Promise<void>;
  /** Ends all that runs on it. */
  readonly halt: () => Promise<void>;
  /** Starts again as the state says, after `halt`. */
  readonly boot: () => Promise<void>;
  /** Ends all, for good. */
  readonly close: () => Promise<void>;
}

/** What makes the servers of a fleet. */
export interface HostPeer {
  readonly name: HostFleet["peer"];
  readonly most: number;
  /** Who logs in. */
  readonly user: string;
  /** Whether a server wants its connections unread. */
  readonly untouched: boolean;
  /** Whether each host has an address of its own, or only a port. */
  readonly ownAddresses: boolean;
  /** `wish` is called when a command of the host asks for a reboot. */
  readonly start: (site: HostSite, wish: () => void) => Promise<HostServer>;
}

/** Where one host is to be. */
export interface HostSite {
  readonly state: HostState;
  readonly folder: string;
  /** The key that it lets in. */
  readonly clientKey: string;
}
