// `muster host`: the hosts on the roll: find them, look at them, say what they belong to.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { canonicalJson } from "@muster/core";
import { driftTypes } from "@muster/core/inventory/drift";
import { historyOwner } from "@muster/core/inventory/history";
import { readLabels } from "@muster/core/inventory/labels";
import { assign, expectRole, label, ofAbsent, setDisabled } from "@muster/core/inventory/roll";
import { wrongInput } from "../exit.ts";
import { confirm, dryRun, editRoll } from "../inventory/edit.ts";
import { groundOf } from "../inventory/ground.ts";
import { limitFlag, mostOf } from "../inventory/limit.ts";
import { lookAt, lookFlags } from "../inventory/look.ts";
import { inventoryFlags, loadRoll, openInventory } from "../inventory/opened.ts";
import { findHosts, hostCalled, knownHost, readQuery, viewCalled } from "../inventory/select.ts";
import { hostkey } from "./hostkey.ts";
import * as View from "../screen/host-view.ts";
import { Live } from "../screen/live.ts";
import { Out } from "../screen/out.ts";

const host = Argument.String("host").pipe(Argument.withDescription("The name of a host"));

const filterText =
  "A query, such as 'role:x AND expected_role:null'; it finds disabled hosts only where it asks for them, as disabled:true does";

const filter = Flag.String("filter").pipe(
  Flag.withDescription(filterText),
  Flag.withMetavar("QUERY"),
  Flag.optional,
);

const driftType = Flag.Literals("drift-type", [...driftTypes, "any"]).pipe(
  Flag.withDescription("Only hosts with this sort of drift"),
  Flag.optional,
);

const exits =
  "\n\nExit codes: 0 done, or so already, 1 wrong arguments or no such host, 2 the store failed, 7 outcome unknown (run it again).";

const list = Command.make(
  "list",
  { filter, driftType, limit: limitFlag, ...inventoryFlags },
  Effect.fn("host list")(function* (flags) {
    const screen = yield* Out;
    const most = yield* mostOf(flags.limit);
    const asked = [
      ...Option.toArray(Option.map(flags.filter, (text) => `(${text})`)),
      ...Option.toArray(Option.map(flags.driftType, (type) => `drift:${type}`)),
    ];
    // Read by itself first: a fault's column is that of the filter, not of what is put around it.
    if (Option.isSome(flags.filter)) yield* readQuery(flags.filter.value);
    const query = yield* readQuery(
      Option.isNone(flags.driftType) ? Option.getOrElse(flags.filter, () => "") : asked.join(" "),
    );
    const ground = yield* groundOf(flags);
    const found = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openInventory(flags, "read");
        const roll = yield* loadRoll(store);
        const { size: seeds } = roll.seeds;
        return { ...(yield* findHosts(store, roll, query, ground)), seeds, place: store.place };
      }),
    );
    const shown = found.views.slice(0, most);
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson({ hosts: shown.map(View.hostAsJson), matched: found.views.length })
        : View.viewHosts(
            shown,
            { ...found, matched: found.views.length },
            ground.now,
            (yield* Live).columns(),
          ),
    );
  }),
).pipe(
  Command.withDescription(
    "List hosts, with what was seen of each and how long ago. `?` is unknown, `-` is known to be none. A filter never takes a host that nobody has looked at for one without: NOT role:x does not match it. Disabled hosts are left out, unless the filter asks for them: disabled:true.\n\nExit codes: 0 listed, 1 wrong arguments or query, 2 the store failed.",
  ),
  Command.withShortDescription("List hosts, all or those that a filter finds"),
  Command.withExamples([
    { command: 'muster host list --filter "expected_role:null"', description: "Not yet assigned" },
    { command: "muster host list --drift-type override", description: "With an override" },
    {
      command: "muster host list --filter 'last_seen:>24h sort:last_seen' -o json",
      description: "Silent for a day, the longest first, for a script",
    },
  ]),
);

const show = Command.make(
  "show",
  { host, ...inventoryFlags },
  Effect.fn("host show")(function* (flags) {
    const screen = yield* Out;
    const ground = yield* groundOf(flags);
    const view = yield* Effect.scoped(
      Effect.flatMap(openInventory(flags, "read"), (store) =>
        viewCalled(store, flags.host, ground),
      ),
    );
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson(View.hostAsJson(view))
        : View.viewHost(view, ground.now),
    );
  }),
).pipe(
  Command.withDescription(
    "Show all that is known of a host, each piece with its age, what drifted and what of that cannot be told.\n\nExit codes: 0 shown, 1 no such host, 2 the store failed.",
  ),
  Command.withShortDescription("All that is known of a host"),
  Command.withExamples([
    { command: "muster host show t-linux64-001.test.example", description: "One host" },
  ]),
);

