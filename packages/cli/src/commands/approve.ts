// `muster approve`: a person's consent to exactly the removals, or to the commit, that muster refused.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { canonicalJson } from "@muster/core";
import { wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { checkReason, noteOf, openRecords, recordFlags, refuseUnknown } from "../records.ts";
import { Out } from "../screen/out.ts";
import { actorName } from "../settings.ts";

const digest = Argument.String("digest").pipe(
  Argument.withDescription(
    "What the refusal names: the digest of exactly the members to go, or the commit to accept",
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
    const at = new Date(yield* Clock.currentTimeMillis).toISOString();
    const place = yield* Effect.scoped(
      Effect.gen(function* () {
        const { store, owner } = yield* openRecords(flags, "write");
        yield* refuseUnknown(store, owner, null);
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
        return store.place;
      }),
    );
    const what = flags.digest.startsWith("sha256:") ? "removals" : "head";
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson({
            approved: flags.digest,
            what,
            by,
            at,
            reason: flags.reason,
            store: place,
          })
        : `approved ${flags.digest}\n  recorded in ${place}; ${consequences[what]}`,
    );
  }),
).pipe(
  Command.withDescription(
    "Consent to what muster refused. A digest (sha256:…) covers exactly the members that the refusal named, and no others: removals that nobody's number asked for. A full commit id accepts that head of the watched branch, though its history does not continue what was last acted on, or has too many commits to look at: the next run acts on it. That needs --repo, and --env when the run had one.",
  ),
  Command.withShortDescription("Consent to refused removals, or accept a refused head"),
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

const consequences = {
  removals: "the next apply or run removes exactly these members",
  head: "this head is accepted, and the next run acts on it",
} as const;
