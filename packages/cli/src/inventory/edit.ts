// Edits the roll for a person: the flags that every edit has, the store as far as it is needed, and the word of who asks.

import * as Effect from "effect/Effect";
import * as Flag from "effect/cli/Flag";
import type { StoreError, StoreShape } from "@muster/core";
import type { Decision, Roll, Word } from "@muster/core/inventory/roll";
import type { CommandEnd } from "../exit.ts";
import { carryOut, type Preview } from "./carry-out.ts";
import { type InventoryFlags, openInventory, wordOf } from "./opened.ts";

export const dryRun = Flag.Boolean("dry-run").pipe(
  Flag.withDescription("Show what would be done, and write nothing"),
  Flag.withDefault(false),
);

export const confirm = Flag.Boolean("confirm").pipe(
  Flag.withDescription("Do it; without this it is only shown"),
  Flag.withDefault(false),
);

export interface EditFlags extends InventoryFlags {
  readonly dryRun: boolean;
  /** Only where the command wants to be confirmed. */
  readonly confirm?: boolean;
}

const previewOf = ({ dryRun: isDry, confirm: isConfirmed = true }: EditFlags): Preview =>
  isDry ? "dry run" : isConfirmed ? null : "not confirmed";

export interface Edit {
  readonly flags: EditFlags;
  /** Why; it stands in the audit. Nothing where none was asked for. */
  readonly reason?: string;
  /** What becomes of one of those that change, such as `assigned to talos`. */
  readonly becomes: string;
  /** What one of them is, such as `host`. */
  readonly what: string;
  /** Asked anew when somebody else was faster. */
  readonly decide: (
    roll: Roll,
    word: Word,
    store: StoreShape,
  ) => Decision | Effect.Effect<Decision, StoreError>;
}

/** Answers the roll that it was decided on. What is only shown opens the store to read it. */
export const editRoll = ({
  flags,
  reason,
  becomes,
  what,
  decide,
}: Edit): Effect.Effect<Roll, CommandEnd | StoreError> =>
  Effect.scoped(
    Effect.gen(function* () {
      const preview = previewOf(flags);
      const store = yield* openInventory(flags, preview === null ? "write" : "read");
      const word = yield* wordOf(reason ?? null);
      return yield* carryOut({
        store,
        decide: (roll) => {
          const decision = decide(roll, word, store);
          return Effect.isEffect(decision) ? decision : Effect.succeed(decision);
        },
        preview,
        output: flags.output,
        becomes,
        what,
      });
    }),
  );
