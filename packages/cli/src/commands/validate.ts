// `muster validate`: are these documents right? Asks nobody but the files.

import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import { compareDiagnostics, type Diagnostic, hasErrors, readDocuments } from "@muster/core";
import { commandLineOwner, openLocal } from "../context.ts";
import { endWith } from "../exit.ts";
import * as Flags from "../flags.ts";
import { countFaults, viewDiagnostics } from "../screen/diagnostics-view.ts";
import { Out } from "../screen/out.ts";
import * as Option from "effect/Option";

export const validate = Command.make(
  "validate",
  { paths: Flags.paths, output: Flags.output, config: Flags.config },
  Effect.fn("validate")(function* (flags) {
    const out = yield* Out;
    const local = yield* openLocal(
      { ...flags, store: Option.none(), owner: Option.some(commandLineOwner) },
      "read",
    );
    const kinds = local.plugins.flatMap((plugin) => plugin.kinds);
    const read = readDocuments(kinds, local.sources);
    const diagnostics = [...local.fileFaults, ...read.diagnostics].sort(compareDiagnostics);
    if (flags.output === "json") {
      yield* out.result(JSON.stringify(asJson(read.documents.length, diagnostics)));
    } else {
      if (diagnostics.length > 0) {
        yield* out.say(viewDiagnostics(diagnostics, local.sources, out.paintSaid));
      }
      if (!hasErrors(diagnostics)) {
        const files = local.sources.length;
        yield* out.result(
          `${out.paint("green", "✓")} ${read.documents.length} ${read.documents.length === 1 ? "document" : "documents"} in ${files} ${files === 1 ? "file" : "files"} valid`,
        );
      }
    }
    if (!hasErrors(diagnostics)) return;
    if (flags.output === "human") yield* out.say(out.paintSaid("red", countFaults(diagnostics)));
    return yield* endWith(1);
  }),
).pipe(
  Command.withDescription(
    "Check documents: every fault at once, with its place and a hint. No request is sent anywhere.\n\nExit codes: 0 valid, 1 faults.",
  ),
  Command.withShortDescription("Check documents"),
  Command.withExamples([
    { command: "muster validate", description: "Check all documents below the current folder" },
    {
      command: "muster validate fleets/web.yaml -o json",
      description: "Faults as JSON, for editors and CI",
    },
  ]),
);

const asJson = (documents: number, diagnostics: ReadonlyArray<Diagnostic>) => ({
  valid: !hasErrors(diagnostics),
  documents,
  diagnostics,
});
