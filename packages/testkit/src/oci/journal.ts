// Keeps what was accepted and what was asked: the proof that tests count.

import { closeSync, openSync, writeSync } from "node:fs";
import type { AuthOperation } from "./auth-service.ts";
import type { Operation } from "./operation.ts";
import type { SignatureFailure } from "./signature.ts";

/** One accepted change, in order. Times are milliseconds since the epoch. */
export interface JournalEntry {
  readonly seq: number;
  /** The simulator's time. */
  readonly at: number;
  /** Real time. */
  readonly wallAt: number;
  readonly operation: Operation;
  readonly instanceId: string;
  readonly compartmentId: string;
  readonly availabilityDomain: string;
  readonly faultDomain: string;
  readonly displayName: string;
  readonly freeformTags: Readonly<Record<string, string>>;
  readonly imageId: string;
  /** The retry token, when the request had one. */
  readonly token?: string;
  /** The action of an InstanceAction. */
  readonly action?: string;
  /** Asked of a TerminateInstance. */
  readonly preserveBootVolume?: boolean;
  readonly requestId: string;
  readonly userId: string;
  readonly clientIp: string;
}

/** One API request, whatever came of it. */
export interface RequestEntry {
  readonly seq: number;
  readonly at: number;
  readonly wallAt: number;
  readonly method: string;
  readonly target: string;
  readonly operation: Operation | AuthOperation | "Unknown";
  /** 0 when no answer was sent: a fault destroyed the connection. */
  readonly status: number;
  readonly code?: string;
  /** Which planted fault struck. */
  readonly fault?: string;
  /** Why the signature was refused; the client was not told. */
  readonly signatureFailure?: SignatureFailure;
  readonly signatureDetail?: string;
  readonly requestId: string;
}

export interface Journal {
  readonly record: (entry: Omit<JournalEntry, "seq" | "wallAt">) => void;
  readonly recordRequest: (entry: Omit<RequestEntry, "seq" | "wallAt">) => void;
  readonly entries: () => readonly JournalEntry[];
  readonly requests: () => readonly RequestEntry[];
  /** Forgets what is in memory. The file is append-only and the numbers go on. */
  readonly clear: () => void;
  readonly close: () => void;
}

// The newest are kept; the file, when there is one, has all changes.
const maxEntries = 100_000;
const maxRequests = 50_000;

/**
 * With `file`, each change is also appended there as one JSON line before its answer leaves (mode
 * 0600), so that a count from outside is right even when the client died. Throws when the file
 * cannot be opened.
 */
export const openJournal = (file: string | undefined): Journal => {
  const descriptor = file === undefined ? undefined : openSync(file, "a", 0o600);
  const entries = boundedList<JournalEntry>(maxEntries);
  const requests = boundedList<RequestEntry>(maxRequests);
  let seq = 0;
  let requestSeq = 0;
  return {
    record: (entry) => {
      const numbered = { seq: (seq += 1), wallAt: Date.now(), ...entry };
      entries.add(numbered);
      if (descriptor !== undefined) writeSync(descriptor, `${JSON.stringify(numbered)}\n`);
    },
    recordRequest: (entry) =>
      requests.add({ seq: (requestSeq += 1), wallAt: Date.now(), ...entry }),
    entries: entries.all,
    requests: requests.all,
    clear: () => {
      entries.clear();
      requests.clear();
    },
    close: () => {
      if (descriptor !== undefined) closeSync(descriptor);
    },
  };
};

const boundedList = <A>(most: number) => {
  let items: A[] = [];
  return {
    add: (item: A): void => {
      items.push(item);
      // Cut rarely, and then much: cutting at every item would cost a copy each time.
      if (items.length > most * 2) items = items.slice(-most);
    },
    all: (): readonly A[] => items.slice(-most),
    clear: (): void => {
      items = [];
    },
  };
};
