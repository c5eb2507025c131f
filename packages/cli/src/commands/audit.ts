// `muster audit verify`: is the audit chain whole, unaltered, and as long as it was?

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { type AuditEntry, type ChainFault, formatHead, verifyChain } from "@muster/core";
import { absentId } from "@muster/store-sql";
import { endWith, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { forEachEntry, noStore } from "../kept.ts";
import { Out } from "../screen/out.ts";
import { openRecords, recordFlags } from "../records.ts";

const expectedHead = Flag.String("head").pipe(
  Flag.withDescription(
    "A head that the chain must contain, as a status commit names it: only this shows that a chain was cut short",
  ),
  Flag.withMetavar("SEQ:HASH"),
  Flag.optional,
);

const verify = Command.make(
  "verify",
  { ...recordFlags, head: expectedHead, output: Flags.output },
  Effect.fn("audit verify")(function* (flags) {
    const screen = yield* Out;
    const expected = Option.isSome(flags.head) ? yield* parseHead(flags.head.value) : undefined;
    const found = yield* Effect.scoped(
      Effect.gen(function* () {
        const { store } = yield* openRecords(flags, "read");
        if (store.id === absentId) return yield* noStore(store.place);
        const entries: Array<AuditEntry> = [];
        yield* forEachEntry(store, (entry) => void entries.push(entry));
        return { store, entries, fault: verifyChain(entries, expected) };
      }),
    );
    const { store, entries, fault } = found;
    const last = entries.at(-1);
    const told = last === undefined ? "0:genesis" : formatHead(last);
    yield* screen.result(
      flags.output === "json"
        ? JSON.stringify({
            intact: fault === undefined,
            entries: entries.length,
            head: told,
            chain: store.id,
            fault: fault ?? null,
          })
        : view(store.place, entries.length, told, fault),
    );
    if (fault !== undefined) return yield* endWith(5);
  }),
).pipe(
  Command.withDescription(
    "Check the audit chain of a store: every entry sealed, none missing, none altered. Keep a head (each status commit names one) and give it with --head: a chain that was cut short is intact in itself.\n\nExit codes: 0 intact, 2 cannot read the store, 5 broken.",
  ),
  Command.withShortDescription("Check the audit chain"),
  Command.withExamples([
    { command: "muster audit verify", description: "The store of the current folder" },
    {
      command: "muster audit verify --repo https://git.example.com/team/fleets --head 42:sha256:…",
      description: "The store of a runner, against the head of a status commit",
    },
  ]),
);

export const audit = Command.make("audit").pipe(
  Command.withDescription("What was done, by whom, and whether the record of it is whole"),
  Command.withSubcommands([verify]),
  Command.withExamples([
    { command: "muster audit verify", description: "Check the store of the current folder" },
  ]),
);

const view = (place: string, entries: number, end: string, fault: ChainFault | undefined) =>
  fault === undefined
    ? `intact: ${entries} entries, head ${end}  (${place})`
    : `BROKEN at entry ${fault.seq}: ${fault.text}  (${place})`;

const parseHead = (text: string) => {
  const match = /^(0|[1-9][0-9]{0,15}):(genesis|sha256:[0-9a-f]{64})$/u.exec(text);
  return match === null
    ? Effect.fail(
        wrongInput(
          `${text} is no head of an audit chain`,
          "a head looks like 42:sha256:<64 hex digits>",
        ),
      )
    : Effect.succeed({ seq: Number(match[1]), hash: match[2]! });
};
