// Finds the blocks of a configuration that may apply to a name: a file with a block for each of many hosts is not asked block by block.

import { isWild } from "./pattern.ts";
import type { ConfigLine } from "./ssh-config-text.ts";

export interface Block {
  /** The `Host` or `Match` that it stands under; nothing for what stands before the first. */
  readonly head: ConfigLine | null;
  readonly lines: ReadonlyArray<ConfigLine>;
}

interface Index {
  readonly blocks: ReadonlyArray<Block>;
  /** Places of blocks under a `Host` that only spells names. */
  readonly byName: ReadonlyMap<string, ReadonlyArray<number>>;
  /** Places of all others: whether they apply has to be asked. */
  readonly others: ReadonlyArray<number>;
}

/** Lines never change, so each file is gone through once. */
const indexes = new WeakMap<ReadonlyArray<ConfigLine>, Index>();

/** In the order in which they stand; those that are left out apply to other names only. */
export const blocksFor = (lines: ReadonlyArray<ConfigLine>, name: string): ReadonlyArray<Block> => {
  const { blocks, byName, others } = indexOf(lines);
  const named = byName.get(name);
  const places = named === undefined ? others : [...others, ...named].sort((a, b) => a - b);
  return places.map((place) => blocks[place]!);
};

const indexOf = (lines: ReadonlyArray<ConfigLine>): Index => {
  const known = indexes.get(lines);
  if (known !== undefined) return known;
  const blocks = split(lines);
  const byName = new Map<string, Array<number>>();
  const others: Array<number> = [];
  for (const [place, { head }] of blocks.entries()) {
    const names = head === null ? null : namesOf(head);
    if (names === null) others.push(place);
    for (const name of names ?? []) {
      const places = byName.get(name);
      if (places === undefined) byName.set(name, [place]);
      else places.push(place);
    }
  }
  const index = { blocks, byName, others };
  indexes.set(lines, index);
  return index;
};

const split = (lines: ReadonlyArray<ConfigLine>): ReadonlyArray<Block> => {
  let current: { readonly head: ConfigLine | null; readonly lines: Array<ConfigLine> } = {
    ...{ head: null, lines: [] },
  };
  const blocks = [current];
  for (const line of lines) {
    if (line.word === "host" || line.word === "match") {
      current = { head: line, lines: [] };
      blocks.push(current);
    } else {
      current.lines.push(line);
    }
  }
  return blocks;
};

/** Nothing when it is no plain list of names. */
const namesOf = ({ word, args }: ConfigLine): ReadonlySet<string> | null =>
  word !== "host" || args === null || args.some((name) => name.startsWith("!") || isWild(name))
    ? null
    : new Set(args);
