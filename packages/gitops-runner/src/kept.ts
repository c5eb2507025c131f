// Keeps what was read of objects: what a full object id names never changes, so it is read once.

/** Bytes that are kept, about; the longest unused go first. */
export const keptLimit = 32 * 1024 * 1024;

export interface Kept {
  /** What is kept of a copy under a key. */
  readonly find: <A>(folder: string, key: Key<A>) => A | undefined;
  /** Keeps a value of about so many bytes; one that is larger than a quarter of all is not kept. */
  readonly keep: <A>(folder: string, key: Key<A>, value: A, bytes: number) => void;
  /** Forgets a copy: it was made anew. */
  readonly forget: (folder: string) => void;
}

/** The name of something kept, and what it is. */
export interface Key<A> {
  readonly name: string;
  readonly _of?: A;
}

interface Entry {
  readonly value: unknown;
  readonly bytes: number;
}

export const makeKept = (limit: number = keptLimit): Kept => {
  const entries = new Map<string, Entry>();
  let size = 0;
  const nameOf = (folder: string, key: Key<unknown>): string => `${folder}\0${key.name}`;
  const drop = (name: string): void => {
    size -= entries.get(name)?.bytes ?? 0;
    entries.delete(name);
  };
  return {
    find: <A>(folder: string, key: Key<A>): A | undefined => {
      const name = nameOf(folder, key);
      const entry = entries.get(name);
      if (entry === undefined) return undefined;
      entries.delete(name);
      entries.set(name, entry);
      return entry.value as A;
    },
    keep: (folder, key, value, bytes) => {
      const name = nameOf(folder, key);
      drop(name);
      const cost = bytes + name.length + 200;
      if (cost > limit / 4) return;
      entries.set(name, { value, bytes: cost });
      size += cost;
      for (const oldest of entries.keys()) {
        if (size <= limit) break;
        drop(oldest);
      }
    },
    forget: (folder) => {
      for (const name of [...entries.keys()]) if (name.startsWith(`${folder}\0`)) drop(name);
    },
  };
};
