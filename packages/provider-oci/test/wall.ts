// The time of the machine in a test: for the simulator, the SDK and us alike, moved when told to.

import { vi } from "@effect/vitest";
import * as Effect from "effect/Effect";

/** Ends with the scope. It stands still; `advance` adds milliseconds. */
export const wall = Effect.acquireRelease(
  Effect.sync(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    return { advance: (millis: number) => vi.setSystemTime(Date.now() + millis) };
  }),
  () => Effect.sync(() => vi.useRealTimers()),
);
