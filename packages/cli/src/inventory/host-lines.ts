// Decides how a host's output is shown: line by line, each at most so long, and not without end.

import { escapeText } from "@muster/core";
import type { HostStream } from "@muster/core/inventory/send";

interface HostLine {
  readonly stream: HostStream;
  /** As the host said it; never shown unescaped. */
  readonly text: string;
}

/** A longer line is shown in pieces, in characters. */
const longest = 8_192;

/** What is shown of one command in all, in characters; what comes after is only counted. */
const mostShown = 16 * 1024 * 1024;

export interface HostLines {
  /** The lines that have ended with this piece; characters may be cut apart by pieces. */
  readonly add: (stream: HostStream, bytes: Uint8Array) => ReadonlyArray<HostLine>;
  /** Lines that the host left without an end. */
  readonly end: () => ReadonlyArray<HostLine>;
  /** About how many bytes were not shown. */
  readonly dropped: () => number;
}

export const makeHostLines = (most: number = mostShown): HostLines => {
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  const rests = { stdout: "", stderr: "" };
  let shown = 0;
  let dropped = 0;
  const keep = (stream: HostStream, texts: ReadonlyArray<string>): ReadonlyArray<HostLine> =>
    texts.flatMap(piecesOf).flatMap((text) => {
      // The line that goes beyond is left out whole, and so is every one after it.
      if (dropped > 0 || shown + text.length > most) {
        dropped += text.length + 1;
        return [];
      }
      shown += text.length + 1;
      return [{ stream, text: text.endsWith("\r") ? text.slice(0, -1) : text }];
    });
  const take = (stream: HostStream, text: string): ReadonlyArray<HostLine> => {
    const lines = `${rests[stream]}${text}`.split("\n");
    const rest = lines.pop() ?? "";
    if (rest.length <= longest) {
      rests[stream] = rest;
      return keep(stream, lines);
    }
    rests[stream] = "";
    return keep(stream, [...lines, rest]);
  };
  return {
    add: (stream, bytes) => {
      if (dropped === 0) return take(stream, decoders[stream].decode(bytes, { stream: true }));
      // A host that never stops must not cost more than its bytes.
      dropped += bytes.length;
      return [];
    },
    end: () =>
      (["stdout", "stderr"] as const).flatMap((stream) => {
        const lines = take(stream, decoders[stream].decode());
        const rest = rests[stream];
        rests[stream] = "";
        return rest === "" ? lines : [...lines, ...keep(stream, [rest])];
      }),
    dropped: () => dropped,
  };
};

const piecesOf = (text: string): ReadonlyArray<string> =>
  text.length <= longest
    ? [text]
    : Array.from({ length: Math.ceil(text.length / longest) }, (_, at) =>
        text.slice(at * longest, (at + 1) * longest),
      );

/** Tabs stay; nothing else is left that a terminal would act on. */
export const viewHostLine = (text: string): string =>
  text
    .split("\t")
    .map((part) => escapeText(part, longest))
    .join("\t");
