// Decides what a fault becomes once its place in the file is known.

import { hasErrors, type Diagnostic } from "../words/diagnostic.ts";
import { formatPath, type DocumentFault, type TextFault } from "./fault.ts";
import type { PlaceOf } from "./lines.ts";
import type { OffsetOf } from "./places.ts";

export const textDiagnostic = (placeOf: PlaceOf, { offset, ...fault }: TextFault): Diagnostic => ({
  ...placeOf(offset),
  ...fault,
});

export const documentDiagnostic = (
  placeOf: PlaceOf,
  whereIs: OffsetOf,
  fault: DocumentFault,
): Diagnostic => ({
  ...placeOf(whereIs(fault)),
  severity: "error",
  summary: fault.summary,
  path: formatPath(fault.path),
  ...(fault.hint === undefined ? {} : { hint: fault.hint }),
});

/** A file with very many faults has one cause; the count is kept, the rest is not. */
export const atMost = (
  found: ReadonlyArray<Diagnostic>,
  limit: number,
): ReadonlyArray<Diagnostic> => {
  if (found.length <= limit) return found;
  const { file, line, column } = found[limit]!;
  const severity = hasErrors(found.slice(limit)) ? "error" : "warning";
  const summary = `more than ${limit} faults in this file; the rest is not shown`;
  return [...found.slice(0, limit), { file, line, column, severity, summary }];
};
