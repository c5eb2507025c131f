// What a command does about faulty documents: tells them all, and ends before anything is asked.

import * as Effect from "effect/Effect";
import { compareDiagnostics, type Diagnostic, hasErrors, readDocuments } from "@muster/core";
import type { Local } from "../context.ts";
import { type CommandEnd, endWith } from "../exit.ts";
import { countFaults, viewDiagnostics } from "../screen/diagnostics-view.ts";
import { Out } from "../screen/out.ts";

/** Warnings are told and pass; errors end the command with code 1. */
export const refuseFaults = Effect.fnUntraced(function* (
  local: Local,
  output: "human" | "json",
): Effect.fn.Return<void, CommandEnd> {
  const kinds = local.plugins.flatMap((plugin) => plugin.kinds);
  const read = readDocuments(kinds, local.sources);
  const diagnostics = [...local.fileFaults, ...read.diagnostics].sort(compareDiagnostics);
  yield* tellFaults(diagnostics, local, output);
  if (hasErrors(diagnostics)) return yield* endWith(1);
});

const tellFaults = Effect.fnUntraced(function* (
  diagnostics: ReadonlyArray<Diagnostic>,
  local: Local,
  output: "human" | "json",
) {
  if (diagnostics.length === 0) return;
  const out = yield* Out;
  if (output === "json" && hasErrors(diagnostics)) {
    return yield* out.result(JSON.stringify({ diagnostics }));
  }
  yield* out.say(viewDiagnostics(diagnostics, local.sources, out.paintSaid));
  if (hasErrors(diagnostics)) {
    yield* out.say(
      out.paintSaid("red", `${countFaults(diagnostics)}; nothing was asked or changed`),
    );
  }
});
