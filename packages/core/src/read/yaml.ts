// Parses YAML 1.2 (core schema, no merge keys) into documents, with every fault of the text.

import { Composer, Lexer, Parser, type Document, type YAMLError } from "yaml";
import { escapeText } from "../words/quote.ts";
import type { TextFault } from "./fault.ts";
import type { ReadLimits } from "./limits.ts";
import type { ParsedDocument, ParsedFile } from "./nodes.ts";

/**
 * Duplicate keys and aliases are looked after by whoever walks the nodes: in the library the
 * first costs the square of a map's size, the second that of a document's anchors.
 */
const options = {
  version: "1.2",
  schema: "core",
  merge: false,
  resolveKnownTags: false,
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

/** Stops at the first place that is nested too deeply: composing recurses, so it must not see it. */
export const parseYaml = (text: string, limits: ReadLimits): ParsedFile => {
  const parser = new Parser();
  const composer = new Composer(options);
  const budget = boundErrors(composer, limits);
  const documents: Array<ParsedDocument> = [];
  const faults: Array<TextFault> = [];
  const take = (composed: Iterable<Document.Parsed>): void => {
    for (const document of composed) documents.push(parsedDocument(document));
  };
  const tooMany = (): boolean => documents.length > limits.documentsPerFile;

  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) {
      if (token.type !== "error" || budget.spend()) take(composer.next(token));
    }
    if (parser.stack.length > limits.depth + 2) {
      faults.push(tooDeep(parser.offset, limits));
      break;
    }
    if (tooMany()) break;
  }
  if (faults.length === 0 && !tooMany()) {
    for (const token of parser.end()) take(composer.next(token));
  }
  take(composer.end(false, text.length));
  if (tooMany()) faults.push(tooManyDocuments(limits));
  // Some errors were not kept, so no document of this file can be called sound.
  if (budget.spent()) return { documents: [], faults: [...faults, ...documents.flatMap(faultsOf)] };
  const kept = documents.slice(0, limits.documentsPerFile);
  return { documents: kept.filter((document) => !isEmpty(document)), faults };
};

const faultsOf = (document: ParsedDocument): ReadonlyArray<TextFault> => document.faults;

interface ErrorBudget {
  /** Whether one more error may be made. */
  readonly spend: () => boolean;
  readonly spent: () => boolean;
}

/** Makes at most so many errors per file: a megabyte of brackets would otherwise take gigabytes. */
const boundErrors = (composer: Composer, limits: ReadLimits): ErrorBudget => {
  let left = limits.faultsPerFile + 1;
  const spend = (): boolean => left-- > 0;
  const inner = composer as unknown as { onError: (...error: ReadonlyArray<unknown>) => void };
  const { onError } = inner;
  inner.onError = (...error) => {
    if (spend()) onError(...error);
  };
  return { spend, spent: () => left < 0 };
};

export const tooDeep = (offset: number, limits: ReadLimits): TextFault => ({
  offset,
  severity: "error",
  summary: `nested more than ${limits.depth} levels deep`,
  hint: "nothing after this place was read",
});

export const tooManyDocuments = (limits: ReadLimits): TextFault => ({
  offset: 0,
  severity: "error",
  summary: `more than ${limits.documentsPerFile} documents in one file`,
  hint: "split it into several files",
});

const parsedDocument = (document: Document.Parsed): ParsedDocument => ({
  root: document.contents,
  faults:
    document.errors.length + document.warnings.length === 0
      ? []
      : [
          ...firstPerLine(document.errors).map((error) => textFault(error, "error")),
          ...document.warnings.map((warning) => textFault(warning, "warning")),
        ],
});

const isEmpty = ({ root, faults }: ParsedDocument): boolean =>
  faults.length === 0 && (root === null || root === undefined || isEmptyScalar(root));

const isEmptyScalar = (root: object): boolean =>
  "value" in root && root.value === null && "source" in root && root.source === "";

const textFault = (error: YAMLError, severity: TextFault["severity"]): TextFault => {
  const hint = hints[error.code];
  return {
    offset: Math.max(0, error.pos[0]),
    severity,
    summary: escapeText(sentence(error.message), 160),
    ...(hint === undefined ? {} : { hint }),
  };
};

/** One slip often gives several errors at one offset; the first says it best. */
const firstPerLine = (errors: ReadonlyArray<YAMLError>): ReadonlyArray<YAMLError> => {
  const seen = new Set<number>();
  return errors.filter(({ pos }) => !seen.has(pos[0]) && seen.add(pos[0]));
};

const sentence = (message: string): string =>
  `${message.slice(0, 1).toLowerCase()}${message.slice(1)}`.replace(/\.$/u, "");

const hints: Readonly<Partial<Record<YAMLError["code"], string>>> = {
  TAB_AS_INDENT: "YAML indents with spaces",
  BAD_INDENT: "fields of one map must begin in the same column",
  MISSING_CHAR: "close what was opened, or put the text in quotes",
  BAD_SCALAR_START: "put the text in quotes",
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " in one line needs quotes around the text',
  MULTILINE_IMPLICIT_KEY: "a field's name and its colon stand on one line",
  UNEXPECTED_TOKEN: "check the indentation, and the quotes of the line before",
  TAG_RESOLVE_FAILED: "leave the tag out",
  BAD_DQ_ESCAPE: "write a backslash as \\\\, or use single quotes",
};
