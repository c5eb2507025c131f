// Reads how long something shall take or wait, as people write it: 500ms, 30s, 5m, 2h.

import * as Effect from "effect/Effect";
import * as Words from "@muster/core/words/duration";
import { quote } from "@muster/core/words/quote";
import { type CommandEnd, wrongInput } from "./exit.ts";

/** Milliseconds, within bounds that are milliseconds too. `flag` names it in the refusal. */
export const parseDuration = (
  flag: string,
  text: string,
  bounds: { readonly from: number; readonly to: number },
): Effect.Effect<number, CommandEnd> => {
  const millis = Words.parseDuration(text);
  if (millis === undefined) {
    return Effect.fail(
      wrongInput(
        `${flag} ${quote(text)} is no duration`,
        `give ${Words.durationExpected}, such as 30s`,
      ),
    );
  }
  return millis >= bounds.from && millis <= bounds.to
    ? Effect.succeed(millis)
    : Effect.fail(
        wrongInput(
          `${flag} ${quote(text)} is out of bounds`,
          `give at least ${bounds.from / 1_000}s and at most ${bounds.to / 1_000}s`,
        ),
      );
};
