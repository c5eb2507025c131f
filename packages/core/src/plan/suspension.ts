// Decides how long a suspension lasts, and what is said while it holds a document as it is.

import { type DocumentAddress, formatAddress } from "../words/document.ts";
import type { Refusal } from "../words/plan.ts";
import { escapeText } from "../words/quote.ts";
import type { SuspensionRecord } from "../words/record.ts";
import type { Expansion } from "../words/set.ts";

/**
 * Whether it is over; `now` in milliseconds since the epoch. An end that cannot be read never
 * comes: a brake that nobody understands stays on.
 */
export const hasEnded = ({ until }: { readonly until: string }, now: number): boolean =>
  now >= Date.parse(until);

/** When it ends, in milliseconds since the epoch; nothing when that cannot be read. */
export const endOf = ({ until }: { readonly until: string }): number | null => {
  const end = Date.parse(until);
  return Number.isNaN(end) ? null : end;
};

/** Why nothing of a suspended document is changed, and how to lift it. */
export const suspensionRefusal = (record: SuspensionRecord): Refusal => ({
  reason: {
    code: "Suspended",
    text: `${escapeText(record.by)} suspended ${formatAddress(record.document)} until ${endText(record)}: ${escapeText(record.reason, longestWord)}`,
  },
  // The name that the record bears: the document may have been renamed since.
  remedy: `it goes on by itself then; sooner with: muster resume ${formatAddress(record.document)} ${whoseStore}`,
});

/** The same for what the document itself says. */
export const ownSuspensionRefusal = (
  document: DocumentAddress,
  suspend: NonNullable<Expansion["suspend"]>,
): Refusal => ({
  reason: {
    code: "Suspended",
    text: `${formatAddress(document)} itself asks to stay as it is until ${endText(suspend)}: ${escapeText(suspend.reason, longestWord)}`,
  },
  remedy: "it goes on by itself then; sooner when spec.suspend is taken out of the document",
});

const endText = (suspension: { readonly until: string }): string => {
  const end = endOf(suspension);
  return end === null ? escapeText(suspension.until) : new Date(end).toISOString();
};

/** Words of people and providers are cut after so many characters, so that the command after them is shown. */
export const longestWord = 300;

/** What a command about records needs beside, so that it finds the store. */
export const whoseStore = "(add --repo and --env for a runner's fleet, else --file)";
