// The process: arguments in, exit code out.

import { runCli } from "./cli.ts";
import { runProcess } from "./process.ts";
import { makeThreads } from "./threads.ts";

makeThreads();
runProcess(runCli(process.argv.slice(2)));
