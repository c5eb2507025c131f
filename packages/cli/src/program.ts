// The muster command: all subcommands under one root.

import * as Command from "effect/cli/Command";
import { adopt } from "./commands/adopt.ts";
import { apply } from "./commands/apply.ts";
import { approve } from "./commands/approve.ts";
import { audit } from "./commands/audit.ts";
import { completionsOf, type Programs } from "./commands/completions.ts";
import { converge } from "./commands/converge.ts";
import { destroy } from "./commands/destroy.ts";
import { dev } from "./commands/dev.ts";
import { doctor } from "./commands/doctor.ts";
import { explain } from "./commands/explain.ts";
import { fleet } from "./commands/fleet.ts";
import { history } from "./commands/history.ts";
import { hostCommand } from "./commands/host.ts";
import { init } from "./commands/init.ts";
import { inventory } from "./commands/inventory.ts";
import { lease } from "./commands/lease.ts";
import { plan } from "./commands/plan.ts";
import { population } from "./commands/population.ts";
import { reboot } from "./commands/reboot.ts";
import { resume } from "./commands/resume.ts";
import { run } from "./commands/run.ts";
import { schema } from "./commands/schema.ts";
import { status } from "./commands/status.ts";
import { store } from "./commands/store.ts";
import { suspend } from "./commands/suspend.ts";
import { validate } from "./commands/validate.ts";
import { fleetctl } from "./fleetctl-command.ts";
import { fleetroll } from "./fleetroll-command.ts";
import { LogFormatFlag } from "./telemetry/telemetry.ts";

export const muster = Command.make("muster").pipe(
  Command.withDescription(
    "Keeps fleets the way a git repository says they should be.\n\nExit codes: 0 done, 1 wrong arguments or documents, 2 infrastructure failed, 3 internal error, 4 changes waiting, 5 refused, 6 partly done, 7 outcome unknown, 130 interrupted.",
  ),
  Command.withSubcommands([
    validate,
    init,
    plan,
    apply,
    fleet,
    run,
    approve,
    adopt,
    suspend,
    resume,
    destroy,
    audit,
    lease,
    store,
    status,
    history,
    inventory,
    hostCommand,
    population,
    converge,
    reboot,
    doctor,
    explain,
    schema,
    dev,
    completionsOf((): Programs => ({ muster, fleetctl, fleetroll })),
  ]),
  Command.withGlobalFlags([LogFormatFlag]),
  Command.withExamples([
    { command: "muster init fleets-repo", description: "Begin a config repository" },
    { command: "muster plan fleets/", description: "What would be done, and why" },
    {
      command: "muster run --repo https://git.example.com/team/fleets --once",
      description: "Act once on what a repository asks for",
    },
  ]),
);
