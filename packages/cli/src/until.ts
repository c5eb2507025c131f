// Decides which moment a person means by --until: a time with its zone, or a duration from now.

import * as Effect from "effect/Effect";
import { quote } from "@muster/core/words/quote";
import { parseTime, timeHint } from "@muster/core/words/time";
import { type CommandEnd, wrongInput } from "./exit.ts";

/** A brake that nobody remembers is no brake: what shall stop for longer belongs in the document. */
export const longestDays = 90;

const minute = 60_000;
const day = 24 * 60 * minute;
const units: Readonly<Record<string, number>> = { m: minute, h: 60 * minute, d: day };

/** Milliseconds since the epoch, after `now` and at most 90 days from it. */
export const parseUntil = (text: string, now: number): Effect.Effect<number, CommandEnd> => {
  const end = momentOf(text, now);
  if (end === undefined) {
    return Effect.fail(
      wrongInput(
        `--until ${quote(text)} is neither a time nor a duration`,
        `give a time with its zone, ${timeHint}; or a duration, such as 90m, 2h or 3d`,
      ),
    );
  }
  if (end <= now) {
    return Effect.fail(
      wrongInput(`--until ${quote(text)} is not to come`, "name a time that is still to come"),
    );
  }
  return end - now > longestDays * day
    ? Effect.fail(
        wrongInput(
          `--until ${quote(text)} is more than ${longestDays} days away`,
          `suspend for ${longestDays}d at most; what shall stop for longer belongs in the document: spec.suspend`,
        ),
      )
    : Effect.succeed(end);
};

const momentOf = (text: string, now: number): number | undefined => {
  const duration = /^([1-9][0-9]{0,5})([mhd])$/u.exec(text);
  return duration === null ? parseTime(text) : now + Number(duration[1]) * units[duration[2]!]!;
};
