// Carries out what a person said of the inventory: shown first where that is asked, written once, and told.

import * as Effect from "effect/Effect";
import * as Schedule from "effect/Schedule";
import { canonicalJson, escapeText, type StoreError, type StoreShape } from "@muster/core";
import type { Decided, Decision, Roll } from "@muster/core/inventory/roll";
import { CommandEnd } from "../exit.ts";
import { Out } from "../screen/out.ts";
import { loadRoll } from "./opened.ts";

/** Why nothing is written: it was asked to be shown, or nobody confirmed it. */
export type Preview = "dry run" | "not confirmed" | null;

export interface Asked {
  readonly store: StoreShape;
  /** Decided anew, and who is meant looked up anew, when somebody else was faster. */
  readonly decide: (roll: Roll) => Effect.Effect<Decision, StoreError>;
  readonly preview: Preview;
  readonly output: "human" | "json";
  /** What becomes of one of those that change, such as `assigned to talos`. */
  readonly becomes: string;
  /** What one of them is, such as `host`. */
  readonly what: string;
}

/** So often somebody else may change the same records first. */
const tries = 5;
const refused = 5;
const wrong = 1;

/** Answers the roll that it was decided on. */
export const carryOut = Effect.fnUntraced(function* (
  asked: Asked,
): Effect.fn.Return<Roll, CommandEnd | StoreError> {
  const { roll, decided } = yield* decideAndWrite(asked).pipe(
    Effect.retry({
      while: (error) => error._tag === "StoreError" && error.reason === "Moved",
      schedule: Schedule.recurs(tries),
    }),
  );
  const screen = yield* Out;
  yield* screen.result(
    asked.output === "json"
      ? canonicalJson({
          changed: decided.changed,
          unchanged: decided.unchanged,
          written: asked.preview === null && decided.changed.length > 0,
        })
      : viewDecided(asked, decided),
  );
  return roll;
});

interface Done {
  readonly roll: Roll;
  readonly decided: Decided;
}

const decideAndWrite = Effect.fnUntraced(function* ({
  store,
  decide,
  preview,
}: Asked): Effect.fn.Return<Done, CommandEnd | StoreError> {
  const roll = yield* loadRoll(store);
  const decision = yield* decide(roll);
  if ("refused" in decision) {
    const { reason, remedy } = decision.refused;
    const code = guards.has(reason.code) ? refused : wrong;
    return yield* new CommandEnd({ code, message: reason.text, remedy });
  }
  if (preview === null) yield* store.commit(decision.decided.batch);
  return { roll, decided: decision.decided };
});

/** What is not wrong to ask, and still not done. */
const guards = new Set(["InUse", "KeptElsewhere"]);

/** More names than this are counted, not listed. */
const mostListed = 20;

const viewDecided = (
  { preview, becomes, what }: Asked,
  { changed, unchanged }: Decided,
): string => {
  const would = preview === null ? "" : "would be ";
  const already = unchanged.length === 0 ? [] : [`${counted(unchanged.length, what)} so already`];
  if (changed.length === 0) return ["nothing to do", ...already].join("; ");
  const names = changed.slice(0, mostListed).map((name) => `  ${escapeText(name)}`);
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
