// Opens the store that a command about records means: by place, by repository, or by local documents.

import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import * as Flag from "effect/cli/Flag";
import { realpath } from "node:fs/promises";
import {
  type AuditDraft,
  type DocumentAddress,
  formatAddress,
  sameAddress,
  shellWord,
  type StoreError,
  type StoreShape,
} from "@muster/core";
import { checkEnvironment, type GitError, ownerOf, resolveRepository } from "@muster/gitops-runner";
import { type StorePlace, withoutPassword } from "@muster/store-sql";
import { commandLineOwner } from "./context.ts";
import { type CommandEnd, wrongInput } from "./exit.ts";
import * as Flags from "./flags.ts";
import { Out } from "./screen/out.ts";
import { checkOwner, loadConfig, storePlace } from "./settings.ts";
import { Wiring } from "./wiring.ts";

export const recordFlags = {
  store: Flags.store,
  owner: Flags.owner,
  config: Flags.config,
  repo: Flag.String("repo").pipe(
    Flag.withDescription("The store of the runner of this config repository"),
    Flag.withMetavar("URL"),
    Flag.optional,
  ),
  env: Flag.String("env").pipe(
    Flag.withDescription("The runner's environment, with --repo"),
    Flag.withDefault("default"),
  ),
  file: Flag.String("file").pipe(
    Flag.withAlias("f"),
    Flag.withDescription("The documents whose store is meant; the current folder when not given"),
    Flag.withMetavar("PATH"),
    Flag.withDefault("."),
  ),
};

export interface RecordFlags {
  readonly store: Option.Option<string>;
  readonly owner: Option.Option<string>;
  readonly config: Option.Option<string>;
  readonly repo: Option.Option<string>;
  readonly env: string;
  readonly file: string;
}

export interface Records {
  readonly store: StoreShape;
  readonly owner: string;
}

export const openRecords = Effect.fnUntraced(function* (
  flags: RecordFlags,
  access: "read" | "write",
): Effect.fn.Return<Records, CommandEnd | GitError | StoreError, Scope.Scope> {
  const wiring = yield* Wiring;
  const { place, owner } = yield* placeOf(flags);
  const store = yield* wiring.openStore(place, access);
  return { store, owner };
});

/** Which store is meant, and whose records in it, without opening it. */
export const placeOf = Effect.fnUntraced(function* (
  flags: RecordFlags,
): Effect.fn.Return<{ readonly place: StorePlace; readonly owner: string }, CommandEnd | GitError> {
  const { env } = yield* Out;
  const config = yield* loadConfig(flags.config, env);
  const { key, owner: usual } = yield* whose(flags);
  const owner = yield* checkOwner(Option.getOrUndefined(flags.owner) ?? config.owner ?? usual);
  return { place: yield* storePlace(flags.store, config, env, key), owner };
});

/** The flags again, as another command on the same records needs them; empty when none was given. */
export const recordWords = (flags: RecordFlags): string => {
  const said = (name: string, value: Option.Option<string>) =>
    Option.isSome(value) ? ` --${name} ${shellWord(value.value)}` : "";
  return [
    said("repo", flags.repo),
    Option.isSome(flags.repo) && flags.env !== "default" ? ` --env ${shellWord(flags.env)}` : "",
    Option.isNone(flags.repo) && flags.file !== "." ? ` --file ${shellWord(flags.file)}` : "",
    // A password is never said again.
    said("store", Option.map(flags.store, withoutPassword)),
    said("owner", flags.owner),
    said("config", flags.config),
  ].join("");
};

const whose = Effect.fnUntraced(function* (flags: RecordFlags) {
  if (Option.isSome(flags.repo)) {
    const repository = yield* resolveRepository(flags.repo.value);
    const owner = ownerOf(repository, yield* checkEnvironment(flags.env));
    return { key: owner, owner };
  }
  const key = yield* Effect.tryPromise({
    try: () => realpath(flags.file),
    catch: () =>
      wrongInput(
        `${flags.file} is not there`,
        "name the documents with --file, or the runner's --repo",
      ),
  });
  return { key, owner: commandLineOwner };
});

/** A record without a reason tells its reader nothing. */
export const checkReason = (reason: string): Effect.Effect<string, CommandEnd> =>
  reason.trim() === ""
    ? Effect.fail(wrongInput("the reason is empty", "say why: --reason TEXT stands in the audit"))
    : Effect.succeed(reason);

/** What a person recorded goes into the audit like everything else. */
export const noteOf = (note: {
  readonly owner: string;
  readonly by: string;
  readonly at: string;
  readonly action: string;
  readonly reason: string;
  readonly document?: string;
  readonly targets?: ReadonlyArray<string>;
  readonly digest?: string;
  readonly parameters?: AuditDraft["parameters"];
}): AuditDraft => ({
  at: note.at,
  phase: "note",
  action: note.action,
  actor: { verified: null, claimed: note.by },
  owner: note.owner,
  run: "command",
  document: note.document ?? null,
  revision: null,
  plan: null,
  targets: note.targets ?? [],
  parameters: note.parameters ?? {},
  gates: [],
  forced: false,
  reason: { code: "PersonAsked", text: note.reason },
  approval: { mode: "command", by: note.by, digest: note.digest ?? null },
  outcome: null,
  follows: null,
});

/** A record in the wrong store is worse than none: the store must know the fleet. */
export const refuseUnknown = Effect.fnUntraced(function* (
  store: StoreShape,
  owner: string,
  document: DocumentAddress | null,
): Effect.fn.Return<void, CommandEnd | StoreError> {
  const records = yield* store.load(owner);
  const known = records.some(
    (record) =>
      record._tag === "Document" && (document === null || sameAddress(record.document, document)),
  );
  if (known) return;
  const what = document === null ? "any fleet" : formatAddress(document);
  return yield* wrongInput(
    `the store ${store.place} does not know ${what} of owner ${owner}`,
    "name the right store with --store, --repo or --file; a fleet is known after its first apply or run",
  );
});