const history = Command.make(
  "history",
  { host, limit: limitFlag, ...inventoryFlags },
  Effect.fn("host history")(function* (flags) {
    const screen = yield* Out;
    const most = yield* mostOf(flags.limit);
    const now = yield* Clock.currentTimeMillis;
    const looks = yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openInventory(flags, "read");
        const { address } = yield* hostCalled(store, flags.host);
        const record = yield* store.record(historyOwner, `History/${address.host}`);
        return record?._tag === "History" ? record.looks.slice(0, most) : [];
      }),
    );
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson(looks)
        : View.viewLooks(looks, now, (yield* Live).columns()),
    );
  }),
).pipe(
  Command.withDescription(
    "Show the last looks at a host, the newest first: ten, and the last that it answered.\n\nExit codes: 0 shown, 1 no such host, 2 the store failed.",
  ),
  Command.withShortDescription("The last looks at a host"),
  Command.withExamples([
    { command: "muster host history t-linux64-001.test.example", description: "One host" },
  ]),
);

const refresh = Command.make(
  "refresh",
  { host, ...lookFlags, ...inventoryFlags },
  Effect.fn("host refresh")(function* (flags) {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const store = yield* openInventory(flags, "write");
        const roll = yield* loadRoll(store);
        const name = yield* knownHost(roll, flags.host);
        yield* lookAt(store, [roll.hosts.get(name)!.address], flags);
      }),
    );
  }),
).pipe(
  Command.withDescription(
    "Look at one host now, and record what was seen, a failure too.\n\nExit codes: 0 it answered, 1 no such host, 2 it did not answer, or the store failed, 6 it answered, and workers could not be listed.",
  ),
  Command.withShortDescription("Look at one host now"),
  Command.withExamples([
    { command: "muster host refresh t-linux64-001.test.example", description: "One host" },
  ]),
);

const called = (name: string): string => name.toLowerCase().replace(/\.$/u, "");

const assignPopulation = Command.make(
  "assign-population",
  {
    host: host.pipe(Argument.optional),
    filter,
    population: Flag.String("population").pipe(
      Flag.withDescription("The population they belong to from now on"),
      Flag.withMetavar("NAME"),
    ),
    confirm,
    dryRun,
    ...inventoryFlags,
  },
  Effect.fn("host assign-population")(function* (flags) {
    const { population } = flags;
    const becomes = `assigned to ${population}`;
    if (Option.isSome(flags.host) === Option.isSome(flags.filter)) {
      return yield* wrongInput(
        "either a host or a filter says who is meant",
        "name one host, or give --filter QUERY --confirm",
      );
    }
    if (Option.isSome(flags.host)) {
      const names = [called(flags.host.value)];
      // Who is named is meant: only a filter wants to be confirmed.
      return yield* editRoll({
        flags: { ...flags, confirm: true },
        becomes,
        what: "host",
        decide: (roll, word) => assign(roll, names, population, word),
      });
    }
    const text = Option.getOrElse(flags.filter, () => "");
    const query = yield* readQuery(text);
    const ground = yield* groundOf(flags);
    return yield* editRoll({
      flags,
      reason: `--filter ${text}`,
      becomes,
      what: "host",
      decide: (roll, word, store) =>
        Effect.map(findHosts(store, roll, query, ground), ({ views }) => {
          const names = views.map((view) => view.host.address.host);
          return ofAbsent(assign(roll, names, population, word));
        }),
    });
  }),
).pipe(
  Command.withDescription(
    `Assign hosts to a population: one by its name, or all that a filter finds. What is expected of them is the role of the population, where it names one. A filter only shows who is meant until --confirm is there.${exits}`,
  ),
  Command.withShortDescription("Assign hosts to a population"),
  Command.withExamples([
    {
      command:
        "muster host assign-population t-linux64-001.test.example --population gecko-t-linux-talos",
      description: "One host",
    },
    {
      command:
        'muster host assign-population --filter "role:gecko_t_linux_talos AND expected_role:null" --population gecko-t-linux-talos --confirm',
      description: "All that are not assigned yet",
    },
  ]),
);

