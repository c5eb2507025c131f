// Asks the person at the terminal, when there is one.

import { createInterface } from "node:readline";
import * as Context from "effect/Context";
import * as Effect from "effect/Effect";

/** `true` only for a plain yes; nothing when nobody sits there to be asked. */
export type Ask = (question: string) => Effect.Effect<boolean | null>;

const ofProcess: Ask = (question) =>
  process.stdin.isTTY && process.stderr.isTTY
    ? Effect.callback((resume) => {
        // The terminal stays as it is, so that Control-C ends the command as everywhere.
        const lines = createInterface({
          input: process.stdin,
          output: process.stderr,
          terminal: false,
        });
        let answered = false;
        lines.once("line", (line) => {
          answered = true;
          lines.close();
          resume(Effect.succeed(/^\s*y(?:es)?\s*$/iu.test(line)));
        });
        lines.once("close", () => {
          if (!answered) resume(Effect.succeed(false));
        });
        process.stderr.write(`${question} [y/N] `);
        return Effect.sync(() => lines.close());
      })
    : Effect.succeed(null);

/** The person at the process's own terminal, unless a test answers. */
export const Asked: Context.Reference<Ask> = Context.Reference("@muster/cli/screen/Ask", {
  defaultValue: () => ofProcess,
});
