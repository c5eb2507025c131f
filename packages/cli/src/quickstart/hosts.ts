// The quickstart's hosts: a roll call over SSH, a population that a person makes, and what is not as expected.

import type { Workshop } from "./workshop.ts";

const count = 50;
/** Nobody listens there. */
const silent = "host-0007";
/** A worker, of which somebody says that it is for the web. */
const mistaken = "host-0002";

/** Lines of a long answer that are shown. */
const few = 3;
const partlyDone = 6;

export const callTheRoll = async (shop: Workshop, tell: (text: string) => void): Promise<void> => {
  tell(`${count} hosts over SSH: the roll call`);
  const hosts = await shop.startHosts(count, `${silent}=refuse`);
  process.stdout.write(
    `\n${hosts.count} ${hosts.peer} hosts, each with its own address, host key and files\n`,
  );
  await shop.fleetroll(["inventory", "seed", "sync", "--from-file", "hosts/seeds.txt"], {
    lines: few,
  });
  await shop.fleetroll(["inventory", "refresh", "--seed", "all"], {
    lines: few,
    exit: partlyDone,
  });

  tell("What is known of the one that did not answer: nothing is made up");
  await shop.fleetroll(["host", "list", "--filter", "sshable:false"]);

  tell("A population: a person says what hosts are for, and once makes a mistake");
  await shop.fleetroll(["population", "create", "web", "--expected-role", "web"]);
  const unassigned = "role:web AND expected_role:null";
  await shop.fleetroll(
    [
      ...["host", "assign-population", "--filter", unassigned],
      ...["--population", "web", "--confirm"],
    ],
    { lines: few },
  );
  await shop.fleetroll(["host", "assign-population", mistaken, "--population", "web"]);

  tell("Drift: a role that nobody expected, and overrides that somebody left");
  await shop.fleetroll(["host", "list", "--drift-type", "any"]);

  tell("And the others are as expected, as far as anybody has seen");
  const well = "expected_role:web AND NOT drift:any";
  await shop.fleetroll(["host", "list", "--filter", well, "--limit", `${few}`]);
};
