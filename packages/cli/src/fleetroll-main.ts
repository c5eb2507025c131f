// The process of fleetroll: arguments in, exit code out.

import { runFleetroll } from "./fleetroll.ts";
import { runProcess } from "./process.ts";
import { makeThreads } from "./threads.ts";

makeThreads();
runProcess(runFleetroll(process.argv.slice(2)));
