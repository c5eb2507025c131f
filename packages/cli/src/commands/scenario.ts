// Reads the scenario of a simulator from a file; all its faults are told, and then nothing starts.

import * as Effect from "effect/Effect";
import { type Diagnostic, hasErrors, isSourceText, type SourceText } from "@muster/core";
import type { readScenario, Scenario } from "@muster/testkit/oci/index";
import { type CommandEnd, endWith, wrongInput } from "../exit.ts";
import { readText } from "../files.ts";
import { countFaults, viewDiagnostics } from "../screen/diagnostics-view.ts";
import { Out } from "../screen/out.ts";

/** Ends the command with code 1 when the file cannot be read or has faults. */
export const openScenario = Effect.fnUntraced(function* (
  file: string,
  output: "human" | "json",
  read: typeof readScenario,
): Effect.fn.Return<Scenario, CommandEnd> {
  const source = yield* readText(file).pipe(
    Effect.mapError((error) =>
      wrongInput(error.message ?? "", "check the path; examples/scenarios has some to begin with"),
    ),
  );
  if (!isSourceText(source)) return yield* refuse([source], [], output);
  const { value, diagnostics } = read(source);
  if (value === undefined || hasErrors(diagnostics)) {
    return yield* refuse(diagnostics, [source], output);
  }
  const out = yield* Out;
  if (diagnostics.length > 0) {
    yield* out.say(viewDiagnostics(diagnostics, [source], out.paintSaid));
  }
  return value;
});

const refuse = Effect.fnUntraced(function* (
  diagnostics: ReadonlyArray<Diagnostic>,
  sources: ReadonlyArray<SourceText>,
  output: "human" | "json",
): Effect.fn.Return<never, CommandEnd> {
  const out = yield* Out;
  if (output === "json") {
    yield* out.result(JSON.stringify({ diagnostics }));
  } else {
    yield* out.say(viewDiagnostics(diagnostics, sources, out.paintSaid));
    yield* out.say(
      out.paintSaid("red", `${countFaults(diagnostics)}; the simulator did not start`),
    );
  }
  return yield* endWith(1);
});
