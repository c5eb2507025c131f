// Decides how faults in documents are told: each with its place, the line it is in, and a hint.

import { codeFrame, type Diagnostic, formatDiagnostic, type SourceText } from "@muster/core";
import type { Paint } from "./paint.ts";

/** More than this are counted, not shown; `-o json` shows all. */
const mostShown = 200;

export const viewDiagnostics = (
  diagnostics: ReadonlyArray<Diagnostic>,
  sources: ReadonlyArray<SourceText>,
  paint: Paint,
): string => {
  const texts = new Map(sources.map((source) => [source.file, source.text]));
  const shown = diagnostics
    .slice(0, mostShown)
    .map((diagnostic) => viewDiagnostic(diagnostic, texts.get(diagnostic.file), paint));
  const hidden = diagnostics.length - shown.length;
  return [...shown, ...(hidden > 0 ? [`… and ${hidden} more (-o json shows all)`] : [])].join("\n");
};

const viewDiagnostic = (diagnostic: Diagnostic, text: string | undefined, paint: Paint): string => {
  const [first, ...rest] = formatDiagnostic(diagnostic).split("\n");
  const frame = text === undefined ? [] : [paint("dim", indent(codeFrame(text, diagnostic)))];
  const colour = diagnostic.severity === "error" ? "red" : "yellow";
  return [paint(colour, first!), ...frame, ...rest.map((line) => paint("cyan", line))].join("\n");
};

const indent = (text: string): string => text.replace(/^/gmu, "  ");

export const countFaults = (diagnostics: ReadonlyArray<Diagnostic>): string => {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
  const files = new Set(diagnostics.map((diagnostic) => diagnostic.file)).size;
  return `${errors} ${errors === 1 ? "fault" : "faults"} in ${files} ${files === 1 ? "file" : "files"}`;
};
