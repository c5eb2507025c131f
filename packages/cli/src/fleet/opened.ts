// Opens one fleet for the operations on it: its document, the places of its ledger and its store, plugins and owner.

import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Option from "effect/Option";
import type * as Scope from "effect/Scope";
import {
  type ConfigurationError,
  type Diagnostic,
  type Document,
  hasErrors,
  isSourceText,
  type Kind,
  openRegistry,
  type Pace,
  readDocuments,
  type SourceText,
  type StoreError,
  type StoreShape,
} from "@muster/core";
import type { Handlers } from "@muster/core/observe/observe";
import { expand } from "@muster/core/plan/plan";
import type { Expansion } from "@muster/core/words/set";
import type { StorePlace } from "@muster/store-sql";
import { commandLineOwner, pluginsOf } from "../context.ts";
import { type CommandEnd, endWith } from "../exit.ts";
import { readText } from "../files.ts";
import { countFaults, viewDiagnostics } from "../screen/diagnostics-view.ts";
import { Out } from "../screen/out.ts";
import { storeBeside } from "../own-store.ts";
import { actorName, checkOwner, loadConfig, saidStore } from "../settings.ts";
import { Wiring } from "../wiring.ts";
import type { FleetEvent } from "./event.ts";

export interface FleetFlags {
  /** The file of the document. */
  readonly file: string;
  /** The ledger; beside the document when not given. */
  readonly state: Option.Option<string>;
  readonly store: Option.Option<string>;
  readonly owner: Option.Option<string>;
  /** The operator's configuration. */
  readonly config: Option.Option<string>;
}

/** What a file asks for: exactly one fleet. */
export interface Asked {
  readonly source: SourceText;
  readonly document: Document;
  /** With the document's own numbers. */
  readonly expansion: Expansion;
}

/** A fleet that operations can be carried out on. */
export interface Fleet extends Asked {
  readonly kinds: ReadonlyArray<Kind>;
  readonly handlers: Handlers;
  readonly store: StoreShape;
  readonly owner: string;
  /** Who asks, for records and audit. */
  readonly by: string;
  readonly pace: Partial<Pace>;
  readonly leaseMillis: number | null;
  /** How long discovery may take to show what an operation did, in milliseconds. */
  readonly verifyMillis: number;
  readonly ledger: string;
  readonly tell: (event: FleetEvent) => Effect.Effect<void>;
}

/** Long enough for lists that lag, in milliseconds. */
const defaultVerifyMillis = 120_000;

/** Fails with the faults, told, when the file asks for no fleet, for several, or wrongly. */
export const openFleet = Effect.fnUntraced(function* (
  flags: FleetFlags,
  access: "read" | "write",
): Effect.fn.Return<Fleet, CommandEnd | StoreError | ConfigurationError, Scope.Scope> {
  const { env } = yield* Out;
  const wiring = yield* Wiring;
  const config = yield* loadConfig(flags.config, env);
  const plugins = pluginsOf(config, wiring.plugins({ by: "command line" }, env), wiring.decorate);
  const { kinds, handlers } = yield* openRegistry(plugins);
  const asked = yield* readFleet(flags.file, kinds);
  const ledger = ledgerOf(flags, asked.document.name);
  // One store for the daemon and every command: they find each other by it.
  const place: StorePlace = (yield* saidStore(flags.store, config, env)) ?? {
    _tag: "Sqlite",
    path: storeBeside(ledger, asked.document.name),
  };
  return {
    ...asked,
    kinds,
    handlers,
    store: yield* wiring.openStore(place, access),
    owner: yield* checkOwner(
      Option.getOrUndefined(flags.owner) ?? config.owner ?? commandLineOwner,
    ),
    by: actorName(env),
    pace: wiring.pace,
    leaseMillis: wiring.leaseMillis,
    verifyMillis: defaultVerifyMillis,
    ledger,
    tell: () => Effect.void,
  };
});

const ledgerOf = ({ file, state }: FleetFlags, name: string): string =>
  Option.getOrElse(state, () => path.join(path.dirname(file), `.${name}.state.json`));

/** Reads the document and tells what is wrong with it; nothing is asked or changed for that. */
export const readFleet = Effect.fnUntraced(function* (
  file: string,
  kinds: ReadonlyArray<Kind>,
): Effect.fn.Return<Asked, CommandEnd> {
  const read = askedIn(yield* readText(file), kinds);
  if ("document" in read) return read;
  const screen = yield* Out;
  yield* screen.say(viewDiagnostics(read.faults, read.sources, screen.paintSaid));
  yield* screen.say(
    screen.paintSaid("red", `${countFaults(read.faults)}; nothing was asked or changed`),
  );
  return yield* endWith(1);
});

export interface Faulty {
  readonly faults: ReadonlyArray<Diagnostic>;
  readonly sources: ReadonlyArray<SourceText>;
}

/** The one fleet that a text asks for, or all that is wrong with it. */
export const askedIn = (
  read: SourceText | Diagnostic,
  kinds: ReadonlyArray<Kind>,
): Asked | Faulty => {
  if (!isSourceText(read)) return { faults: [read], sources: [] };
  const sources = [read];
  const { documents, diagnostics } = readDocuments(kinds, sources);
  if (hasErrors(diagnostics)) return { faults: diagnostics, sources };
  const [document, second] = documents;
  if (document === undefined || second !== undefined) {
    return { faults: [notOne(read.file, documents.length)], sources };
  }
  return { source: read, document, expansion: expand(kinds, document) };
};

const notOne = (file: string, count: number): Diagnostic => ({
  file,
  line: 1,
  column: 1,
  severity: "error",
  summary: count === 0 ? "it asks for no fleet" : `it asks for ${count} fleets`,
  hint: "these commands are about one fleet: give each a file of its own, or use muster apply",
});
