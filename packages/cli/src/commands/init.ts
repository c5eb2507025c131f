// `muster init`: the skeleton of a config repository. Never overwrites.

import { access, mkdir, writeFile } from "node:fs/promises";
import * as path from "node:path";
import * as Effect from "effect/Effect";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import { canonicalJson, jsonSchemaOf } from "@muster/core";
import { wrongInput } from "../exit.ts";
import * as Flags from "../flags.ts";
import { skeleton } from "../skeleton.ts";
import { Out } from "../screen/out.ts";
import { Wiring } from "../wiring.ts";

const folder = Argument.String("folder").pipe(
  Argument.withDescription("Where the repository begins; made when it is not there"),
  Argument.withDefault("."),
);

export const init = Command.make(
  "init",
  { folder, output: Flags.output },
  Effect.fn("init")(function* (flags) {
    const screen = yield* Out;
    const wiring = yield* Wiring;
    const plugins = wiring.plugins({ by: "command line" }, screen.env);
    const kinds = plugins.flatMap((plugin) => plugin.kinds);
    const files: Array<{ readonly file: string; readonly made: boolean }> = [];
    for (const [name, text] of skeleton(jsonSchemaOf(kinds))) {
      const file = path.join(flags.folder, name);
      const made = yield* writeNew(file, text);
      files.push({ file, made });
      if (flags.output === "human") yield* screen.result(`${made ? "made" : "kept"}  ${file}`);
    }
    if (flags.output === "json") yield* screen.result(canonicalJson({ files }));
    yield* screen.say(
      [
        "next:",
        `  put your OCIDs into ${path.join(flags.folder, "fleets/web.yaml")}, or those of muster dev oci`,
        `  muster validate ${flags.folder}`,
        `  git -C ${flags.folder} init -b main && git -C ${flags.folder} add . && git -C ${flags.folder} commit -m 'Begin'`,
      ].join("\n"),
    );
  }),
).pipe(
  Command.withDescription(
    "Make the skeleton of a config repository: a first fleet with comments, a JSON Schema for editors, a README and a .gitignore. Files that are there stay as they are.",
  ),
  Command.withShortDescription("Begin a config repository"),
  Command.withExamples([
    { command: "muster init fleets-repo", description: "In a new folder" },
    { command: "muster init", description: "In the current folder" },
  ]),
);

/** Whether the file was new. */
const writeNew = (file: string, text: string) =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(path.dirname(file), { recursive: true });
      const there = await access(file).then(
        () => true,
        () => false,
      );
      if (!there) await writeFile(file, text, { flag: "wx" });
      return !there;
    },
    catch: (cause) =>
      wrongInput(
        `cannot write ${file}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
        "check the folder and its permissions",
      ),
  });
