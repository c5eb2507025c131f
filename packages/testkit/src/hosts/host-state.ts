// Keeps what one simulated host is at this moment, for the gate, the server behind it and the test.

import { randomUUID } from "node:crypto";
import type { HostFault } from "./faults.ts";
import type { HostFile, HostOptions } from "./host-fleet.ts";
import { makeKeyPair, type KeyPair } from "./keys.ts";
import { makeTally, type Tally } from "./tally.ts";

export interface HostState {
  readonly name: string;
  readonly options: HostOptions;
  /** The key that clients know. */
  readonly key: KeyPair;
  /** The key that it shows when its key has changed. */
  readonly otherKey: () => KeyPair;
  readonly tally: Tally;
  fault: HostFault | undefined;
  bootId: string;
  /** Milliseconds since the epoch. */
  bootedAt: number;
}

const secondsOfADay = 86_400;

export const makeHostState = (name: string, options: HostOptions): HostState => {
  let other: KeyPair | undefined;
  return {
    name,
    options,
    key: makeKeyPair(),
    otherKey: () => (other ??= makeKeyPair()),
    tally: makeTally(),
    fault: undefined,
    bootId: randomUUID(),
    bootedAt: Date.now() - (options.uptimeSeconds ?? secondsOfADay) * 1_000,
  };
};

/** It has started again. */
export const bootAgain = (state: HostState): void => {
  state.bootId = randomUUID();
  state.bootedAt = Date.now();
};

/** Seconds since it started. */
export const uptimeOf = (state: HostState): number => (Date.now() - state.bootedAt) / 1_000;

/**
 * How `run-puppet.sh` goes: its exit code, how many lines it says, and the seconds before each, on
 * one line. Without the file it ends well at once.
 */
export const puppetPlan = "/etc/puppet/plan";

/** The files that it has from the start, by their absolute paths. */
export const filesOf = ({ role, override, lastRun, files }: HostOptions): Map<string, HostFile> => {
  const all = new Map<string, HostFile>(Object.entries(files ?? {}));
  if (role !== undefined) all.set("/etc/puppet_role", `${role}\n`);
  if (override !== undefined) all.set("/etc/puppet/ronin_settings", override);
  if (lastRun !== undefined) {
    all.set("/etc/puppet/last_run_metadata.json", `${JSON.stringify(lastRun)}\n`);
  }
  return all;
};
