// Turns the nodes of one document into plain values, within limits, and finds what YAML can say but a document cannot.

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Node,
  type Scalar,
  type YAMLMap,
} from "yaml";
import type { Json } from "../words/json.ts";
import { escapeText, quote } from "../words/quote.ts";
import type { DocumentFault } from "./fault.ts";
import type { ReadLimits } from "./limits.ts";
import { followAlias, keyText, type ValueNode } from "./nodes.ts";

export interface PlainDocument {
  readonly value: Json;
  /** What each alias stands for. */
  readonly aliases: ReadonlyMap<Alias, ValueNode>;
  readonly faults: ReadonlyArray<DocumentFault>;
}

/** What an anchor stands for, once it is complete. */
interface Anchored {
  readonly node: ValueNode;
  readonly value: Json;
  readonly extent: Extent;
}

/** How many values there are, and how many levels of lists and maps. */
interface Extent {
  readonly size: number;
  readonly height: number;
}

interface Walk {
  readonly limits: ReadLimits;
  readonly path: Array<string | number>;
  readonly faults: Array<DocumentFault>;
  readonly aliases: Map<Alias, ValueNode>;
  readonly anchors: Map<string, Anchored | "open">;
  /** How many values aliases may still add. */
  budget: number;
  depth: number;
}

export const plainDocument = (root: ValueNode, limits: ReadLimits): PlainDocument => {
  const walk: Walk = {
    limits,
    path: [],
    faults: [],
    aliases: new Map(),
    anchors: new Map(),
    budget: limits.aliasValues,
    depth: 0,
  };
  const value = plainValue(walk, root);
  return { value, aliases: walk.aliases, faults: walk.faults };
};

const plainValue = (walk: Walk, node: ValueNode): Json => {
  if (isScalar(node)) {
    const value = scalarValue(walk, node);
    return node.anchor === undefined ? value : anchor(walk, node.anchor, node, value);
  }
  if (isAlias(node)) return aliasValue(walk, node);
  if (!isMap(node) && !isSeq(node)) return null;
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, "open");
  walk.depth += 1;
  const value = isMap(node) ? mapValue(walk, node) : listValue(walk, node.items);
  walk.depth -= 1;
  return node.anchor === undefined ? value : anchor(walk, node.anchor, node, value);
};

const scalarValue = (walk: Walk, node: Scalar): Json => {
  const { value } = node;
  if (typeof value === "number" && !Number.isFinite(value)) {
    report(walk, "value", `${escapeText(node.source ?? String(value))} is not a finite number`);
    return null;
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  return null;
};

const listValue = (walk: Walk, items: ReadonlyArray<unknown>): Json => {
  const list: Array<Json> = [];
  for (let index = 0; index < items.length; index++) {
    walk.path.push(index);
    list.push(plainValue(walk, items[index] as ValueNode));
    walk.path.pop();
  }
  return list;
};

const mapValue = (walk: Walk, node: YAMLMap): Json => {
  const fields: Record<string, Json> = {};
  for (const { key, value } of node.items) {
    const name = keyText(key);
    if (name === undefined) {
      const hint = "lists, maps and aliases cannot name a field";
      report(walk, "key", "a field's name must be text", hint, key as Node);
      continue;
    }
    walk.path.push(name);
    const usable = isUsableKey(walk, fields, name, key as Scalar);
    const plain = plainValue(walk, value as ValueNode);
    if (usable) fields[name] = plain;
    walk.path.pop();
  }
  return fields;
};

/** Assigning to `__proto__` would change the object, not its fields; so the name is never used. */
const isUsableKey = (walk: Walk, fields: object, name: string, key: Scalar): boolean => {
  if (name === "__proto__") {
    report(walk, "key", `unknown field ${quote(name)}`);
    return false;
  }
  if (name === "<<" && key.type === "PLAIN") {
    const hint = "merge keys are YAML 1.1; write the fields out, or alias a whole value";
    report(walk, "key", `unknown field ${quote(name)}`, hint);
    return false;
  }
  if (!Object.hasOwn(fields, name)) return true;
  report(
    walk,
    "key",
    `field ${quote(name)} is written twice in one map`,
    "remove one of them",
    key,
  );
  return false;
};

const aliasValue = (walk: Walk, node: Alias): Json => {
  const found = walk.anchors.get(node.source);
  const name = quote(`*${node.source}`);
  if (found === undefined) {
    report(walk, "value", `the alias ${name} has no anchor before it`);
    return null;
  }
  if (found === "open") {
    report(walk, "value", `the alias ${name} stands within its own anchor`);
    return null;
  }
  walk.budget -= found.extent.size;
  if (walk.budget < 0) {
    const limit = walk.limits.aliasValues;
    report(
      walk,
      "value",
      `aliases add more than ${limit} values to the document`,
      "write them out",
    );
    return null;
  }
  if (walk.depth + found.extent.height > walk.limits.depth) {
    report(walk, "value", `nested more than ${walk.limits.depth} levels deep by the alias ${name}`);
    return null;
  }
  walk.aliases.set(node, found.node);
  return found.value;
};

const anchor = (walk: Walk, name: string, node: ValueNode, value: Json): Json => {
  walk.anchors.set(name, { node: followAlias(node, walk.aliases), value, extent: extentOf(value) });
  return value;
};

const extentOf = (value: Json): Extent => {
  if (value === null || typeof value !== "object") return { size: 1, height: 0 };
  let size = 1;
  let height = 0;
  for (const inner of Object.values(value)) {
    const extent = extentOf(inner);
    size += extent.size;
    height = Math.max(height, extent.height);
  }
  return { size, height: height + 1 };
};

const report = (
  walk: Walk,
  on: DocumentFault["on"],
  summary: string,
  hint?: string,
  at?: Node,
): void => {
  walk.faults.push({
    path: [...walk.path],
    on,
    summary,
    ...(hint === undefined ? {} : { hint }),
    ...(at === undefined ? {} : { node: at }),
  });
};
