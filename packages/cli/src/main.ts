// The process: arguments in, exit code out.

import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import type * as Runtime from "effect/Runtime";
import { runCli } from "./cli.ts";
import { teardown } from "./exit.ts";
import { watchStreams } from "./screen/streams.ts";

const streams = watchStreams([process.stdout, process.stderr]);

/** The runtime ends the process at once, and with it whatever a slow reader has not taken yet. */
const afterWrites: Runtime.Teardown = (exit, onExit) =>
  teardown(exit, (code) => {
    void streams.handedOver().then(() => {
      const lost = streams.lost();
      if (lost === undefined) return onExit(code);
      process.stderr.write(`muster: cannot write the result: ${lost}\n`, () => onExit(2));
    });
  });

NodeRuntime.runMain(runCli(process.argv.slice(2)), {
  disableErrorReporting: true,
  teardown: afterWrites,
});
