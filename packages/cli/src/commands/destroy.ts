// `muster destroy`: a person's wish that members which nothing asks for any more be destroyed.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import {
  defaultPace,
  type DocumentRecord,
  escapeText,
  exitCodes,
  formatAddress,
  type MemberSighting,
  openRegistry,
  shellWord,
  type StoreRecord,
} from "@muster/core";
import { observe } from "@muster/core/observe/observe";
import { blindness } from "@muster/core/plan/blindness";
import { asksFor, isDestroyable, membersLeft } from "@muster/core/plan/destroy";
import { consentDigest } from "@muster/core/plan/removals";
import { pluginsOf } from "../context.ts";
import { CommandEnd, endWith, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { fleetName, knownFleet } from "../known-fleet.ts";
import {
  checkReason,
  noteOf,
  openRecords,
  type Records,
  type RecordFlags,
  recordFlags,
  recordWords,
} from "../records.ts";
import {
  type Calls,
  destructionAsJson,
  type Person,
  viewDestruction,
} from "../screen/destroy-view.ts";
import { Out } from "../screen/out.ts";
import { actorName, inventoryOf, loadConfig } from "../settings.ts";
import { Wiring } from "../wiring.ts";

const group = Flag.String("group").pipe(
  Flag.withDescription(
    "Only the members of this group; needed while a file asks for other groups of the fleet",
  ),
  Flag.optional,
);

const confirm = Flag.Boolean("confirm").pipe(
  Flag.withDescription("Record the wish; without it the members are only shown"),
  Flag.withDefault(false),
);

const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why; it stands in the audit. Needed with --confirm"),
  Flag.withMetavar("TEXT"),
  Flag.optional,
);

export const destroy = Command.make(
  "destroy",
  { ...recordFlags, fleet: fleetName, group, confirm, reason, output: Flags.output },
  Effect.fn("destroy")(function* (flags) {
    const screen = yield* Out;
    const why = flags.confirm ? yield* reasonOf(flags.reason) : null;
    const by = actorName(screen.env);
    const found = yield* Effect.scoped(
      Effect.gen(function* () {
        const opened = yield* openRecords(flags, why === null ? "read" : "write");
        const { record, records } = yield* knownFleet(opened, flags.fleet);
        yield* refuseAskedFor(record, flags.group);
        const sightings = yield* lookAt(flags, record, records);
        yield* refuseOthers(record, sightings, opened.owner);
        const all = membersLeft(record, sightings, opened.owner);
        const left = all.filter(
          ({ name }) => Option.isNone(flags.group) || name?.set === flags.group.value,
        );
        const isGoing = (sighting: MemberSighting) => isDestroyable(record.document, sighting);
        const who = why === null ? null : { by, at: yield* timeOfWish(record), reason: why };
        const going = left.filter(isGoing);
        if (who !== null) yield* remember(opened, record, going, who);
        const unmarked = left.filter((sighting) => !isGoing(sighting));
        const groups = all.flatMap(({ name }) => (name === null ? [] : [name.set]));
        return { place: opened.store.place, record, going, unmarked, groups, who };
      }),
    );
    yield* screen.result(
      flags.output === "json"
        ? destructionAsJson(found)
        : viewDestruction(found, callsOf(found.record, flags)),
    );
    if (why === null && found.going.length > 0) {
      return yield* endWith(exitCodes["changes waiting"]);
    }
  }),
).pipe(
  Command.withDescription(
    "Destroy what nothing asks for any more: the members of a document that vanished, or with --group those of a group that was taken out of its document. Without --confirm it shows which members that are. With it, exactly these are recorded, and the next apply or run removes them, on condition that they have not changed. A member that a document asks for is never destroyed this way: lower its count.\n\nExit codes: 0 recorded, or nothing is left; 1 wrong arguments; 2 infrastructure failed; 4 members were shown, nothing is recorded; 5 refused: a file still asks for it.",
  ),
  Command.withShortDescription("Destroy what nothing asks for any more"),
  Command.withExamples([
    { command: "muster destroy web", description: "Show what would go" },
    {
      command: "muster destroy web --confirm --reason 'the shop moved'",
      description: "Let the next apply of the current folder destroy it",
    },
    {
      command:
        "muster destroy web --group batch --confirm --reason 'not needed' --repo https://git.example.com/team/fleets",
      description: "A group that was taken out of a document of that repository",
    },
  ]),
);

