// Reads how long something shall take or wait, as people write it: 500ms, 30s, 5m, 2h.

import * as Effect from "effect/Effect";
import { quote } from "@muster/core/words/quote";
import { type CommandEnd, wrongInput } from "./exit.ts";

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds, within bounds that are milliseconds too. `flag` names it in the refusal. */
export const parseDuration = (
  flag: string,
  text: string,
  bounds: { readonly from: number; readonly to: number },
): Effect.Effect<number, CommandEnd> => {
  const found = /^([0-9]{1,9})(ms|s|m|h)$/u.exec(text);
  if (found === null) {
    return Effect.fail(
      wrongInput(
        `${flag} ${quote(text)} is no duration`,
        "give a whole number with its unit: ms, s, m or h, such as 30s",
      ),
    );
  }
  const millis = Number(found[1]) * units[found[2]!]!;
  return millis >= bounds.from && millis <= bounds.to
    ? Effect.succeed(millis)
    : Effect.fail(
        wrongInput(
          `${flag} ${quote(text)} is out of bounds`,
          `give at least ${bounds.from / 1_000}s and at most ${bounds.to / 1_000}s`,
        ),
      );
};
