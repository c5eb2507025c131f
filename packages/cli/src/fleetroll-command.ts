// The `fleetroll` command: the roll of hosts under the name that its users know.

import * as Command from "effect/cli/Command";
import { converge } from "./commands/converge.ts";
import { hostCommand } from "./commands/host.ts";
import { inventory } from "./commands/inventory.ts";
import { population } from "./commands/population.ts";
import { reboot } from "./commands/reboot.ts";

export const fleetroll = Command.make("fleetroll").pipe(
  Command.withDescription(
    "The roll call of a fleet of hosts: what hosts there are, and what state they are in. The same commands stand under muster.\n\nExit codes: 0 done, 1 wrong arguments, 2 infrastructure failed, 3 internal error, 5 refused, 6 some hosts did not answer or did not do as they were told, 7 outcome unknown, 130 interrupted.",
  ),
  Command.withSubcommands([inventory, hostCommand, population, converge, reboot]),
  Command.withExamples([
    {
      command: "fleetroll inventory seed sync --from-file /etc/fleetroll/seeds.txt",
      description: "Where the roll begins",
    },
    { command: "fleetroll inventory refresh --seed all", description: "The roll call" },
    {
      command: 'fleetroll host list --filter "expected_role:null"',
      description: "Who is not assigned yet",
    },
  ]),
);
