// A fault in a user's file: what is wrong, where, and what to do.

/** A place in a file; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type Severity = "error" | "warning";

export interface Diagnostic extends Place {
  readonly severity: Severity;
  /** One short sentence without a full stop: what is wrong. */
  readonly summary: string;
  /** Where in the document, such as `$.spec.instances[0].count`. */
  readonly path?: string;
  /** What to do next. */
  readonly hint?: string;
}

export const hasErrors = (diagnostics: ReadonlyArray<Diagnostic>): boolean =>
  diagnostics.some((diagnostic) => diagnostic.severity === "error");

/** By file, line, column, then summary, so that a listing never depends on the order of discovery. */
export const compareDiagnostics = (a: Diagnostic, b: Diagnostic): number =>
  compareText(a.file, b.file) ||
  a.line - b.line ||
  a.column - b.column ||
  compareText(a.summary, b.summary);

/** Code-unit order: the same on every machine, unlike `localeCompare`. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
