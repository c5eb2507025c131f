// The process: arguments in, exit code out.

import * as NodeRuntime from "@effect/platform-node/NodeRuntime";
import { runCli } from "./cli.ts";
import { teardown } from "./exit.ts";

NodeRuntime.runMain(runCli(process.argv.slice(2)), { disableErrorReporting: true, teardown });
