// `muster population`: the populations that hosts are assigned to by hand.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { canonicalJson, escapeText } from "@muster/core";
import { deletePopulation, putPopulation, type Roll } from "@muster/core/inventory/roll";
import type { Population } from "@muster/core/words/host";
import { type CommandEnd, wrongInput } from "../exit.ts";
import { dryRun, type EditFlags, editRoll } from "../inventory/edit.ts";
import { inventoryFlags, loadRoll, openInventory } from "../inventory/opened.ts";
import { limitFlag, mostOf } from "../inventory/limit.ts";
import { readQuery } from "../inventory/select.ts";
import { viewPopulations } from "../screen/host-view.ts";
import { Live } from "../screen/live.ts";
import { Out } from "../screen/out.ts";

const name = Argument.String("name").pipe(Argument.withDescription("The name of the population"));

const expectedRole = Flag.String("expected-role").pipe(
  Flag.withDescription("The role that its hosts are expected to have; assigning a host sets it"),
  Flag.withMetavar("ROLE"),
  Flag.optional,
);

const targetQuery = Flag.String("target-query").pipe(
  Flag.withDescription("The default filter of rollouts among its hosts; it assigns nobody"),
  Flag.withMetavar("QUERY"),
  Flag.optional,
);

const description = Flag.String("description").pipe(
  Flag.withDescription("What it is for"),
  Flag.withMetavar("TEXT"),
  Flag.optional,
);

const workers = Flag.String("workers").pipe(
  Flag.withDescription("Where its hosts are Taskcluster workers: PROVISIONER/WORKERTYPE"),
  Flag.withMetavar("POOL"),
  Flag.optional,
);

const fields = { expectedRole, targetQuery, description, workers };

interface Fields {
  readonly expectedRole: Option.Option<string>;
  readonly targetQuery: Option.Option<string>;
  readonly description: Option.Option<string>;
  readonly workers: Option.Option<string>;
}

const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/u;

type Said = (before: Omit<Population, "keeper">) => Omit<Population, "keeper">;

/** What the flags say, over what was there; a query must read, or it would fail a rollout later. */
const readFields = Effect.fnUntraced(function* (
  called: string,
  flags: Fields,
): Effect.fn.Return<Said, CommandEnd> {
  if (!namePattern.test(called)) {
    return yield* wrongInput(
      `a population cannot be called "${escapeText(called)}"`,
      "use 1 to 128 letters, digits, dots, dashes and underscores",
    );
  }
  if (Option.isSome(flags.targetQuery)) yield* readQuery(flags.targetQuery.value, "target-query");
  const pool = Option.isSome(flags.workers) ? yield* poolOf(flags.workers.value) : null;
  return (before) => ({
    name: called,
    expectedRole: Option.getOrElse(flags.expectedRole, () => before.expectedRole),
    targetQuery: Option.getOrElse(flags.targetQuery, () => before.targetQuery),
    description: Option.getOrElse(flags.description, () => before.description),
    workers: pool ?? before.workers,
  });
});

const poolOf = (text: string): Effect.Effect<Population["workers"], CommandEnd> => {
  const [provisioner = "", workerType = "", ...more] = text.split("/");
  return provisioner === "" || workerType === "" || more.length > 0
    ? Effect.fail(
        wrongInput(
          `"${escapeText(text)}" is no worker pool`,
          "such as --workers releng-hardware/gecko-t-linux-talos",
        ),
      )
    : Effect.succeed({ provisioner, workerType });
};

const blank = (called: string): Omit<Population, "keeper"> => ({
  name: called,
  expectedRole: null,
  targetQuery: null,
  description: null,
  workers: null,
});

const exits =
  "\n\nExit codes: 0 done, or so already, 1 wrong arguments, 2 the store failed, 5 refused: kept in git, or in use, 7 outcome unknown (run it again).";

const create = Command.make(
  "create",
  { name, ...fields, dryRun, ...inventoryFlags },
  Effect.fn("population create")((flags) => put(flags, "create")),
).pipe(
  Command.withDescription(
    `Make a population. Hosts belong to it once they are assigned, never by themselves.${exits}`,
  ),
  Command.withShortDescription("Make a population"),
  Command.withExamples([
    {
      command:
        'muster population create gecko-t-linux-talos --expected-role gecko_t_linux_talos --description "talos Linux hosts"',
      description: "One whose hosts have a role",
    },
    {
      command: "muster population create lab --target-query 'os:linux sshable:true' --dry-run",
      description: "See it first",
    },
  ]),
);

