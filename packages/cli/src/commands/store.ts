// `muster store migrate`: brings the tables of a store on Postgres to this version, as the role that owns them.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { escapeText } from "@muster/core";
import { formatPostgresPlace, type Migration } from "@muster/store-sql";
import { wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";
import { loadConfig, saidStore } from "../settings.ts";
import { Wiring } from "../wiring.ts";

const grant = Flag.String("grant").pipe(
  Flag.withDescription(
    "A role, which must exist, that muster will run as: it is granted what it needs and no more",
  ),
  Flag.withMetavar("ROLE"),
  Flag.optional,
);

const migrate = Command.make(
  "migrate",
  { store: Flags.store, config: Flags.config, grant, output: Flags.output },
  Effect.fn("store migrate")(function* (flags) {
    const screen = yield* Out;
    const wiring = yield* Wiring;
    const config = yield* loadConfig(flags.config, screen.env);
    const place = yield* saidStore(flags.store, config, screen.env);
    if (place?._tag !== "Postgres") {
      return yield* wrongInput(
        "only a store on Postgres is migrated by itself; a file is made, and brought up to date, when it is opened",
        "name it with --store postgres://OWNER@HOST/DATABASE, or MUSTER_STORE",
      );
    }
    const role = Option.getOrUndefined(flags.grant);
    const done = yield* wiring.migrateStore(place, role);
    const store = formatPostgresPlace(place);
    yield* screen.result(
      flags.output === "json"
        ? JSON.stringify({ store, ...done, granted: role ?? null })
        : view(store, done, role),
    );
  }),
).pipe(
  Command.withDescription(
    "Make the tables of a store on Postgres, or bring them to this version, as the role that owns them or shall own them. With --grant another role is given what muster needs: it can add to the audit and never change it. Run it before muster of a newer version; again it changes nothing.\n\nThe password may stand in PGPASSWORD or in a password file instead of the URL.\n\nExit codes: 0 migrated, or done before, 1 no store on Postgres is named, 2 the server cannot be reached or refuses.",
  ),
  Command.withShortDescription("Make or change the tables of a store on Postgres"),
  Command.withExamples([
    {
      command:
        "muster store migrate --store postgres://muster_owner@db.example.com/muster --grant muster",
      description: "As the owner, for muster to run as the role muster",
    },
    {
      command: "muster store migrate --store postgres://muster@localhost/muster -o json",
      description: "One role for both, on this machine, as JSON",
    },
  ]),
);

const view = (store: string, { from, to }: Migration, role: string | undefined): string => {
  const granted = role === undefined ? "" : `; ${escapeText(role)} may work with it`;
  const done =
    from === to
      ? `its tables were of version ${to} already`
      : from === 0
        ? `its tables are made, version ${to}`
        : `its tables went from version ${from} to ${to}`;
  return `${store}: ${done}${granted}`;
};

export const store = Command.make("store").pipe(
  Command.withDescription("Where records and audit are kept"),
  Command.withShortDescription("Look after the place of records and audit"),
  Command.withSubcommands([migrate]),
  Command.withExamples([
    {
      command: "muster store migrate --store postgres://muster_owner@db.example.com/muster",
      description: "Make the tables, or bring them to this version",
    },
  ]),
);
