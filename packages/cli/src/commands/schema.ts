// `muster schema`: the JSON Schema of all kinds, for editors.

import * as Effect from "effect/Effect";
import * as Command from "effect/cli/Command";
import { jsonSchemaOf } from "@muster/core";
import { pluginsOf } from "../context.ts";
import * as Flags from "../flags.ts";
import { Out } from "../screen/out.ts";
import { loadConfig } from "../settings.ts";
import { Wiring } from "../wiring.ts";

export const schema = Command.make(
  "schema",
  // A schema is JSON for everybody: -o is taken as everywhere, and changes nothing.
  { config: Flags.config, output: Flags.output },
  Effect.fn("schema")(function* (flags) {
    const screen = yield* Out;
    const wiring = yield* Wiring;
    const config = yield* loadConfig(flags.config, screen.env);
    const plugins = pluginsOf(
      config,
      wiring.plugins({ by: "command line" }, screen.env),
      wiring.decorate,
    );
    const kinds = plugins.flatMap((plugin) => plugin.kinds);
    yield* screen.result(JSON.stringify(jsonSchemaOf(kinds), null, 2));
  }),
).pipe(
  Command.withDescription(
    "Print one JSON Schema (draft 2020-12) of all document kinds, for editors and CI.",
  ),
  Command.withShortDescription("JSON Schema for editors"),
  Command.withExamples([
    {
      command: "muster schema > .muster/schema.json",
      description:
        "Then begin a document with: # yaml-language-server: $schema=.muster/schema.json",
    },
  ]),
);
