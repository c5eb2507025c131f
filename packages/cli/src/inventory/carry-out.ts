// Carries out what a person said of the inventory: shown first where that is asked, written once, and told.

import * as Effect from "effect/Effect";
import { canonicalJson, escapeText, type StoreError, type StoreShape } from "@muster/core";
import type { Decided, Roll } from "@muster/core/inventory/roll";
import type { CommandEnd } from "../exit.ts";
import { Out } from "../screen/out.ts";
import { type Decide, decideOn, writeRoll } from "./write-roll.ts";

/** Why nothing is written: it was asked to be shown, or nobody confirmed it. */
export type Preview = "dry run" | "not confirmed" | null;

export interface Asked {
  readonly store: StoreShape;
  readonly decide: Decide;
  readonly preview: Preview;
  readonly output: "human" | "json";
  /** What becomes of one of those that change, such as `assigned to talos`. */
  readonly becomes: string;
  /** What one of them is, such as `host`. */
  readonly what: string;
}

/** Answers the roll that it was decided on. */
export const carryOut = Effect.fnUntraced(function* (
  asked: Asked,
): Effect.fn.Return<Roll, CommandEnd | StoreError> {
  const { store, decide, preview } = asked;
  const { roll, decided } = yield* preview === null
    ? writeRoll(store, decide)
    : decideOn(store, decide);
  const screen = yield* Out;
  yield* screen.result(
    asked.output === "json"
      ? canonicalJson({
          changed: decided.changed,
          unchanged: decided.unchanged,
          written: preview === null && decided.changed.length > 0,
        })
      : viewDecided(asked, decided),
  );
  return roll;
});

/** More names than this are counted, not listed. */
const mostListed = 20;

const viewDecided = (
  { preview, becomes, what }: Asked,
  { changed, unchanged }: Decided,
): string => {
  const would = preview === null ? "" : "would be ";
  const already = unchanged.length === 0 ? [] : [`${counted(unchanged.length, what)} so already`];
  if (changed.length === 0) return ["nothing to do", ...already].join("; ");
  const names = changed.slice(0, mostListed).map((name) => `  ${escapeText(name, name.length)}`);
  const rest = changed.length - names.length;
  return [
    [`${counted(changed.length, what)} ${would}${becomes}`, ...already].join("; "),
    ...names,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
    ...(preview === "not confirmed" ? ["nothing was written: add --confirm to do this"] : []),
    ...(preview === "dry run" ? ["nothing was written: this was a dry run"] : []),
  ].join("\n");
};

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? "" : "s"}`;
