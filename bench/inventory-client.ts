// One command in a process of its own, and what that took: its time, its memory at the peak, what it answered.

import { runCli } from "../packages/cli/src/cli.ts";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import { Out } from "../packages/cli/src/screen/out.ts";

export interface Took {
  readonly millis: number;
  /** User and system, of all that the process did. */
  readonly cpuMillis: number;
  readonly peakBytes: number;
  readonly failed: boolean;
  /** The last line that was said. */
  readonly said: string;
}

const args = JSON.parse(process.argv[2]!) as ReadonlyArray<string>;
let said = "";
const usual = Effect.runSync(Out);
const quiet = {
  ...usual,
  result: () => Effect.void,
  say: (text: string) => Effect.sync(() => void (said = text)),
};

const exit = await Effect.runPromiseExit(Effect.provideService(runCli(args), Out, quiet));
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const took: Took = {
  millis: performance.now(),
  cpuMillis: (userCPUTime + systemCPUTime) / 1_000,
  peakBytes: maxRSS * 1_024,
  failed: Exit.isFailure(exit),
  said,
};
process.send?.(took);
