// The process of fleetroll: arguments in, exit code out.

import { runFleetroll } from "./fleetroll.ts";
import { runProcess } from "./process.ts";

runProcess(runFleetroll(process.argv.slice(2)));
