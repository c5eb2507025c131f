// Tells whether a daemon keeps a fleet: a small file beside the ledger, with the process that wrote it.

import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { shellWord } from "@muster/core";
import { FleetBusy, FleetFailed } from "@muster/sdk/fleet-contract";
import { isAlive } from "./lease.ts";
import type { Fleet } from "./opened.ts";

export interface Presence {
  readonly running: boolean;
  /** Who it is, when it runs. */
  readonly holder: string | null;
}

const nobody: Presence = { running: false, holder: null };

const Note = Schema.fromJsonString(Schema.Struct({ host: Schema.String, pid: Schema.Int }));

const fileOf = (fleet: Pick<Fleet, "ledger" | "document">): string =>
  path.join(path.dirname(fleet.ledger), `.${fleet.document.name}.state.daemon`);

/**
 * A process of another machine cannot be asked: its note is believed. A note with our own number is
 * of a process before us: in a container each bears the same one.
 */
export const lookForDaemon = (fleet: Pick<Fleet, "ledger" | "document">): Effect.Effect<Presence> =>
  Effect.promise(() => readFile(fileOf(fleet), "utf8").catch(() => "")).pipe(
    Effect.map((text) => Option.getOrNull(Schema.decodeUnknownOption(Note)(text))),
    Effect.map((note) =>
      note === null || (note.host === hostname() && !isAnother(note.pid))
        ? nobody
        : { running: true, holder: `process ${note.pid} on ${note.host}` },
    ),
  );

const isAnother = (pid: number): boolean => pid !== process.pid && isAlive(pid);

/** Says that a daemon keeps this fleet, until the scope closes. Refuses a second one. */
export const announceDaemon = Effect.fnUntraced(function* (
  fleet: Fleet,
): Effect.fn.Return<void, FleetFailed | FleetBusy, Scope.Scope> {
  const file = fileOf(fleet);
  const { holder } = yield* lookForDaemon(fleet);
  if (holder !== null) return yield* keptBy(holder, file);
  const note = JSON.stringify({ host: hostname(), pid: process.pid });
  yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => writeFile(file, `${note}\n`, { mode: 0o600 }),
      catch: (error) =>
        new FleetFailed({
          reason: "Failed",
          message: `${file} cannot be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
          remedy: "make its folder writable, or name another place with --state",
        }),
    }),
    () => Effect.promise(() => rm(file, { force: true })),
  );
});

/** Unlike an operation a daemon does not end by itself, and one that was killed leaves its note. */
const keptBy = (holder: string, file: string): FleetBusy =>
  new FleetBusy({
    operation: "serve",
    holder,
    message: `another daemon keeps the fleet: ${holder}`,
    remedy: `stop that one first; when it is gone and only its note is left, remove the note: rm ${shellWord(file)}`,
  });
