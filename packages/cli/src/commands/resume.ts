// `muster resume`: ends a person's suspension of a fleet before its time.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import {
  canonicalJson,
  type DocumentRecord,
  escapeText,
  formatAddress,
  recordKey,
  type SuspensionRecord,
} from "@muster/core";
import { hasEnded } from "@muster/core/plan/suspension";
import * as Flags from "../flags.ts";
import { fleetName, knownFleet, type KnownFleet } from "../known-fleet.ts";
import { checkReason, noteOf, openRecords, recordFlags } from "../records.ts";
import { Out } from "../screen/out.ts";
import { actorName } from "../settings.ts";

const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why; it stands in the audit"),
  Flag.withMetavar("TEXT"),
  Flag.withDefault("resumed"),
);

export const resume = Command.make(
  "resume",
  { ...recordFlags, fleet: fleetName, reason, output: Flags.output },
  Effect.fn("resume")(function* (flags) {
    const screen = yield* Out;
    yield* checkReason(flags.reason);
    const now = yield* Clock.currentTimeMillis;
    const by = actorName(screen.env);
    const at = new Date(now).toISOString();
    const { place, fleet, ended } = yield* Effect.scoped(
      Effect.gen(function* () {
        const opened = yield* openRecords(flags, "write");
        const { store, owner } = opened;
        const known = yield* knownFleet(opened, flags.fleet);
        const lifted = suspensionsOf(known);
        if (lifted.length > 0) {
          yield* store.commit({
            owner,
            deletes: lifted.map(recordKey),
            audit: [
              noteOf({
                owner,
                by,
                at,
                action: "resume",
                reason: flags.reason,
                document: formatAddress(known.record.document),
                parameters: { until: lifted.map((one) => one.until) },
              }),
            ],
          });
        }
        return { place: store.place, fleet: known.record, ended: lifted };
      }),
    );
    const inForce = ended.filter((one) => !hasEnded(one, now));
    const own = ownSuspension(fleet, now);
    const name = formatAddress(fleet.document);
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson({
            document: name,
            resumed: inForce.length > 0,
            until: inForce[0]?.until ?? null,
            suspendedByDocument: own?.until ?? null,
            by,
            at,
            reason: flags.reason,
            store: place,
          })
        : [
            ...(inForce.length === 0
              ? [`no record suspends ${name}; there is nothing to resume`]
              : inForce.map(
                  (one) =>
                    `resumed ${name}, which ${escapeText(one.by)} suspended until ${escapeText(one.until)}`,
                )),
            own === undefined
              ? `  looked up in ${place}; the next apply or run goes on with it`
              : `  its own document keeps it as it is until ${escapeText(own.until)}: take spec.suspend out of it to go on sooner`,
          ].join("\n"),
    );
  }),
).pipe(
  Command.withDescription(
    "End a suspension before its time. The next apply or run goes on with the fleet. What the document itself says (spec.suspend) ends when it is taken out of the document.",
  ),
  Command.withShortDescription("Go on with a suspended fleet"),
  Command.withExamples([
    { command: "muster resume web", description: "A fleet of the current folder" },
    {
      command:
        "muster resume FleetConfig/web --reason 'the fair is over' --repo https://git.example.com/team/fleets",
      description: "A fleet of the runner of that repository, on this machine",
    },
  ]),
);

/** Under the name that it had before, too: a suspension comes along with a rename. */
const suspensionsOf = ({
  record: { document, expansion },
  records,
}: KnownFleet): ReadonlyArray<SuspensionRecord> =>
  records.filter(
    (record): record is SuspensionRecord =>
      record._tag === "Suspension" &&
      record.document.kind === document.kind &&
      [document.name, expansion.previousName].includes(record.document.name),
  );

const ownSuspension = ({ expansion, orphanedAt }: DocumentRecord, now: number) =>
  orphanedAt === null && expansion.suspend !== undefined && !hasEnded(expansion.suspend, now)
    ? expansion.suspend
    : undefined;
