// `muster explain`: why a fleet or a member is as it is, and what the next run will do about it.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import {
  type AuditEntry,
  canonicalJson,
  formatAddress,
  hasErrors,
  Store,
  type StoreShape,
} from "@muster/core";
import { plan as planTurn } from "@muster/sdk";
import { absentId } from "@muster/store-sql";
import { openLocal, turnOf } from "../context.ts";
import { type CommandEnd, wrongInput } from "../exit.ts";
import {
  allDocuments,
  concerns,
  explain as explainSubject,
  type Facts,
  type Subject,
  subjectsOf,
} from "../explanation.ts";
import * as Flags from "../flags.ts";
import { forEachEntry, noStore } from "../kept.ts";
import { openRecords, recordFlags } from "../records.ts";
import { viewExplanation } from "../screen/explain-view.ts";
import { Live } from "../screen/live.ts";
import { Out } from "../screen/out.ts";
import { actorName } from "../settings.ts";

const resource = Argument.String("resource").pipe(
  Argument.withDescription(
    "A fleet (NAME or Kind/NAME), or a member (web-3.2, FLEET/web-3.2, or its provider's identifier)",
  ),
);

const file = Flag.String("file").pipe(
  Flag.withAlias("f"),
  Flag.withDescription(
    "The documents to plan with; the current folder when neither this nor --repo is given",
  ),
  Flag.withMetavar("PATH"),
  Flag.optional,
);

const storeOnly = Flag.Boolean("store-only").pipe(
  Flag.withDescription("Ask no provider, and say only what the store remembers"),
  Flag.withDefault(false),
);

/** How many entries of the audit are told. */
const mostEntries = 10;

export const explain = Command.make(
  "explain",
  { ...recordFlags, file, resource, storeOnly, output: Flags.output },
  Effect.fn("explain")(function* (flags) {
    const screen = yield* Out;
    const told = yield* Effect.scoped(
      Effect.gen(function* () {
        const path = Option.getOrElse(flags.file, () => ".");
        const { store, owner } = yield* openRecords({ ...flags, file: path }, "read");
        const planned = yield* planOf(flags, path, store, owner);
        if (store.id === absentId && planned.plans.length === 0) return yield* noStore(store.place);
        const now = yield* Clock.currentTimeMillis;
        const facts: Facts = { ...planned, records: yield* store.load(owner), now };
        const subject = yield* theSubject(flags.resource, facts, store.place);
        const entries = yield* lastEntries(store, owner, subject);
        return explainSubject(subject, facts, entries, planned.why);
      }),
    );
    const look = {
      width: (yield* Live).columns(),
      paint: screen.paint,
      now: yield* Clock.currentTimeMillis,
    };
    yield* screen.result(
      flags.output === "json" ? canonicalJson(told) : viewExplanation(told, look),
    );
  }),
).pipe(
  Command.withDescription(
    "Say why a fleet or a member is as it is: what its document asks and at which revision, what was last seen, which changes are open, what is held back or refused and what to do about it, which consent there is, the last entries of the audit, and what the next run will do and why. The last comes from a real plan when documents are at hand; else the store alone is asked, and the answer says so. Nothing is written.\n\nExit codes: 0 told, 1 no such store or resource, 2 cannot read the store.",
  ),
  Command.withShortDescription("Why a fleet or a member is as it is"),
  Command.withExamples([
    { command: "muster explain web", description: "A fleet of the current folder" },
    { command: "muster explain web/web-3.2 -f fleets/", description: "One member" },
    {
      command: "muster explain ocid1.instance.oc1… --repo https://git.example.com/team/fleets",
      description: "An instance, from the store of a runner",
    },
  ]),
);

interface ExplainFlags {
  readonly repo: Option.Option<string>;
  readonly file: Option.Option<string>;
  readonly store: Option.Option<string>;
  readonly owner: Option.Option<string>;
  readonly config: Option.Option<string>;
  readonly storeOnly: boolean;
}

type Planned = Pick<Facts, "plans" | "documents" | "statuses"> & { readonly why: string };

const unplanned = (why: string): Planned => ({ plans: [], documents: [], statuses: [], why });

/** A plan with the store's records and owner, as the next run would make it. */
const planOf = Effect.fnUntraced(function* (
  flags: ExplainFlags,
  path: string,
  store: StoreShape,
  owner: string,
) {
  if (flags.storeOnly) return unplanned("not planned, as --store-only asks");
  if (Option.isNone(flags.file) && Option.isSome(flags.repo)) {
    return unplanned(
      "not planned: only documents and provider tell; give a checkout of the repository with --file",
    );
  }
  const local = yield* openLocal({ ...flags, paths: [path] }, "read").pipe(
    Effect.map(Option.some),
    // Who named the documents hears what is wrong with them.
    Effect.catch((error: CommandEnd) =>
      Option.isSome(flags.file) ? Effect.fail(error) : Effect.succeed(Option.none()),
    ),
  );
  if (Option.isNone(local))
    return unplanned("not planned: there are no documents here; use --file");
  const { env } = yield* Out;
  const faults = local.value.fileFaults;
  const report = yield* planTurn({
    ...turnOf(local.value),
    owner,
    actor: actorName(env),
    ...(Option.isSome(flags.repo) ? { policy: { quarantine: true } } : {}),
  }).pipe(Effect.provideService(Store, store));
  if (hasErrors([...faults, ...report.diagnostics])) {
    return unplanned("not planned: the documents have faults; see muster validate");
  }
  return { ...report, why: "not planned: no document asks for it" };
});

const theSubject = Effect.fnUntraced(function* (
  text: string,
  facts: Facts,
  place: string,
): Effect.fn.Return<Subject, CommandEnd> {
  const subjects = subjectsOf(text, facts);
  const [one] = subjects;
  if (one !== undefined && subjects.length === 1) return one;
  const known = (
    subjects.length > 0 ? subjects.map(nameOf) : allDocuments(facts).map(formatAddress)
  )
    .slice(0, 20)
    .join(", ");
  return yield* wrongInput(
    subjects.length > 0
      ? `${text} can mean several things`
      : `neither the documents nor ${place} know ${text}`,
    known === "" ? "name the right store with --store, --repo or --file" : `name one of: ${known}`,
  );
});

const nameOf = ({ document, member }: Subject): string =>
  member === null
    ? formatAddress(document)
    : (member.id ?? `${formatAddress(document)}/${member.name}`);

const lastEntries = Effect.fnUntraced(function* (
  store: StoreShape,
  owner: string,
  subject: Subject,
) {
  const last: Array<AuditEntry> = [];
  yield* forEachEntry(store, (entry) => {
    if (entry.owner !== owner || !concerns(subject, entry)) return;
    last.push(entry);
    if (last.length > mostEntries) last.shift();
  });
  return last;
});
