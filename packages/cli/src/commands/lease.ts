// `muster lease`: who may write now, and taking that right from a holder that hangs.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import * as path from "node:path";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Command from "effect/cli/Command";
import * as Flag from "effect/cli/Flag";
import {
  type AuditDraft,
  canonicalJson,
  type LeaseError,
  stealStoreLease,
  type StoreError,
  type StoreLease,
  type StoreShape,
} from "@muster/core";
import {
  checkEnvironment,
  type Git,
  type GitError,
  type GitLeaseLook,
  lookAtLease,
  openCache,
  resolveRepository,
  stealLease,
} from "@muster/gitops-runner";
import { type CommandEnd, endWith, wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { openKept } from "../kept.ts";
import { checkReason, noteOf, openRecords, type RecordFlags, recordFlags } from "../records.ts";
import { Asked } from "../screen/ask.ts";
import { leaseAsJson, type LeaseView, printLease, viewLease } from "../screen/lease-view.ts";
import { Out } from "../screen/out.ts";
import { actorName } from "../settings.ts";
import { Wiring } from "../wiring.ts";
import { reason } from "./approve.ts";
import { sshFiles } from "./run-settings.ts";
import { sshKey, sshKnownHosts } from "./run.ts";

const yes = Flag.Boolean("yes").pipe(
  Flag.withAlias("y"),
  Flag.withDescription("Do not ask; needed where nobody sits at a terminal"),
  Flag.withDefault(false),
);

const show = Command.make(
  "show",
  { ...recordFlags, sshKnownHosts, sshKey, output: Flags.output },
  Effect.fn("lease show")(function* (flags) {
    const screen = yield* Out;
    const seen = yield* Effect.scoped(
      Option.isSome(flags.repo)
        ? withGit(
            flags,
            Effect.map(seeBranch(flags.repo.value, flags.env), ({ view }) => view),
          )
        : Effect.map(seeRow(flags), ({ view }) => view),
    );
    const now = yield* Clock.currentTimeMillis;
    yield* screen.result(flags.output === "json" ? printLease(seen) : viewLease(seen, now));
    if (seen.state === "unreadable") return yield* endWith(5);
  }),
).pipe(
  Command.withDescription(
    "Say who holds the lease, under which version and until when. With --repo it is the branch muster/lease/<env> of that repository, which `muster run` works under; without it the lease in the store of the named documents, which `muster apply` works under.\n\nExit codes: 0 told, 2 cannot read it, 5 what stands there is no lease of muster.",
  ),
  Command.withShortDescription("Who may write now, and until when"),
  Command.withExamples([
    {
      command: "muster lease show --repo https://git.example.com/team/fleets --env prod",
      description: "The lease of a runner",
    },
    { command: "muster lease show -o json", description: "That of the current folder, as JSON" },
  ]),
);

const steal = Command.make(
  "steal",
  { ...recordFlags, sshKnownHosts, sshKey, reason, yes, output: Flags.output },
  Effect.fn("lease steal")(function* (flags) {
    yield* checkReason(flags.reason);
    yield* Effect.scoped(
      Option.isSome(flags.repo)
        ? withGit(flags, stealBranch(flags, flags.repo.value))
        : stealRow(flags),
    );
  }),
).pipe(
  Command.withDescription(
    "Take the lease from a holder that hangs, and give it back at once, so that the next run may claim it. Only exactly the claim that was seen is taken, by compare-and-set; its holder finds that out at its next push or check, and writes no more. A lease branch that holds something else than a lease is repaired by it. Reason, actor and version stand in the audit before it is done.\n\nStop the holder first when you can: what it has already asked of a provider still happens. A lease that is free needs no stealing.\n\nExit codes: 0 taken, or free already, 1 not confirmed, 2 another run was faster, or it cannot be reached.",
  ),
  Command.withShortDescription("Take the lease from a holder that hangs"),
  Command.withExamples([
    {
      command:
        "muster lease steal --reason 'its machine was shut down' --repo https://git.example.com/team/fleets",
      description: "From a runner; asks first",
    },
    {
      command: "muster lease steal --reason 'hangs since noon' --yes",
      description: "From an apply on the current folder, without asking",
    },
  ]),
);

export const lease = Command.make("lease").pipe(
  Command.withDescription(
    "The right to write: one run at a time has it. It ends by itself when its holder does not renew it (120 s under `muster run`, 30 s under `muster apply`).",
  ),
  Command.withShortDescription("Who may write now; take that from a holder that hangs"),
  Command.withSubcommands([show, steal]),
  Command.withExamples([
    { command: "muster lease show", description: "Who works on the fleets of this folder" },
  ]),
);

type StealFlags = RecordFlags & {
  readonly reason: string;
  readonly yes: boolean;
  readonly output: "human" | "json";
};

const withGit = <A, E, R>(
  flags: Parameters<typeof sshFiles>[0],
  body: Effect.Effect<A, E, R | Git>,
) =>
  Effect.gen(function* () {
    const { env } = yield* Out;
    const wiring = yield* Wiring;
    return yield* Effect.provide(body, wiring.git({ ...env, ...sshFiles(flags) }));
  });

/** A folder of its own: the runner's copy must only ever move with the runner. */
const temporaryCache = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(path.join(tmpdir(), "muster-lease-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true, maxRetries: 3 })),
).pipe(Effect.tap(openCache));

const seeBranch = Effect.fnUntraced(function* (address: string, env: string) {
  const repository = yield* resolveRepository(address);
  const environment = yield* checkEnvironment(env);
  const place = { repository, environment, cache: yield* temporaryCache };
  const look = yield* lookAtLease(place);
  return { place, look, view: viewOfBranch(look, repository.normalised) };
});

const viewOfBranch = (look: GitLeaseLook, repository: string): LeaseView => ({
  kind: "git",
  place: `${look.branch} of ${repository}`,
  state: look.state === "absent" ? "never held" : look.state,
  ...("version" in look
    ? { version: look.version, holder: look.holder, until: look.until, movedAt: look.movedAt }
    : { version: null, holder: null, until: null, movedAt: null }),
  fault: look.state === "unreadable" ? look.fault : null,
});

const seeRow = Effect.fnUntraced(function* (flags: RecordFlags) {
  const { store, owner } = yield* openKept(flags);
  const row = yield* store.lease(owner);
  return { view: viewOfRow(store, row, yield* Clock.currentTimeMillis), row };
});

const viewOfRow = (store: StoreShape, row: StoreLease, now: number): LeaseView => ({
  kind: "store",
  place: store.place,
  state: row.version === 0 ? "never held" : row.expiresAt > now ? "held" : "free",
  version: row.version,
  holder: row.holder,
  // A lease that was given back expires before every clock.
  until: row.expiresAt > 0 ? row.expiresAt : null,
  movedAt: null,
  fault: null,
});

const stealBranch = Effect.fnUntraced(function* (flags: StealFlags, address: string) {
  const { env } = yield* Out;
  const { place, look, view } = yield* seeBranch(address, flags.env);
  if (look.state === "absent" || look.state === "free") return yield* tellFree(view, flags.output);
  yield* confirm(view, flags.yes);
  const { store, owner } = yield* openRecords(flags, "write");
  const holder = actorName(env);
  const { version } = yield* audited(
    { store, owner, by: holder, reason: flags.reason, view },
    stealLease({ ...place, holder }, look),
  );
  yield* tellStolen(view, version, store.place, flags);
});

const stealRow = Effect.fnUntraced(function* (flags: StealFlags) {
  const { env } = yield* Out;
  const { view, row } = yield* seeRow(flags);
  if (view.state !== "held") return yield* tellFree(view, flags.output);
  yield* confirm(view, flags.yes);
  const { store, owner } = yield* openRecords(flags, "write");
  const by = actorName(env);
  const holder = `${by} lease steal ${crypto.randomUUID()}`;
  const { version } = yield* audited(
    { store, owner, by, reason: flags.reason, view },
    stealStoreLease({ store, owner, holder }, row),
  );
  yield* tellStolen(view, version, store.place, flags);
});

const tellFree = Effect.fnUntraced(function* (view: LeaseView, output: "human" | "json") {
  const screen = yield* Out;
  const now = yield* Clock.currentTimeMillis;
  yield* screen.result(
    output === "json"
      ? canonicalJson({ stolen: false, ...leaseAsJson(view) })
      : `${viewLease(view, now)}\nnothing to steal: the next run claims it`,
  );
});

const tellStolen = Effect.fnUntraced(function* (
  view: LeaseView,
  version: number,
  noted: string,
  flags: StealFlags,
) {
  const screen = yield* Out;
  yield* screen.result(
    flags.output === "json"
      ? canonicalJson({
          stolen: true,
          from: leaseAsJson(view),
          version,
          reason: flags.reason,
          store: noted,
        })
      : `stolen and free: version ${version} of ${view.place}\n  noted in the audit of ${noted}; the next run claims it`,
  );
});

const confirm = Effect.fnUntraced(function* (
  view: LeaseView,
  already: boolean,
): Effect.fn.Return<void, CommandEnd> {
  if (already) return;
  const screen = yield* Out;
  const ask = yield* Asked;
  yield* screen.say(viewLease(view, yield* Clock.currentTimeMillis));
  const answer = yield* ask("Take this lease from its holder?");
  if (answer === true) return;
  return yield* answer === null
    ? wrongInput(
        "nobody sits at a terminal to confirm this",
        "look with: muster lease show; then add --yes",
      )
    : wrongInput("not confirmed; nothing was stolen", "answer y, or add --yes");
});

interface Theft {
  readonly store: StoreShape;
  readonly owner: string;
  readonly by: string;
  readonly reason: string;
  readonly view: LeaseView;
}

/** The intent is on disk before anything moves, and what came of it after. */
const audited = <
  A extends { readonly version: number },
  E extends GitError | StoreError | LeaseError,
  R,
>(
  theft: Theft,
  act: Effect.Effect<A, E, R>,
): Effect.Effect<A, E | StoreError, R> =>
  Effect.gen(function* () {
    yield* note(theft, { phase: "intent", outcome: null }, {});
    const taken = yield* Effect.tapError(act, (error) =>
      note(theft, { phase: "outcome", outcome: outcomeOf(error) }, { message: error.message }),
    );
    yield* note(theft, { phase: "outcome", outcome: "done" }, { version: taken.version });
    return taken;
  });

/** Without an answer nobody knows whether the branch moved. */
const outcomeOf = (error: GitError | StoreError | LeaseError): string =>
  error._tag === "GitError" && ["Unreachable", "TimedOut"].includes(error.reason)
    ? "unknown"
    : "failed";

const note = Effect.fnUntraced(function* (
  { store, owner, by, reason: why, view }: Theft,
  stage: Pick<AuditDraft, "phase" | "outcome">,
  found: AuditDraft["parameters"],
): Effect.fn.Return<void, StoreError> {
  const at = new Date(yield* Clock.currentTimeMillis).toISOString();
  const draft = noteOf({ owner, by, at, action: "steal lease", reason: why });
  yield* store.commit({
    owner,
    audit: [
      {
        ...draft,
        ...stage,
        parameters: {
          lease: view.place,
          from: view.version,
          holder: view.holder,
          ...found,
        },
      },
    ],
  });
});
