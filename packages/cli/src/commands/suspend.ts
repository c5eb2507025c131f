// `muster suspend`: a person's word that a fleet stays as it is until a time.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import {
  canonicalJson,
  type DocumentRecord,
  escapeText,
  formatAddress,
  sameAddress,
  type SuspensionRecord,
} from "@muster/core";
import { hasEnded } from "@muster/core/plan/suspension";
import * as Flags from "../flags.ts";
import { fleetName, knownFleet, type KnownFleet } from "../known-fleet.ts";
import { checkReason, noteOf, openRecords, recordFlags, recordWords } from "../records.ts";
import { Out } from "../screen/out.ts";
import { actorName } from "../settings.ts";
import { longestDays, parseUntil } from "../until.ts";
import { reason } from "./approve.ts";

const until = Flag.String("until").pipe(
  Flag.withDescription(
    `When it ends by itself: a time such as 2026-08-01T18:00:00Z, or a duration such as 90m, 2h or 3d; at most ${longestDays} days`,
  ),
  Flag.withMetavar("TIME"),
);

export const suspend = Command.make(
  "suspend",
  { ...recordFlags, fleet: fleetName, reason, until, output: Flags.output },
  Effect.fn("suspend")(function* (flags) {
    const screen = yield* Out;
    yield* checkReason(flags.reason);
    const now = yield* Clock.currentTimeMillis;
    const end = new Date(yield* parseUntil(flags.until, now)).toISOString();
    const by = actorName(screen.env);
    const at = new Date(now).toISOString();
    const { place, fleet, before } = yield* Effect.scoped(
      Effect.gen(function* () {
        const opened = yield* openRecords(flags, "write");
        const { store, owner } = opened;
        const known = yield* knownFleet(opened, flags.fleet);
        const { document } = known.record;
        yield* store.commit({
          owner,
          puts: [{ _tag: "Suspension", document, by, reason: flags.reason, at, until: end }],
          audit: [
            noteOf({
              owner,
              by,
              at,
              action: "suspend",
              reason: flags.reason,
              document: formatAddress(document),
              parameters: { until: end },
            }),
          ],
        });
        return { place: store.place, fleet: known.record, before: suspensionOf(known, now) };
      }),
    );
    const name = formatAddress(fleet.document);
    const after = afterwards(fleet, Date.parse(end));
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson({
            document: name,
            until: end,
            after,
            replaced: before?.until ?? null,
            by,
            at,
            reason: flags.reason,
            store: place,
          })
        : [
            `suspended ${name} until ${end}`,
            ...(before === undefined
              ? []
              : [`  instead of until ${escapeText(before.until)}, by ${escapeText(before.by)}`]),
            `  recorded in ${place}; no change of it is begun until then, and what was begun goes on to its end`,
            `  then ${after}; sooner with: muster resume ${name}${recordWords(flags)}`,
          ].join("\n"),
    );
  }),
).pipe(
  Command.withDescription(
    "Leave a fleet as it is until a time, whatever its document asks for. The store is asked before every change, so a run that is under way begins nothing more; what was begun goes on to its end. It ends by itself; muster resume ends it sooner. Orphans can be suspended, too. A second suspension takes the place of the first.",
  ),
  Command.withShortDescription("Leave a fleet as it is until a time"),
  Command.withExamples([
    {
      command: "muster suspend web --until 2h --reason 'looking into errors'",
      description: "A fleet of the current folder",
    },
    {
      command:
        "muster suspend FleetConfig/web --until 2026-08-01T18:00:00Z --reason 'fair weekend' --repo https://git.example.com/team/fleets",
      description: "A fleet of the runner of that repository, on this machine",
    },
  ]),
);

/** The suspension that is in force, if one is. */
const suspensionOf = (
  { record: { document }, records }: KnownFleet,
  now: number,
): SuspensionRecord | undefined =>
  records.find(
    (record): record is SuspensionRecord =>
      record._tag === "Suspension" &&
      sameAddress(record.document, document) &&
      !hasEnded(record, now),
  );

/** What happens when it ends. */
const afterwards = ({ expansion, orphanedAt }: DocumentRecord, end: number): string => {
  const { suspend: own } = expansion;
  return orphanedAt === null && own !== undefined && !hasEnded(own, end)
    ? `its own document keeps it as it is until ${escapeText(own.until)}`
    : "the next apply or run goes on with it";
};
