// Counts what happens at one host, and knows when no connection is open.

import type { HostCounts } from "./host-fleet.ts";

export interface Tally {
  readonly add: (what: "connections" | "authAttempts" | "authRequests" | "execs") => void;
  readonly addBytes: (incoming: number, outgoing: number) => void;
  /** Counts a connection as open until the promise ends. */
  readonly during: (connection: Promise<void>) => void;
  readonly counts: () => Omit<HostCounts, "bytes" | "authRequests"> & {
    readonly authRequests: number;
  };
  readonly bytes: () => { readonly incoming: number; readonly outgoing: number };
  /** Ends when no connection is open. */
  readonly idle: () => Promise<void>;
}

export const makeTally = (): Tally => {
  const counts = { connections: 0, open: 0, authAttempts: 0, authRequests: 0, execs: 0 };
  const bytes = { incoming: 0, outgoing: 0 };
  let waiting: (() => void)[] = [];
  const ended = (): void => {
    counts.open -= 1;
    if (counts.open > 0) return;
    for (const go of waiting) go();
    waiting = [];
  };
  return {
    add: (what) => {
      counts[what] += 1;
    },
    addBytes: (incoming, outgoing) => {
      bytes.incoming += incoming;
      bytes.outgoing += outgoing;
    },
    during: (connection) => {
      counts.open += 1;
      void connection.then(ended, ended);
    },
    counts: () => ({ ...counts }),
    bytes: () => ({ ...bytes }),
    idle: () =>
      counts.open === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            waiting.push(resolve);
          }),
  };
};
