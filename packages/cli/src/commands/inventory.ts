// `muster inventory`: the seeds that discovery begins at, and looking at the hosts behind them.

import { readFile } from "node:fs/promises";
import * as Effect from "effect/Effect";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { canonicalJson, escapeText, hasErrors } from "@muster/core";
import { addSeeds, discover, type Roll, removeSeeds } from "@muster/core/inventory/roll";
import { formatAddress, readSeed, readSeedFile } from "@muster/core/inventory/seed-file";
import type { HostAddress } from "@muster/core/words/contact";
import { type CommandEnd, endWith, wrongInput } from "../exit.ts";
import { dryRun, editRoll } from "../inventory/edit.ts";
import { inventoryFlags, loadRoll, openInventory, wordOf } from "../inventory/opened.ts";
import { limitFlag, mostOf } from "../inventory/limit.ts";
import { lookAt, lookFlags, spareMemoryFor } from "../inventory/look.ts";
import { writeRoll } from "../inventory/write-roll.ts";
import { viewDiagnostics } from "../screen/diagnostics-view.ts";
import { viewSeeds } from "../screen/host-view.ts";
import { Live } from "../screen/live.ts";
import { Out } from "../screen/out.ts";

const hosts = Argument.String("host").pipe(
  Argument.withDescription("A host: [user@]name[:port]"),
  Argument.variadic({ min: 1 }),
);

const exits =
  "\n\nExit codes: 0 done, or so already, 1 wrong arguments, 2 the store failed, 5 refused: it is kept in git, 7 outcome unknown (run it again).";

const readHosts = (
  texts: ReadonlyArray<string>,
): Effect.Effect<ReadonlyArray<HostAddress>, CommandEnd> =>
  Effect.forEach(texts, (text) => {
    const read = readSeed(text);
    return "address" in read
      ? Effect.succeed(read.address)
      : Effect.fail(wrongInput(read.fault, read.hint));
  });

const add = Command.make(
  "add",
  { hosts, dryRun, ...inventoryFlags },
  Effect.fn("inventory seed add")(function* (flags) {
    const addresses = yield* readHosts(flags.hosts);
    yield* editRoll({
      flags,
      becomes: "added",
      what: "seed",
      decide: (roll, word) => addSeeds(roll, addresses, word),
    });
  }),
).pipe(
  Command.withDescription(
    `Add seeds. A seed becomes a host on the roll at its first refresh, and is assigned to nothing by that. A seed that is there already takes the user and the port that are given now.${exits}`,
  ),
  Command.withShortDescription("Add hosts to begin at"),
  Command.withExamples([
    { command: "muster inventory seed add t-linux64-001.test.example", description: "One host" },
    {
      command: "muster inventory seed add ops@10.0.0.7:2222 10.0.0.8 --dry-run",
      description: "See it first",
    },
  ]),
);

const remove = Command.make(
  "remove",
  { hosts, dryRun, ...inventoryFlags },
  Effect.fn("inventory seed remove")(function* (flags) {
    const names = (yield* readHosts(flags.hosts)).map(({ host }) => host);
    yield* editRoll({
      flags,
      becomes: "removed",
      what: "seed",
      decide: (roll, word) => removeSeeds(roll, names, word),
    });
  }),
).pipe(
  Command.withDescription(
    `Remove seeds. The hosts stay on the roll with all that is known of them: no host is ever deleted.${exits}`,
  ),
  Command.withShortDescription("Remove seeds; hosts stay"),
  Command.withExamples([
    { command: "muster inventory seed remove t-linux64-001.test.example", description: "One seed" },
  ]),
);

const list = Command.make(
  "list",
  { limit: limitFlag, ...inventoryFlags },
  Effect.fn("inventory seed list")(function* (flags) {
    const screen = yield* Out;
    const most = yield* mostOf(flags.limit);
    const { all, place } = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openInventory(flags, "read");
        const { seeds } = yield* loadRoll(store);
        return { all: Array.from(seeds.values()).slice(0, most), place: store.place };
      }),
    );
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson(all)
        : all.length === 0
          ? `no seeds yet  (${place})`
          : viewSeeds(all, (yield* Live).columns()),
    );
  }),
).pipe(
  Command.withDescription(
    "List the seeds and who keeps each.\n\nExit codes: 0 listed, 1 wrong arguments, 2 the store failed.",
  ),
  Command.withShortDescription("List the seeds"),
  Command.withExamples([{ command: "muster inventory seed list", description: "All of them" }]),
);

const fromFile = Flag.String("from-file").pipe(
  Flag.withDescription("One host per line: [user@]host[:port]; # begins a comment"),
  Flag.withMetavar("FILE"),
);

/** The seeds of the command line that the file does not have: named, and left. */
const leftOf = ({ seeds }: Roll, addresses: ReadonlyArray<HostAddress>): ReadonlyArray<string> => {
  const named = new Set(addresses.map(({ host }) => host));
  return Array.from(seeds.values())
    .filter(({ address, keeper }) => keeper.by === "cli" && !named.has(address.host))
    .map(({ address }) => formatAddress(address));
};

