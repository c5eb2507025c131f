// `muster status`: how the fleets stand, as the last run left them in the store.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { sameAddress } from "@muster/core";
import { endWith } from "../exit.ts";
import * as Flags from "../flags.ts";
import { openKept } from "../kept.ts";
import { knownFleet } from "../known-fleet.ts";
import { type RecordFlags, recordFlags } from "../records.ts";
import { Live } from "../screen/live.ts";
import { Out } from "../screen/out.ts";
import { statusAsJson, viewStatus } from "../screen/status-view.ts";
import { exitCodeOf, type Standing, standingsOf } from "../standing.ts";

const fleet = Argument.String("fleet").pipe(
  Argument.withDescription("NAME or Kind/NAME; all that the store knows when not given"),
  Argument.optional,
);

const watch = Flag.Boolean("watch").pipe(
  Flag.withAlias("w"),
  Flag.withDescription("Look again every two seconds, and show what changed, until Control-C"),
  Flag.withDefault(false),
);

const watchMillis = 2_000;

export const status = Command.make(
  "status",
  { ...recordFlags, fleet, watch, output: Flags.output },
  Effect.fn("status")(function* (flags) {
    if (flags.watch) return yield* watchOn(flags);
    const screen = yield* Out;
    const seen = yield* look(flags);
    yield* screen.result(yield* view(seen, flags));
    const code = exitCodeOf(seen.standings);
    if (code !== 0) return yield* endWith(code);
  }),
).pipe(
  Command.withDescription(
    "Show how the fleets stand: ready, waiting or stalled, since when, why, and what to do. It reads the store that the last apply or run wrote, and asks no provider: `muster plan` does. Name a fleet to see its conditions and members.\n\nExit codes: 0 all are ready, 1 no such store or fleet, 2 cannot read the store, 4 something is waiting, 5 one is stalled: a person has to do something. With --watch 130, by Control-C.",
  ),
  Command.withShortDescription("How the fleets stand"),
  Command.withExamples([
    { command: "muster status", description: "The fleets of the current folder" },
    {
      command: "muster status web --repo https://git.example.com/team/fleets --env prod",
      description: "One fleet of a runner, with its members",
    },
    { command: "muster status --watch", description: "Until Control-C" },
  ]),
);

type StatusFlags = RecordFlags & {
  readonly fleet: Option.Option<string>;
  readonly output: "human" | "json";
};

interface Seen {
  readonly place: string;
  readonly owner: string;
  readonly standings: ReadonlyArray<Standing>;
}

const look = (flags: StatusFlags) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { store, owner, records } = yield* openKept(flags);
      const all = standingsOf(records, yield* Clock.currentTimeMillis);
      const seen = { place: store.place, owner };
      if (Option.isNone(flags.fleet)) return { ...seen, standings: all };
      const { record } = yield* knownFleet({ store, owner }, flags.fleet.value);
      const isMeant = ({ document }: Standing) => sameAddress(document, record.document);
      return { ...seen, standings: all.filter(isMeant) };
    }),
  );

const view = Effect.fnUntraced(function* ({ place, owner, standings }: Seen, flags: StatusFlags) {
  if (flags.output === "json") return statusAsJson(place, owner, standings);
  const { paint } = yield* Out;
  const live = yield* Live;
  const now = yield* Clock.currentTimeMillis;
  const width = live.columns();
  return viewStatus({ place, standings, now, width, paint, inFull: Option.isSome(flags.fleet) });
});

/** Never ends by itself. Where nothing can be redrawn, only what changed is said again. */
const watchOn = Effect.fnUntraced(function* (flags: StatusFlags) {
  const screen = yield* Out;
  const live = yield* Live;
  const inPlace = live.isTerminal && flags.output === "human";
  if (inPlace) yield* live.redraw("");
  let said = "";
  for (;;) {
    const seen = yield* look(flags);
    const facts = statusAsJson(seen.place, seen.owner, seen.standings);
    if (inPlace) yield* live.redraw(yield* view(seen, flags));
    else if (facts !== said) yield* screen.result(yield* view(seen, flags));
    said = facts;
    yield* Effect.sleep(watchMillis);
  }
});
