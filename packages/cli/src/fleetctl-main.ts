// The process of fleetctl: arguments in, exit code out.

import { runFleetctl } from "./fleetctl.ts";
import { runProcess } from "./process.ts";

runProcess(runFleetctl(process.argv.slice(2)));
