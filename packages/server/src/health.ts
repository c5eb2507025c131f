// Judges from the loop's own state whether the process lives and whether it does its work.

import { escapeText } from "@muster/core/words/quote";

/** What the loop tells of itself; times are milliseconds since 1970. */
export interface HealthState {
  readonly startedAt: number;
  /** When the last tick ended; nothing before the first one did. */
  readonly lastTickAt: number | null;
  readonly lastTickOk: boolean | null;
  /** Why the last tick failed; text from outside may stand in it. */
  readonly lastError: string | null;
  /** After so many milliseconds without the end of a tick the loop counts as stuck. */
  readonly stuckAfterMillis: number;
  readonly units: { readonly total: number; readonly failing: number };
}

export interface Judgement {
  readonly ok: boolean;
  readonly reason: string;
}

const good = (reason: string): Judgement => ({ ok: true, reason });
const bad = (reason: string): Judgement => ({ ok: false, reason });

/** Whether the loop still turns: what a supervisor restarts the process for. */
export const isAlive = (state: HealthState, now: number): Judgement => {
  const silent = now - Math.max(state.startedAt, state.lastTickAt ?? 0);
  return silent > state.stuckAfterMillis
    ? bad(`no turn of the loop has ended for ${inSeconds(silent)}`)
    : good("the loop turns");
};

/** Whether the last turn went well, and not long ago. */
export const isReady = (state: HealthState, now: number): Judgement => {
  const alive = isAlive(state, now);
  if (!alive.ok) return alive;
  if (state.lastTickAt === null) return bad("no turn of the loop has ended yet");
  if (state.lastTickOk !== true) {
    return bad(`the last turn failed: ${escapeText(state.lastError ?? "it did not say why", 600)}`);
  }
  return good(`the last turn went well ${inSeconds(now - state.lastTickAt)} ago`);
};

const inSeconds = (millis: number): string => `${Math.max(0, Math.round(millis / 1_000))} s`;