const sync = Command.make(
  "sync",
  { fromFile, dryRun, ...inventoryFlags },
  Effect.fn("inventory seed sync")(function* (flags) {
    const screen = yield* Out;
    const text = yield* Effect.tryPromise({
      try: () => readFile(flags.fromFile, "utf8"),
      catch: (cause) =>
        wrongInput(
          `${flags.fromFile} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
          "name a file with one host per line",
        ),
    });
    const { addresses, diagnostics } = readSeedFile(flags.fromFile, text);
    if (diagnostics.length > 0) {
      const source = { file: flags.fromFile, text };
      yield* screen.say(viewDiagnostics(diagnostics, [source], screen.paintSaid));
    }
    if (hasErrors(diagnostics)) return yield* endWith(1);
    const before = yield* editRoll({
      flags,
      reason: `from ${flags.fromFile}`,
      becomes: "added",
      what: "seed",
      decide: (roll, word) => addSeeds(roll, addresses, word),
    });
    for (const seed of leftOf(before, addresses)) {
      yield* screen.say(`${escapeText(seed)} is a seed and not in the file: it stays`);
    }
  }),
).pipe(
  Command.withDescription(
    `Add the seeds of a file. With a fault in the file nothing is written, and every fault is told with its place. Seeds that the file does not have are named and stay; no host is ever deleted.${exits}`,
  ),
  Command.withShortDescription("Add the seeds of a file"),
  Command.withExamples([
    {
      command: "muster inventory seed sync --from-file /etc/fleetroll/seeds.txt",
      description: "To begin with",
    },
    {
      command: "muster inventory seed sync --from-file seeds.txt --dry-run",
      description: "What it would add",
    },
  ]),
);

const seed = Command.make("seed").pipe(
  Command.withDescription(
    "The hosts that discovery begins at. A seed assigns nothing: people assign hosts to populations.",
  ),
  Command.withShortDescription("Where discovery begins"),
  Command.withSubcommands([add, remove, list, sync]),
  Command.withExamples([{ command: "muster inventory seed list", description: "All seeds" }]),
);

const which = Flag.String("seed").pipe(
  Flag.withDescription("The seeds to look at: all, or the name of one"),
  Flag.withMetavar("NAME"),
  Flag.withDefault("all"),
);

const refresh = Command.make(
  "refresh",
  { seed: which, ...lookFlags, ...inventoryFlags },
  Effect.fn("inventory refresh")(function* (flags) {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openInventory(flags, "write");
        const roll = yield* loadRoll(store);
        const names = yield* seedsCalled(roll, flags.seed);
        yield* spareMemoryFor(names.length);
        const word = yield* wordOf(null);
        yield* writeRoll(store, (now) =>
          Effect.succeed(
            discover(
              now,
              // A seed that somebody removed meanwhile is looked at, and becomes no host.
              names.filter((name) => now.seeds.has(name)),
              word,
            ),
          ),
        );
        yield* lookAt(
          store,
          names.map((name) => roll.seeds.get(name)!.address),
          flags,
        );
      }),
    );
  }),
).pipe(
  Command.withDescription(
    "Look at the hosts behind the seeds: each becomes a host on the roll, and is asked by one command over one connection. Every look is recorded, failures too, and no host is ever dropped. Hosts are told as they answer.\n\nExit codes: 0 every host answered, 1 wrong arguments, 2 no host answered, or the store failed, 6 some did not answer, or workers could not be listed, 7 outcome unknown (run it again), 130 interrupted: what was seen is kept.",
  ),
  Command.withShortDescription("Look at all hosts"),
  Command.withExamples([
    { command: "muster inventory refresh --seed all", description: "The roll call" },
    {
      command: "muster inventory refresh --fast --concurrency 128",
      description: "Only who can be reached",
    },
  ]),
);

const seedsCalled = (
  { seeds }: Roll,
  called: string,
): Effect.Effect<ReadonlyArray<string>, CommandEnd> => {
  if (called === "all") return Effect.succeed(Array.from(seeds.keys()));
  const name = called.toLowerCase();
  return seeds.has(name)
    ? Effect.succeed([name])
    : Effect.fail(
        wrongInput(
          `there is no seed "${escapeText(called)}"`,
          "list them with: inventory seed list",
        ),
      );
};

export const inventory = Command.make("inventory").pipe(
  Command.withDescription(
    "The roll of hosts: where it begins, and looking at them over SSH. What was seen is kept with its age.",
  ),
  Command.withShortDescription("Seeds, and looking at the hosts behind them"),
  Command.withSubcommands([seed, refresh]),
  Command.withExamples([
    { command: "muster inventory refresh --seed all", description: "The roll call" },
  ]),
);
