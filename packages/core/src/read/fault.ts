// A fault before it has a place: in the text at an offset, or in a document at a path.

import type { Node } from "yaml";
import type { SpecFault } from "../words/kind.ts";
import type { Severity } from "../words/diagnostic.ts";
import { quote } from "../words/quote.ts";

export type Path = ReadonlyArray<string | number>;

/** Found while parsing: only an offset is known. */
export interface TextFault {
  readonly offset: number;
  readonly severity: Severity;
  readonly summary: string;
  readonly hint?: string;
}

/** Found in a document: `key` points at the field's name, `value` at what stands there. */
export interface DocumentFault extends SpecFault {
  readonly on: "key" | "value";
  /** The very node, where the path alone names another: the second field of one name. */
  readonly node?: Node;
}

/** `$.spec.instances[0].count`; what is no plain word is quoted: `$.spec.freeformTags["a.b"]`. */
export const formatPath = (path: Path): string =>
  path.reduce<string>((shown, part) => shown + formatPart(part), "$");

const formatPart = (part: string | number): string => {
  if (typeof part === "number") return `[${part}]`;
  return /^[A-Za-z_][A-Za-z0-9_-]{0,79}$/u.test(part) ? `.${part}` : `[${quote(part)}]`;
};

/** The field that a path ends in, for a sentence: `"count"`, or `"instances[0]"` in a list. */
export const nameOf = (path: Path): string => {
  const from = path.findLastIndex((part) => typeof part === "string");
  if (from === -1) return "the document";
  const indices = path.slice(from + 1).map((index) => `[${index}]`);
  return quote(`${path[from]}${indices.join("")}`);
};
