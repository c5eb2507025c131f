// `muster adopt`: a person's wish that members without our mark become ours.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import { canonicalJson, formatAddress, type Plan, Store, type StoreRecord } from "@muster/core";
import { plan as planTurn } from "@muster/sdk";
import { openLocal, turnOf } from "../context.ts";
import { wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { checkReason, noteOf, openRecords, recordFlags, refuseUnknown } from "../records.ts";
import { Out } from "../screen/out.ts";
import { actorName } from "../settings.ts";
import { reason } from "./approve.ts";
import { refuseFaults } from "./faults.ts";

const name = Argument.String("document").pipe(
  Argument.withDescription("The name of the document whose members are meant"),
);

const from = Flag.String("from").pipe(
  Flag.withDescription(
    "Take members over from this owner; without it those that have none are meant",
  ),
  Flag.withMetavar("OWNER"),
  Flag.optional,
);

const group = Flag.String("group").pipe(
  Flag.withDescription("The group that they join; needed when the document has several"),
  Flag.optional,
);

export const adopt = Command.make(
  "adopt",
  { ...recordFlags, document: name, from, group, reason, output: Flags.output },
  Effect.fn("adopt")(function* (flags) {
    const screen = yield* Out;
    yield* checkReason(flags.reason);
    const local = yield* openLocal({ ...flags, paths: [flags.file] }, "write");
    yield* refuseFaults(local, flags.output);
    const by = actorName(screen.env);
    const at = new Date(yield* Clock.currentTimeMillis).toISOString();
    const adopted = yield* Effect.scoped(
      Effect.gen(function* () {
        const { store, owner } = yield* openRecords(flags, "write");
        const { plans } = yield* planTurn({ ...turnOf(local), owner, actor: by }).pipe(
          Effect.provideService(Store, store),
        );
        const found = yield* planOf(plans, flags.document);
        yield* refuseUnknown(store, owner, found.document);
        const wishes = yield* wishesFor(found, { ...flags, by, at });
        yield* store.commit({
          owner,
          puts: wishes,
          audit: [
            noteOf({
              owner,
              by,
              at,
              action: "adopt",
              reason: flags.reason,
              document: formatAddress(found.document),
              targets: wishes.map((wish) => wish.id),
            }),
          ],
        });
        return { place: store.place, document: formatAddress(found.document), wishes };
      }),
    );
    yield* screen.result(
      flags.output === "json"
        ? canonicalJson({
            document: adopted.document,
            from: Option.getOrNull(flags.from),
            members: adopted.wishes.map((wish) => ({ id: wish.id, group: wish.set })),
            by,
            at,
            reason: flags.reason,
            store: adopted.place,
          })
        : [
            ...adopted.wishes.map((wish) => `to adopt  ${wish.id}  into group ${wish.set}`),
            `recorded in ${adopted.place}; the next apply or run marks exactly these members`,
          ].join("\n"),
    );
  }),
).pipe(
  Command.withDescription(
    "Ask that members become ours: those with the fleet's tag but no owner, or with --from those of another owner. Exactly the members that are there now are recorded; the next apply or run marks them, on condition that they have not changed.",
  ),
  Command.withShortDescription("Take members over"),
  Command.withExamples([
    {
      command: "muster adopt web --reason 'made by hand before muster'",
      description: "Members without an owner",
    },
    {
      command: "muster adopt web --from cli --reason 'moving to git' --repo /srv/git/fleets.git",
      description: "From the command line's owner to the runner's",
    },
  ]),
);

const planOf = (plans: ReadonlyArray<Plan>, document: string) => {
  const found = plans.find((plan) => plan.document.name === document && !plan.orphaned);
  return found === undefined
    ? Effect.fail(wrongInput(`no document is called ${document}`, "name the documents with --file"))
    : Effect.succeed(found);
};

interface Wish {
  readonly from: Option.Option<string>;
  readonly group: Option.Option<string>;
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

const wishesFor = Effect.fnUntraced(function* (plan: Plan, wish: Wish) {
  const groups = plan.groups;
  const set = Option.getOrUndefined(wish.group) ?? (groups.length === 1 ? groups[0]! : undefined);
  if (set === undefined || !groups.includes(set)) {
    return yield* wrongInput(`say which group they join: ${groups.join(", ")}`, "add --group NAME");
  }
  const owner = Option.getOrNull(wish.from);
  const meant = plan.outside.filter((outsider) =>
    owner === null ? outsider.why === "unowned" : outsider.owner === owner,
  );
  if (meant.length === 0) {
    return yield* wrongInput(
      owner === null ? "no member waits for adoption" : `no member belongs to ${owner}`,
      "muster plan shows who stands outside",
    );
  }
  return meant.map((outsider): Extract<StoreRecord, { readonly _tag: "Adoption" }> => ({
    _tag: "Adoption",
    document: plan.document,
    id: outsider.id,
    from: owner,
    set,
    by: wish.by,
    reason: wish.reason,
    at: wish.at,
  }));
});
