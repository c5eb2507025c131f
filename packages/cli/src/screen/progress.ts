// Tells what happens while it happens: one living line on a terminal, plain lines elsewhere.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { escapeText, type Event, type Outcome } from "@muster/core";
import type { Paint } from "./paint.ts";
import { subject } from "./plan-view.ts";

export interface ProgressStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly write: (text: string) => unknown;
}

export interface Progress {
  readonly onEvent: (event: Event) => Effect.Effect<void>;
  /** A line of its own, above the living one. */
  readonly note: (text: string) => Effect.Effect<void>;
  /** Takes the living line away. */
  readonly end: Effect.Effect<void>;
}

const clearLine = "\r\u001b[2K";

const marks: Readonly<Record<Outcome["result"], readonly [string, Parameters<Paint>[0]]>> = {
  done: ["✓", "green"],
  failed: ["✗", "red"],
  stale: ["↻", "yellow"],
  unknown: ["?", "red"],
  skipped: ["-", "dim"],
};

/** Lines go to `stream`, which is not the one that results go to. */
export const makeProgress = (stream: ProgressStream, paint: Paint): Progress => {
  const live = stream.isTTY === true;
  const running = new Map<string, { readonly text: string; readonly since: number }>();
  let shown = false;

  const clear = () => {
    if (shown) stream.write(clearLine);
    shown = false;
  };
  const line = (text: string) => {
    clear();
    stream.write(`${text}\n`);
  };
  const redraw = () => {
    if (!live || running.size === 0) return;
    const first = [...running.values()][0]!;
    const more = running.size > 1 ? ` and ${running.size - 1} more` : "";
    const width = Math.max(20, (stream.columns || 80) - 1);
    stream.write(`${clearLine}${paint("dim", `… ${first.text}${more}`.slice(0, width))}`);
    shown = true;
  };
  const take = (event: Event, now: number) => {
    if (event.type === "waiting") {
      line(
        paint(
          "yellow",
          `waiting ${Math.ceil(event.millis / 1000)} s: ${escapeText(event.message, 300)}`,
        ),
      );
    }
    if (event.type === "started") {
      const text = `${event.change.action} ${subject(event.change)}`;
      running.set(event.change.key, { text, since: now });
      if (!live) line(text);
    }
    if (event.type === "progress") {
      const text = `${event.change.action} ${subject(event.change)}: ${escapeText(event.detail)}`;
      running.set(event.change.key, { text, since: running.get(event.change.key)?.since ?? now });
      if (!live) line(text);
    }
    if (event.type === "finished") {
      const since = running.get(event.outcome.change.key)?.since;
      running.delete(event.outcome.change.key);
      line(finished(event.outcome, since === undefined ? null : now - since, paint));
    }
    redraw();
  };
  return {
    onEvent: (event) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => take(event, now))),
    note: (text) => Effect.sync(() => (line(text), redraw())),
    end: Effect.sync(clear),
  };
};

const finished = (outcome: Outcome, millis: number | null, paint: Paint): string => {
  const [mark, colour] = marks[outcome.result];
  const took = millis === null ? "" : paint("dim", ` ${(millis / 1000).toFixed(1)} s`);
  const what = `${paint(colour, mark)} ${outcome.change.action} ${subject(outcome.change)}`;
  const remedy = outcome.remedy === null ? "" : `\n    ${escapeText(outcome.remedy, 600)}`;
  return `${what}  ${escapeText(outcome.message, 600)}${took}${remedy}`;
};
