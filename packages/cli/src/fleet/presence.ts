// Tells whether a daemon keeps a fleet: a small file beside the ledger, with the process that wrote it.

import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import * as Schema from "effect/Schema";
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

/** A process of another machine cannot be asked: its note is believed. */
export const lookForDaemon = (fleet: Pick<Fleet, "ledger" | "document">): Effect.Effect<Presence> =>
  Effect.promise(() => readFile(fileOf(fleet), "utf8").catch(() => "")).pipe(
    Effect.map((text) => Option.getOrNull(Schema.decodeUnknownOption(Note)(text))),
    Effect.map((note) =>
      note === null || (note.host === hostname() && !isAlive(note.pid))
        ? nobody
        : { running: true, holder: `process ${note.pid} on ${note.host}` },
    ),
  );
