// Decides how much of a list is shown: all of it, or so many from its start.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Flag from "effect/cli/Flag";
import { type CommandEnd, wrongInput } from "../exit.ts";

export const limitFlag = Flag.Int("limit").pipe(
  Flag.withAlias("n"),
  Flag.withDescription("How many to show at most, from 1; all when not given"),
  Flag.optional,
);

/** The most to show; a limit that would show nothing is a slip. */
export const mostOf = (limit: Option.Option<number>): Effect.Effect<number, CommandEnd> => {
  const most = Option.getOrElse(limit, () => Number.POSITIVE_INFINITY);
  return most >= 1
    ? Effect.succeed(most)
    : Effect.fail(
        wrongInput(`--limit ${most} shows nothing`, "give 1 or more, or leave it out for all"),
      );
};
