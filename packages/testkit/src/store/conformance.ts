// The suite that any store must pass, ours and third parties' alike, as tests and as plain effects.

import { it } from "@effect/vitest";
import type { StoreError } from "@muster/core/store/store";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { describe } from "vitest";
import type { StoreGround } from "./check.ts";
import { storeChecks } from "./store-checks.ts";

/**
 * Registers the suite under a name. `ground` makes a fresh, empty place for each test; the tests run
 * on the real clock, because a store may have to wait for other processes.
 */
export const storeConformance = (
  name: string,
  ground: Effect.Effect<StoreGround, StoreError, Scope.Scope>,
): void => {
  describe(`${name} is a store`, () => {
    for (const check of storeChecks) {
      it.live(check.name, () => Effect.scoped(Effect.flatMap(ground, check.run)));
    }
  });
};