const reasonOf = (given: Option.Option<string>) =>
  Option.isSome(given)
    ? checkReason(given.value)
    : Effect.fail(wrongInput("--confirm needs a reason", "add --reason TEXT"));

const refused = (message: string, remedy: string): CommandEnd =>
  new CommandEnd({ code: exitCodes.refused, message, remedy });

/** Destroying beside a document would only make muster launch again. */
const refuseAskedFor = (
  record: DocumentRecord,
  wanted: Option.Option<string>,
): Effect.Effect<void, CommandEnd> => {
  if (record.orphanedAt !== null) return Effect.void;
  const name = formatAddress(record.document);
  const asWeKnow = "as far as this store knows";
  if (Option.isNone(wanted)) {
    return Effect.fail(
      refused(
        `a file still asks for ${name}, ${asWeKnow}`,
        "set its counts to 0; or delete the document and let an apply or run see that; for a group that was taken out of it, add --group NAME",
      ),
    );
  }
  return asksFor(record.expansion, wanted.value)
    ? Effect.fail(
        refused(
          `a file still asks for group ${wanted.value} of ${name}, ${asWeKnow}`,
          "set its count to 0; or delete it from the document and let an apply or run see that",
        ),
      )
    : Effect.void;
};

/** Sees what is there; fails when not all of it could be seen. */
const lookAt = Effect.fnUntraced(function* (
  flags: RecordFlags,
  record: DocumentRecord,
  records: ReadonlyArray<StoreRecord>,
) {
  const { env } = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, env);
  const inventory = yield* inventoryOf(flags.store, config, env);
  const builtIn = wiring.plugins({ by: "command line", inventory }, env);
  const { handlers } = yield* openRegistry(pluginsOf(config, builtIn, wiring.decorate));
  const pace = { ...defaultPace, ...wiring.pace };
  const [observation] = yield* observe(handlers, [record.expansion], records, pace);
  if (observation?.complete === true) return observation.members;
  const blind = blindness(observation);
  return yield* new CommandEnd({
    code: exitCodes["infrastructure failed"],
    message: blind.reason.text,
    remedy: blind.remedy,
  });
});

/** Apply touches nothing of a document that another owner runs, so a wish would never come true. */
const refuseOthers = (
  record: DocumentRecord,
  sightings: ReadonlyArray<MemberSighting>,
  owner: string,
): Effect.Effect<void, CommandEnd> => {
  const other = sightings.find(
    (sighting) =>
      sighting.owner !== null &&
      sighting.owner !== owner &&
      sighting.document === record.document.name &&
      sighting.phase !== "gone" &&
      sighting.phase !== "leaving",
  );
  return record.orphanedAt !== null || other === undefined
    ? Effect.void
    : Effect.fail(
        refused(
          `${formatAddress(record.document)} has live members of ${escapeText(other.owner!)}; nothing of it is touched`,
          "settle with that owner first: muster plan shows how",
        ),
      );
};

/** Never before the document vanished, however clocks differ: a wish of before means nothing. */
const timeOfWish = ({ orphanedAt }: DocumentRecord): Effect.Effect<string> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    new Date(Math.max(now, orphanedAt === null ? now : Date.parse(orphanedAt))).toISOString(),
  );

const remember = Effect.fnUntraced(function* (
  { owner, store }: Records,
  { document }: DocumentRecord,
  going: ReadonlyArray<MemberSighting>,
  who: Person,
) {
  if (going.length === 0) return;
  const ids = going.map(({ id }) => id);
  yield* store.commit({
    owner,
    puts: ids.map((id): StoreRecord => ({ _tag: "Destruction", document, id, ...who })),
    audit: [
      noteOf({
        ...who,
        owner,
        action: "destroy",
        document: formatAddress(document),
        targets: ids,
        digest: consentDigest(ids),
      }),
    ],
  });
});

/** What a person calls next, on the same records. */
const callsOf = (
  { document }: DocumentRecord,
  flags: RecordFlags & { readonly group: Option.Option<string> },
): Calls => {
  const words = recordWords(flags);
  const which = Option.isSome(flags.group) ? ` --group ${shellWord(flags.group.value)}` : "";
  return {
    confirm: `muster destroy ${formatAddress(document)}${which} --confirm --reason TEXT${words}`,
    carryOut: Option.isSome(flags.repo)
      ? `muster run${words} --once`
      : `muster apply ${shellWord(flags.file)}${recordWords({ ...flags, file: "." })}`,
  };
};