const edit = Command.make(
  "edit",
  { name, ...fields, dryRun, ...inventoryFlags },
  Effect.fn("population edit")((flags) => put(flags, "edit")),
).pipe(
  Command.withDescription(
    `Change what is said of a population; what no flag names stays. What is expected of hosts that are assigned already does not change: assign them again for that.${exits}`,
  ),
  Command.withShortDescription("Change a population"),
  Command.withExamples([
    {
      command:
        "muster population edit gecko-t-linux-talos --workers releng-hardware/gecko-t-linux-talos",
      description: "Where its hosts are workers",
    },
  ]),
);

const put = Effect.fnUntraced(function* (
  flags: EditFlags & Fields & { readonly name: string },
  how: "create" | "edit",
) {
  const said = yield* readFields(flags.name, flags);
  // An edit of what is not there is refused by `putPopulation`.
  const before = ({ populations }: Roll) =>
    (how === "edit" ? populations.get(flags.name) : undefined) ?? blank(flags.name);
  yield* editRoll({
    flags,
    becomes: how === "create" ? "made" : "changed",
    what: "population",
    decide: (roll, word) => putPopulation(roll, said(before(roll)), how, word),
  });
});

const remove = Command.make(
  "delete",
  { name, dryRun, ...inventoryFlags },
  Effect.fn("population delete")(function* (flags) {
    yield* editRoll({
      flags,
      becomes: "deleted",
      what: "population",
      decide: (roll, word) => deletePopulation(roll, flags.name, word),
    });
  }),
).pipe(
  Command.withDescription(
    `Delete a population that no host is assigned to. No host is touched by it.${exits}`,
  ),
  Command.withShortDescription("Delete a population without hosts"),
  Command.withExamples([
    { command: "muster population delete lab", description: "One that is no longer needed" },
  ]),
);

const list = Command.make(
  "list",
  { limit: limitFlag, ...inventoryFlags },
  Effect.fn("population list")(function* (flags) {
    const screen = yield* Out;
    const most = yield* mostOf(flags.limit);
    const { views, place } = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openInventory(flags, "read");
        return { views: viewsOf(yield* loadRoll(store)).slice(0, most), place: store.place };
      }),
    );
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson(views.map(({ population, hosts }) => ({ ...population, hosts })))
        : views.length === 0
          ? `no populations yet  (${place})`
          : viewPopulations(views, (yield* Live).columns()),
    );
  }),
).pipe(
  Command.withDescription(
    "List the populations, and how many hosts each has.\n\nExit codes: 0 listed, 1 wrong arguments, 2 the store failed.",
  ),
  Command.withShortDescription("List the populations"),
  Command.withExamples([{ command: "muster population list", description: "All of them" }]),
);

const viewsOf = ({ populations, hosts }: Roll) =>
  Array.from(populations.values(), (population) => ({
    population,
    hosts: Array.from(hosts.values()).filter((host) => host.population === population.name).length,
  }));

const show = Command.make(
  "show",
  { name, ...inventoryFlags },
  Effect.fn("population show")(function* (flags) {
    const screen = yield* Out;
    const roll = yield* Effect.scoped(Effect.flatMap(openInventory(flags, "read"), loadRoll));
    const found = viewsOf(roll).find(({ population }) => population.name === flags.name);
    if (found === undefined) {
      return yield* wrongInput(
        `there is no population "${escapeText(flags.name)}"`,
        "list them with: population list",
      );
    }
    const members = Array.from(roll.hosts.values())
      .filter((host) => host.population === flags.name)
      .map((host) => host.address.host);
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson({ ...found.population, hosts: members })
        : [
            viewPopulations([found], (yield* Live).columns()),
            ...members.map((host) => `  ${escapeText(host, host.length)}`),
          ].join("\n"),
    );
  }),
).pipe(
  Command.withDescription(
    "Show one population and its hosts.\n\nExit codes: 0 shown, 1 wrong arguments or no such population, 2 the store failed.",
  ),
  Command.withShortDescription("Show one population and its hosts"),
  Command.withExamples([
    { command: "muster population show gecko-t-linux-talos", description: "Who belongs to it" },
  ]),
);

export const population = Command.make("population").pipe(
  Command.withDescription(
    "Populations of hosts: what role is expected of them, and which of them rollouts mean. Hosts are assigned by hand.",
  ),
  Command.withShortDescription("Populations that hosts are assigned to"),
  Command.withSubcommands([create, list, show, edit, remove]),
  Command.withExamples([{ command: "muster population list", description: "All of them" }]),
);
