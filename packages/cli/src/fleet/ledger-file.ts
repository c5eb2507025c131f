// Writes the ledger beside the configuration: whole or not at all, readable by its owner alone, and only when it changed.

import { randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import type { StoreError } from "@muster/core";
import type { Unit } from "@muster/core/loop/look";
import { FleetFailed } from "@muster/sdk/fleet-contract";
import { isLedger, type Ledger, ledgerOf } from "./ledger.ts";
import type { Fleet } from "./opened.ts";

/** Entries of the audit that are looked through for what was terminated. */
const newest = 1_000;

/** The text that stands there; nothing when there is no such file. */
export const readLedger = (file: string): Effect.Effect<string | null, FleetFailed> =>
  Effect.tryPromise({
    try: () =>
      readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return null;
        throw error;
      }),
    catch: (error) => unwritable(file, error),
  });

/** Fails before an operation begins when its end could not be written down. */
export const checkLedger = (file: string): Effect.Effect<void, FleetFailed> =>
  Effect.flatMap(readLedger(file), (text) =>
    text === null || isLedger(text)
      ? Effect.void
      : Effect.fail(
          new FleetFailed({
            reason: "Invalid",
            message: `${file} is no ledger, and would be written over`,
            remedy: "name another file with --state, or move this one away",
          }),
        ),
  );

/**
 * Answers what a person should be told about it: once, when the file is made. Of a fleet that nobody
 * could look at the ledger of before stays.
 */
export const writeLedger = Effect.fnUntraced(function* (
  fleet: Fleet,
  unit: Unit,
): Effect.fn.Return<ReadonlyArray<string>, FleetFailed | StoreError> {
  if (!unit.plan.seen) return [];
  const { store, owner, ledger: file } = fleet;
  const head = yield* store.auditHead;
  const entries = yield* store.auditEntries(Math.max(0, head.seq - newest), newest);
  const ledger = ledgerOf({ unit, owner, store: store.place, entries });
  const text = `${JSON.stringify(ledger, null, 2)}\n`;
  const before = yield* readLedger(file);
  if (before === text) return [];
  yield* Effect.tryPromise({
    try: () => replace(file, text),
    catch: (error) => unwritable(file, error),
  });
  return before === null ? [ignoreHint(file, ledger)] : [];
});

const ignoreHint = (file: string, { fleet }: Ledger): string =>
  `the ledger is ${file}; keep it out of git: add .${fleet}.state.* to .gitignore`;

/** Written beside it under a name that nobody else has, made durable, and put in its place at once. */
const replace = async (file: string, text: string): Promise<void> => {
  const folder = path.dirname(file);
  const draft = path.join(
    folder,
    `.${path.basename(file)}.${randomBytes(8).toString("hex")}.draft`,
  );
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
};

const unwritable = (file: string, error: unknown): FleetFailed =>
  new FleetFailed({
    reason: "Failed",
    message: `the ledger ${file} cannot be kept: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
    remedy: "make its folder writable, or name another place with --state",
  });
