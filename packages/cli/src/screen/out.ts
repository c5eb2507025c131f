// Keeps the two streams apart: results on stdout, everything said on the way on stderr.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";
import { escapeJson, escapeText } from "@muster/core";
import { type Paint, paintFor } from "./paint.ts";
import { makeProgress, type Progress } from "./progress.ts";

export interface OutShape {
  /** A result, with a line break at its end. */
  readonly result: (text: string) => Effect.Effect<void>;
  /** Words to a person, on stderr. */
  readonly say: (text: string) => Effect.Effect<void>;
  /** What went wrong, and what to do about it; as `say` writes it when not given. */
  readonly sayError?: (message: string, remedy: string | undefined) => Effect.Effect<void>;
  readonly paint: Paint;
  readonly paintSaid: Paint;
  readonly progress: Progress;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly isTerminal: boolean;
}

const ofProcess = (): OutShape => {
  const paintSaid = paintFor(process.stderr, process.env);
  return {
    // Text for people was escaped where it came in; JSON brings it as it is.
    result: (text) => Effect.sync(() => void process.stdout.write(`${escapeJson(text)}\n`)),
    say: (text) => Effect.sync(() => void process.stderr.write(`${text}\n`)),
    paint: paintFor(process.stdout, process.env),
    paintSaid,
    progress: makeProgress(process.stderr, paintSaid),
    env: process.env,
    isTerminal: process.stderr.isTTY,
  };
};

/** The process's own streams and environment, unless a test puts others there. */
export const Out: Context.Reference<OutShape> = Context.Reference("@muster/cli/screen/Out", {
  defaultValue: ofProcess,
});

/** The program that speaks: `muster`, or `fleetctl`. */
export const Program: Context.Reference<string> = Context.Reference("@muster/cli/screen/Program", {
  defaultValue: () => "muster",
});

/** `muster: message` and what to do about it. */
export const sayError = (message: string, remedy: string | undefined): Effect.Effect<void> =>
  Effect.gen(function* () {
    const out = yield* Out;
    if (out.sayError !== undefined) return yield* out.sayError(message, remedy);
    const program = out.paintSaid("red", `${yield* Program}:`);
    const more = remedy === undefined ? "" : `\n  ${escapeText(remedy, 2000)}`;
    yield* out.say(`${program} ${escapeText(message, 2000)}${more}`);
  });