const setExpectedRole = Command.make(
  "set-expected-role",
  {
    host,
    role: Flag.String("role").pipe(
      Flag.withDescription("The role that the host is expected to have"),
      Flag.withMetavar("ROLE"),
    ),
    confirm,
    dryRun,
    ...inventoryFlags,
  },
  Effect.fn("host set-expected-role")(function* (flags) {
    yield* editRoll({
      flags,
      becomes: `expected to be ${flags.role}`,
      what: "host",
      decide: (roll, word) => expectRole(roll, [called(flags.host)], flags.role, word),
    });
  }),
).pipe(
  Command.withDescription(
    `Say what role is expected of a host, whatever its population says. Only shown until --confirm is there.${exits}`,
  ),
  Command.withShortDescription("Say what role is expected of a host"),
  Command.withExamples([
    {
      command:
        "muster host set-expected-role t-linux64-001.test.example --role gecko_t_linux_perf --confirm",
      description: "One host",
    },
  ]),
);

const clearExpectedRole = Command.make(
  "clear-expected-role",
  { host, confirm, dryRun, ...inventoryFlags },
  Effect.fn("host clear-expected-role")(function* (flags) {
    yield* editRoll({
      flags,
      becomes: "expected to have no role in particular",
      what: "host",
      decide: (roll, word) => expectRole(roll, [called(flags.host)], null, word),
    });
  }),
).pipe(
  Command.withDescription(
    `Expect no role of a host any more: no rollout means it then. Only shown until --confirm is there.${exits}`,
  ),
  Command.withShortDescription("Expect no role of a host any more"),
  Command.withExamples([
    {
      command: "muster host clear-expected-role t-linux64-001.test.example --confirm",
      description: "One host",
    },
  ]),
);

const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why; it stands in the audit and with the host"),
  Flag.withMetavar("TEXT"),
);

const ability = (how: "disable" | "enable", words: string, example: string) =>
  Command.make(
    how,
    { host, reason, dryRun, ...inventoryFlags },
    Effect.fn(`host ${how}`)(function* (flags) {
      yield* editRoll({
        flags,
        reason: flags.reason,
        becomes: `${how}d`,
        what: "host",
        decide: (roll, word) => setDisabled(roll, [called(flags.host)], how === "disable", word),
      });
    }),
  ).pipe(
    Command.withDescription(`${words}${exits}`),
    Command.withShortDescription(
      how === "disable" ? "Take a host out of lists and rollouts" : "Put a disabled host back",
    ),
    Command.withExamples([
      {
        command: `muster host ${how} t-linux64-001.test.example --reason '${example}'`,
        description: "One host",
      },
    ]),
  );

const labelHost = Command.make(
  "label",
  {
    host,
    labels: Argument.String("label").pipe(
      Argument.withDescription("KEY=VALUE sets a label, KEY- removes it"),
      Argument.variadic({ min: 1 }),
    ),
    dryRun,
    ...inventoryFlags,
  },
  Effect.fn("host label")(function* (flags) {
    const read = readLabels(flags.labels);
    if ("fault" in read) return yield* wrongInput(read.fault, read.hint);
    yield* editRoll({
      flags,
      becomes: `labelled ${flags.labels.join(" ")}`,
      what: "host",
      decide: (roll, word) => label(roll, [called(flags.host)], read.changes, word),
    });
  }),
).pipe(
  Command.withDescription(
    `Set labels of a host, and remove labels; the others stay. A label has a value of up to 256 characters, and a query finds it as label.KEY.${exits}`,
  ),
  Command.withShortDescription("Set and remove labels of a host"),
  Command.withExamples([
    {
      command: "muster host label t-linux64-001.test.example rack=3 net.vlan=mgmt",
      description: "Where it stands",
    },
    {
      command: "muster host label t-linux64-001.test.example rack-",
      description: "Not there any more",
    },
    {
      command: "muster host list --filter 'label.rack:3'",
      description: "Who stands there",
    },
  ]),
);

const disable = ability(
  "disable",
  "Take a host out of lists and rollouts: it stays on the roll and is looked at, and a filter finds it only where it asks for disabled hosts (disabled:true). Disabled again for the same reason, it stays as it is.",
  "bad disk",
);

const enable = ability("enable", "Put a disabled host back into lists and rollouts.", "new disk");

export const hostCommand = Command.make("host").pipe(
  Command.withDescription(
    "The hosts on the roll: what was seen of them and when, and what people say of them. What was seen is kept with its age; what was never seen is unknown, and never taken for absent.",
  ),
  Command.withShortDescription("The hosts on the roll"),
  Command.withSubcommands([
    list,
    show,
    history,
    refresh,
    assignPopulation,
    setExpectedRole,
    clearExpectedRole,
    labelHost,
    disable,
    enable,
    hostkey,
  ]),
  Command.withExamples([
    {
      command: "muster host list --drift-type any",
      description: "Where something is not as expected",
    },
  ]),
);
