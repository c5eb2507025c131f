// `muster history`: what past runs did, and what persons recorded between them.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import {
  type AuditEntry,
  canonicalJson,
  type DocumentAddress,
  type StoreError,
} from "@muster/core";
import { type CommandEnd, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { documentsCalled, forEachEntry, type Kept, knownDocuments, openKept } from "../kept.ts";
import { knownFleet } from "../known-fleet.ts";
import { recordFlags } from "../records.ts";
import { changesOf, makeHistory, type Past, type PastRun } from "../runs.ts";
import { viewHistory, viewRun } from "../screen/history-view.ts";
import { Live } from "../screen/live.ts";
import { Out } from "../screen/out.ts";

const what = Argument.String("fleet-or-run").pipe(
  Argument.withDescription(
    "A fleet (NAME or Kind/NAME), or a run by its id or how it begins; all runs when not given",
  ),
  Argument.optional,
);

const limit = Flag.Int("limit").pipe(
  Flag.withAlias("n"),
  Flag.withDescription("How many to show, the newest first"),
  Flag.withDefault(20),
);

export const history = Command.make(
  "history",
  { ...recordFlags, what, limit, output: Flags.output },
  Effect.fn("history")(function* (flags) {
    const screen = yield* Out;
    const look = { width: (yield* Live).columns(), paint: screen.paint };
    const isJson = flags.output === "json";
    if (flags.limit < 1) {
      return yield* wrongInput(`--limit ${flags.limit} shows nothing`, "give 1 or more");
    }
    yield* Effect.scoped(
      Effect.gen(function* () {
        const kept = yield* openKept(flags);
        const gathered = makeHistory(kept.owner);
        yield* forEachEntry(kept.store, gathered.take);
        const named = Option.getOrNull(flags.what);
        const meaning = yield* meaningOf(kept, named, gathered.past(kept.records, null));
        if (meaning.run !== null) {
          const entries = yield* entriesOf(kept, meaning.run.id);
          const changes = changesOf(entries);
          return yield* screen.result(
            isJson
              ? canonicalJson({ ...meaning.run, changes })
              : viewRun(meaning.run, changes, look),
          );
        }
        const past = gathered.past(kept.records, meaning.document);
        const shown = past.slice(0, flags.limit);
        const hidden = past.length - shown.length;
        yield* screen.result(
          isJson
            ? canonicalJson({
                store: kept.store.place,
                owner: kept.owner,
                hidden,
                history: shown,
              })
            : viewHistory(shown, hidden, look),
        );
      }),
    );
  }),
).pipe(
  Command.withDescription(
    "List the runs that changed something or were refused, the newest first: when, how long, by whom, for which revision, how it ended per fleet, and its trace; and between them what persons recorded (consent, adoption, suspension, a stolen lease), with their reasons. Name a run to see each of its changes. The store remembers the newest 50 runs in full; what is older comes from the audit.\n\nExit codes: 0 told, 1 no such store, fleet or run, 2 cannot read the store.",
  ),
  Command.withShortDescription("What past runs did"),
  Command.withExamples([
    { command: "muster history", description: "The fleets of the current folder" },
    {
      command: "muster history web --limit 5 --repo https://git.example.com/team/fleets",
      description: "The last five runs of a runner that worked on one fleet",
    },
    { command: "muster history 3f1c9a02", description: "Each change of one run" },
  ]),
);

interface Meaning {
  readonly run: PastRun | null;
  readonly document: DocumentAddress | null;
}

/** A fleet goes before a run that begins like it: runs are named by what nobody chose. */
const meaningOf = Effect.fnUntraced(function* (
  kept: Kept,
  named: string | null,
  past: ReadonlyArray<Past>,
): Effect.fn.Return<Meaning, CommandEnd | StoreError> {
  if (named === null) return { run: null, document: null };
  const known = knownDocuments(kept.records);
  const runs = past.filter((one): one is PastRun => one.what === "run");
  const exact = runs.find(({ id }) => id === named);
  if (exact !== undefined) return { run: exact, document: null };
  if (documentsCalled(known, named).length === 0) {
    const meant = named.length < 4 ? [] : runs.filter(({ id }) => id.startsWith(named));
    if (meant.length === 1) return { run: meant[0]!, document: null };
    if (meant.length > 1) {
      return yield* wrongInput(
        `${named} begins ${meant.length} runs`,
        `write more of it: ${meant
          .slice(0, 5)
          .map(({ id }) => id)
          .join(", ")}`,
      );
    }
  }
  return { run: null, document: (yield* knownFleet(kept, named)).record.document };
});

const entriesOf = Effect.fnUntraced(function* (
  { store, owner }: Kept,
  run: string,
): Effect.fn.Return<ReadonlyArray<AuditEntry>, StoreError> {
  const entries: Array<AuditEntry> = [];
  yield* forEachEntry(store, (entry) => {
    if (entry.run === run && entry.owner === owner) entries.push(entry);
  });
  return entries;
});
