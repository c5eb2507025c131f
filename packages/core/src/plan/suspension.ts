// Decides what is said while a person's word holds a document as it is.

import { formatAddress } from "../words/document.ts";
import type { Refusal } from "../words/plan.ts";
import { escapeText } from "../words/quote.ts";
import type { SuspensionRecord } from "../words/record.ts";

/** Why nothing of a suspended document is changed, and how to lift it. */
export const suspensionRefusal = (record: SuspensionRecord): Refusal => ({
  reason: {
    code: "Suspended",
    text: `${escapeText(record.by)} suspended ${formatAddress(record.document)} until ${record.until}: ${escapeText(record.reason, 600)}`,
  },
  remedy: `wait until then, or go on with: muster resume ${record.document.name}`,
});
