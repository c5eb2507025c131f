// Decides whether a daemon goes on with its document or takes the file's new content: only a whole and faultless one.

import * as Effect from "effect/Effect";
import {
  type Diagnostic,
  formatDiagnostic,
  isSourceText,
  type Kind,
  type SourceText,
} from "@muster/core";
import { quote } from "@muster/core/words/quote";
import { readText } from "../files.ts";
import { type Asked, askedIn } from "./opened.ts";

export type Reload =
  | { readonly what: "same" }
  | { readonly what: "new"; readonly asked: Asked }
  /** The last good content holds on. */
  | { readonly what: "fault"; readonly text: string };

/** How often, and with which pause in milliseconds, a file is read until it does not change any more. */
const settling = { reads: 5, pauseMillis: 100 } as const;

/** Follows links: an atomic replacement and a moved link look the same as an edit. */
export const reload = Effect.fnUntraced(function* (
  file: string,
  kinds: ReadonlyArray<Kind>,
  kept: Asked,
): Effect.fn.Return<Reload> {
  let read = yield* attempt(file);
  for (let reads = 1; isOther(read, kept) && reads < settling.reads; reads += 1) {
    yield* Effect.sleep(settling.pauseMillis);
    const again = yield* attempt(file);
    if (isSame(read, again)) return judge(again, kinds, kept);
    read = again;
  }
  return isOther(read, kept)
    ? { what: "fault", text: `${file} is being written; the content of before holds` }
    : { what: "same" };
});

type Read = SourceText | Diagnostic | { readonly gone: string };

const attempt = (file: string): Effect.Effect<Read> =>
  Effect.catch(readText(file), ({ message }) => Effect.succeed({ gone: message }));

const textOf = (read: Read): string | null =>
  "gone" in read || !isSourceText(read) ? null : read.text;

const isOther = (read: Read, kept: Asked): boolean => textOf(read) !== kept.source.text;

const isSame = (a: Read, b: Read): boolean => JSON.stringify(a) === JSON.stringify(b);

const judge = (read: Read, kinds: ReadonlyArray<Kind>, kept: Asked): Reload => {
  if ("gone" in read) return fault(read.gone);
  const found = askedIn(read, kinds);
  if ("faults" in found) {
    const [first] = found.faults;
    return fault(first === undefined ? "it cannot be read" : formatDiagnostic(first));
  }
  // A number that was cut off is another number.
  if (kept.source.text.endsWith("\n") && !found.source.text.endsWith("\n")) {
    return fault(`${found.source.file} ends in the middle of a line`);
  }
  const { name } = found.document;
  return name === kept.document.name
    ? { what: "new", asked: found }
    : fault(`it is about another fleet now, ${quote(name)}: start a daemon of its own for that`);
};

const fault = (text: string): Reload => ({
  what: "fault",
  text: `${text}; the content of before holds`,
});
