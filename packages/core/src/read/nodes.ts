// What the parsers hand on: the nodes of one document, each with its offset in the text.

import {
  isAlias,
  isScalar,
  type Alias,
  type Node,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { TextFault } from "./fault.ts";

/** A parsed value; nothing where a parser left a hole. */
export type ValueNode = Alias | Scalar | YAMLMap | YAMLSeq | Node | null | undefined;

/** One document of a file, and what is wrong with its text. */
export interface ParsedDocument {
  readonly root: ValueNode;
  readonly faults: ReadonlyArray<TextFault>;
}

/** The documents of a file, and faults that belong to none of them. */
export interface ParsedFile {
  readonly documents: ReadonlyArray<ParsedDocument>;
  readonly faults: ReadonlyArray<TextFault>;
}

/** Where a node begins, or nothing when it takes no room in the text. */
export const offsetOf = (node: ValueNode): number | undefined => {
  const range = node?.range;
  if (range === null || range === undefined || range[0] === range[1]) return undefined;
  return range[0];
};

/**
 * The name of a field as it was written: a key that YAML reads as a number or as true is still
 * the text that stands there. Nothing for keys that are no scalars.
 */
export const keyText = (key: unknown): string | undefined => {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : (key.source ?? "");
};

/** Follows aliases to what they stand for; an alias that leads nowhere stays itself. */
export const followAlias = (node: ValueNode, aliases: ReadonlyMap<Alias, ValueNode>): ValueNode =>
  isAlias(node) ? (aliases.get(node) ?? node) : node;
