// Keeps what known_hosts files say for as long as nobody writes them, and lets new keys in one by one.

import * as Effect from "effect/Effect";
import * as Semaphore from "effect/Semaphore";
import { appendKnownHost, readKnownHostsFiles, stampOf } from "./known-hosts-file.ts";
import {
  judgeKey,
  knownHostsLine,
  rememberKey,
  type KeyJudgement,
  type KnownHosts,
  type KnownName,
} from "./known-hosts.ts";

export interface NewKey {
  /** All files that may know the host, and the one of them that the key is added to. */
  readonly files: ReadonlyArray<string>;
  readonly file: string;
  readonly name: KnownName;
  readonly key: Uint8Array;
  /** Whether the name is hashed. */
  readonly hash: boolean;
}

export interface KnownHostsKeeper {
  /** What the files say now: they are read again when one of them was written. */
  readonly read: (files: ReadonlyArray<string>) => Effect.Effect<KnownHosts>;
  /** Adds a key of which the files say nothing even now; else tells what they say of it. */
  readonly keep: (key: NewKey) => Effect.Effect<KeyJudgement, { readonly message: string }>;
}

interface Held {
  readonly known: KnownHosts;
  readonly stamps: Map<string, string>;
}

export const makeKnownHostsKeeper = (): KnownHostsKeeper => {
  const held = new Map<string, Held>();
  // One at a time: two new keys of one host must not both find that nothing is known of it.
  const door = Semaphore.makeUnsafe(1);
  const now = Effect.fnUntraced(function* (files: ReadonlyArray<string>) {
    // Before the reading: what is written meanwhile is found by the next look.
    const stamps = new Map<string, string>();
    for (const file of files) stamps.set(file, yield* stampOf(file));
    const before = held.get(files.join("\0"));
    if (
      before !== undefined &&
      files.every((file) => before.stamps.get(file) === stamps.get(file))
    ) {
      return before;
    }
    const read: Held = { known: yield* readKnownHostsFiles(files), stamps };
    held.set(files.join("\0"), read);
    return read;
  });
  const keep = Effect.fnUntraced(function* ({ files, file, name, key, hash }: NewKey) {
    const { known, stamps } = yield* now(files);
    const judgement = judgeKey(known, name, key);
    if (judgement.verdict !== "unknown" || !isReadWhole(known)) return judgement;
    const added = yield* appendKnownHost(file, knownHostsLine(name, key, hash));
    rememberKey(known, name, key, file);
    // Only when nobody else wrote it: what they wrote is not known here.
    if (added.before === stamps.get(file)) stamps.set(file, added.after);
    return judgeKey(known, name, key);
  });
  return {
    read: (files) => door.withPermit(Effect.map(now(files), ({ known }) => known)),
    keep: (key) => door.withPermit(keep(key)),
  };
};

/** A file that cannot be read may know another key. */
export const isReadWhole = ({ findings }: KnownHosts): boolean =>
  findings.every(({ line }) => line > 0);
