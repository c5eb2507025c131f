// Runs a command as this process: its streams handed over whole, its end as an exit code.

import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import * as Effect from "effect/Effect";
import type * as Runtime from "effect/Runtime";
import { Stop, teardown } from "./exit.ts";
import { watchStreams } from "./screen/streams.ts";

const interrupted = 130;

export const runProcess = (command: Effect.Effect<void, unknown>): void => {
  const stop = { inOrder: false };
  const streams = watchStreams([process.stdout, process.stderr]);
  /** The runtime ends the process at once, and with it whatever a slow reader has not taken yet. */
  const afterWrites: Runtime.Teardown = (exit, onExit) =>
    teardown(exit, (ended) => {
      const code = ended === interrupted && stop.inOrder ? 0 : ended;
      void streams.handedOver().then(() => {
        const lost = streams.lost();
        if (lost === undefined) return onExit(code);
        process.stderr.write(`muster: cannot write the result: ${lost}\n`, () => onExit(2));
      });
    });
  NodeRuntime.runMain(Effect.provideService(command, Stop, stop), {
    disableErrorReporting: true,
    teardown: afterWrites,
  });
};
