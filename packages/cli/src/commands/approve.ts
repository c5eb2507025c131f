// `muster approve`: a person's consent to exactly the removals, or to the commit, that muster refused.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { canonicalJson, type StoreRecord } from "@muster/core";
import { wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { checkReason, noteOf, openRecords, recordFlags, refuseUnknown } from "../records.ts";
import { Out } from "../screen/out.ts";
import { actorName } from "../settings.ts";

const digest = Argument.String("digest").pipe(
  Argument.withDescription(
    "What the refusal names: the digest of exactly the members to go, of the input to try again, or the commit to accept",
  ),
);

export const reason = Flag.String("reason").pipe(
  Flag.withDescription("Why; it stands in the audit"),
  Flag.withMetavar("TEXT"),
);

export const approve = Command.make(
  "approve",
  { ...recordFlags, digest, reason, output: Flags.output },
  Effect.fn("approve")(function* (flags) {
    const screen = yield* Out;
    if (!/^(?:sha256:[0-9a-f]{64}|[0-9a-f]{40})$/u.test(flags.digest)) {
      return yield* wrongInput(
        `${flags.digest} is neither a digest nor a full commit id`,
        "copy it from the refusal that muster plan or muster run shows",
      );
    }
    yield* checkReason(flags.reason);
    const by = actorName(screen.env);
    const now = yield* Clock.currentTimeMillis;
    const { store: place, ...said } = yield* Effect.scoped(
      Effect.gen(function* () {
        const { store, owner } = yield* openRecords(flags, "write");
        yield* refuseUnknown(store, owner, null);
        const quarantine = (yield* store.load(owner)).find(
          (record) => record._tag === "Quarantine" && record.inputDigest === flags.digest,
        );
        const at = new Date(laterThan(quarantine, now)).toISOString();
        yield* store.commit({
          owner,
          puts: [{ _tag: "Approval", digest: flags.digest, by, reason: flags.reason, at }],
          audit: [
            noteOf({
              owner,
              by,
              at,
              action: "approve",
              reason: flags.reason,
              digest: flags.digest,
            }),
          ],
        });
        const what = quarantine === undefined ? whatOf(flags.digest) : ("input" as const);
        return { store: store.place, what, at };
      }),
    );
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson({
            approved: flags.digest,
            ...said,
            by,
            reason: flags.reason,
            store: place,
          })
        : `approved ${flags.digest}\n  recorded in ${place}; ${consequences[said.what]}`,
    );
  }),
).pipe(
  Command.withDescription(
    "Consent to what muster refused. A digest (sha256:…) covers exactly the members that the refusal named, and no others: removals that nobody's number asked for; or the input in quarantine that is tried again as it is. A full commit id accepts that head of the watched branch, though its history does not continue what was last acted on, or has too many commits to look at: the next run acts on it. That needs --repo, and --env when the run had one.",
  ),
  Command.withShortDescription("Consent to refused removals, or accept a refused head or input"),
  Command.withExamples([
    {
      command: "muster approve sha256:… --reason 'left over from the test'",
      description: "For the fleets of the current folder",
    },
    {
      command:
        "muster approve sha256:… --reason 'twins' --repo https://git.example.com/team/fleets",
      description: "For the runner of that repository, on this machine",
    },
    {
      command:
        "muster approve 3f1c… --reason 'history was cleaned' --repo https://git.example.com/team/fleets",
      description: "Accept this head (the full commit id) of a rewritten branch",
    },
  ]),
);

const whatOf = (name: string): "removals" | "head" =>
  name.startsWith("sha256:") ? "removals" : "head";

/** Consent comes after what it is about, however the clocks of two machines differ. */
const laterThan = (record: StoreRecord | undefined, now: number): number =>
  record?._tag === "Quarantine" ? Math.max(now, Date.parse(record.at) + 1) : now;

const consequences = {
  input: "the next run tries again what was refused as invalid",
  removals: "the next apply or run removes exactly these members",
  head: "this head is accepted, and the next run acts on it",
} as const;
