// Shows a result that changes: in place on a terminal, as plain lines elsewhere.

import * as Context from "effect/Context";
import * as Effect from "effect/Effect";

export interface LiveShape {
  /** The width of the terminal in characters; nothing when results go elsewhere. */
  readonly columns: () => number | null;
  /** Puts a text where the last one stood. */
  readonly redraw: (text: string) => Effect.Effect<void>;
  readonly isTerminal: boolean;
}

export interface LiveStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
  readonly write: (text: string) => unknown;
}

const defaultColumns = 80;
const defaultRows = 24;

export const makeLive = (stream: LiveStream): LiveShape => ({
  columns: () => (stream.isTTY === true ? stream.columns || defaultColumns : null),
  // Home, each line cleared to its end, then all below: a clear of the whole would flicker. Lines
  // that are too long are cut by the terminal meanwhile, so that each stays one line.
  redraw: (text) =>
    Effect.sync(() => {
      const lines = text.split("\n").slice(0, Math.max(1, (stream.rows || defaultRows) - 1));
      stream.write(
        `\u001b[?7l\u001b[H${lines.map((line) => `${line}\u001b[K\n`).join("")}\u001b[J\u001b[?7h`,
      );
    }),
  isTerminal: stream.isTTY === true,
});

/** The process's own standard output, unless a test puts another there. */
export const Live: Context.Reference<LiveShape> = Context.Reference("@muster/cli/screen/Live", {
  defaultValue: () => makeLive(process.stdout),
});
