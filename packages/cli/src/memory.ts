// Decides what a process that runs for ever spends where it can choose: time, rather than memory.

import { setFlagsFromString } from "node:v8";
import * as Effect from "effect/Effect";

/**
 * V8 lets the heap grow with the memory of the machine, and leaves garbage lying while there is
 * room: a loop over 1,000 documents comes to 200 MB that nothing needs. With this flag, which
 * `node --v8-options` describes, it grows little beyond what is in use. V8 asks for the flag each
 * time it decides how far the heap may grow, so it holds from here on for all of the process.
 */
export const spareMemory: Effect.Effect<void> = Effect.sync(() =>
  setFlagsFromString("--optimize-for-size"),
);
