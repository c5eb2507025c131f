// Says why nothing could be decided about a document: nobody could look.

import type { Refusal } from "../words/plan.ts";
import type { Observation } from "../words/provider.ts";
import { escapeText } from "../words/quote.ts";

/** Words of a provider are cut after so many characters. */
export const longestText = 1_000;

export const blindness = (observation: Observation | undefined): Refusal => {
  if (observation?.complete !== false) {
    return {
      reason: { code: "NotObserved", text: "nobody looked" },
      remedy: "nothing was changed; it is tried again at the next run",
    };
  }
  const { error } = observation;
  return {
    reason: {
      code: `Blind${error.reason}`,
      text: escapeText(`${error.operation}: ${error.message}`, longestText),
    },
    remedy: escapeText(
      error.remedy ?? "nothing was changed; it is tried again at the next run",
      longestText,
    ),
  };
};
