// Finds where a path of a document stands in its text; only asked once something is wrong.

import { isMap, isSeq, type Alias, type Pair, type YAMLMap } from "yaml";
import type { DocumentFault, Path } from "./fault.ts";
import { followAlias, keyText, offsetOf, type ValueNode } from "./nodes.ts";

/** The offset of what a fault is about. */
export type OffsetOf = (fault: Pick<DocumentFault, "path" | "on" | "node">) => number;

/** A field or element: where its name stands, and what stands there. */
interface Entry {
  readonly key: number;
  readonly value: ValueNode;
}

/**
 * Looks up offsets in one document. What is not there (a missing field) is placed at the name of
 * the nearest field around it; so is a field with nothing behind its colon.
 */
export const makeOffsetOf = (root: ValueNode, aliases: ReadonlyMap<Alias, ValueNode>): OffsetOf => {
  const start = offsetOf(root) ?? 0;
  const fieldsOf = memo(indexFields);
  const step = (node: ValueNode, part: string | number, around: number): Entry | undefined => {
    const target = followAlias(node, aliases);
    if (isMap(target)) return entryOf(fieldsOf(target).get(String(part)), around);
    if (!isSeq(target) || typeof part !== "number" || part >= target.items.length) return undefined;
    const value = target.items[part] as ValueNode;
    return { key: offsetOf(value) ?? around, value };
  };
  return ({ path, on, node }) => {
    if (node !== undefined) return offsetOf(node) ?? start;
    const found = walkPath(path, { key: start, value: root }, step);
    return on === "key" || !found.whole ? found.key : (offsetOf(found.value) ?? found.key);
  };
};

const walkPath = (
  path: Path,
  root: Entry,
  step: (node: ValueNode, part: string | number, around: number) => Entry | undefined,
): Entry & { readonly whole: boolean } => {
  let here = root;
  for (const part of path) {
    const next = step(here.value, part, here.key);
    if (next === undefined) return { ...here, whole: false };
    here = next;
  }
  return { ...here, whole: true };
};

const entryOf = (pair: Pair | undefined, around: number): Entry | undefined =>
  pair === undefined
    ? undefined
    : { key: offsetOf(pair.key as ValueNode) ?? around, value: pair.value as ValueNode };

/** The first field of each name: a second one is a fault of its own. */
const indexFields = (map: YAMLMap): ReadonlyMap<string, Pair> => {
  const fields = new Map<string, Pair>();
  for (const pair of map.items) {
    const name = keyText(pair.key);
    if (name !== undefined && !fields.has(name)) fields.set(name, pair);
  }
  return fields;
};

const memo = <K, V>(compute: (key: K) => V): ((key: K) => V) => {
  const known = new Map<K, V>();
  return (key) => {
    const value = known.get(key) ?? compute(key);
    known.set(key, value);
    return value;
  };
};
