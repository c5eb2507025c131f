// Decides which files hold documents, and turns their bytes into text.

import type { Diagnostic } from "../words/diagnostic.ts";
import { defaultLimits, formatSize } from "./limits.ts";
import { placeAt } from "./lines.ts";

/** The text of one file; `file` is its path as shown to people. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
}

const extensionPattern = /\.(?:yaml|yml|json)$/iu;

/** Whether a path is read: `.yaml`, `.yml` or `.json`, outside dot-folders and `node_modules`. */
export const isDocumentFile = (path: string): boolean => {
  const parts = path.split(/[/\\]/u);
  return extensionPattern.test(path) && !parts.some(isHiddenPart);
};

const isHiddenPart = (part: string): boolean =>
  part === "node_modules" || (part.startsWith(".") && part !== "." && part !== "..");

export const isJsonFile = (file: string): boolean => /\.json$/iu.test(file);

/** Whether `decodeSource` answered text, not a fault. */
export const isSourceText = (decoded: SourceText | Diagnostic): decoded is SourceText =>
  "text" in decoded;

/**
 * The text of a file, without its byte order mark; or why it cannot be read: too large
 * (default over 1 MiB), binary, or not UTF-8. Looks at the size before anything else.
 */
export const decodeSource = (
  file: string,
  bytes: Uint8Array,
  limits: { readonly fileSize: number } = defaultLimits,
): SourceText | Diagnostic => {
  if (bytes.length > limits.fileSize) return tooLarge(file, bytes.length, limits.fileSize);
  if (bytes.includes(0)) return binary(file, bytes);
  try {
    return { file, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return notUtf8(file, bytes);
  }
};

/** Also for text that never was bytes. */
export const tooLarge = (file: string, size: number, limit: number): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  severity: "error",
  summary: `the file has ${size} bytes, more than the ${formatSize(limit)} that are read`,
  hint: "split it into several files",
});

const binary = (file: string, bytes: Uint8Array): Diagnostic => {
  const utf16 =
    (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return {
    file,
    line: 1,
    column: 1,
    severity: "error",
    summary: utf16 ? "the file is UTF-16 text, not UTF-8" : "the file is binary, not text",
    hint: utf16 ? "save it as UTF-8" : "move it out of the folder, or rename it",
  };
};

const notUtf8 = (file: string, bytes: Uint8Array): Diagnostic => {
  const lossy = new TextDecoder("utf-8").decode(bytes);
  const offset = Math.max(0, lossy.indexOf("\u{fffd}"));
  return {
    ...placeAt(file, lossy, offset),
    severity: "error",
    summary: "the file is not UTF-8 text",
    hint: "save it as UTF-8",
  };
};
