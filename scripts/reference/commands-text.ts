// Decides how the commands stand in docs/reference/commands.md.

import * as Option from "effect/Option";
import type * as HelpDoc from "effect/cli/HelpDoc";
import type { CommandPage } from "./command-tree.ts";
import { code, prose, row } from "./markdown.ts";

export const commandsText = (root: CommandPage, globals: ReadonlyArray<HelpDoc.FlagDoc>): string =>
  [...flatten(root).map(section), ofAll(globals)].join("\n\n");

const ofAll = (globals: ReadonlyArray<HelpDoc.FlagDoc>): string =>
  [
    "## Flags of every command\n",
    row(["", ""]),
    row(["---", "---"]),
    ...globals.map((flag) => row([spelled(flag), described(flag.description)])),
  ].join("\n");

const flatten = (page: CommandPage): ReadonlyArray<CommandPage> =>
  page.subcommands.flatMap((one) => (one.subcommands.length > 0 ? flatten(one) : [one]));

const section = (page: CommandPage): string =>
  [
    `## ${code(page.path)}`,
    prose(page.help.description),
    ["```text", page.help.usage, "```"].join("\n"),
    parameters(page),
    examples(page.help.examples ?? []),
  ]
    .filter((part) => part !== "")
    .join("\n\n");

const parameters = ({ help, defaults }: CommandPage): string => {
  const args = (help.args ?? []).map((arg) =>
    row([code(arg.name), arg.required ? "required" : "", described(arg.description)]),
  );
  const flags = help.flags.map((flag) =>
    row([spelled(flag), shown(defaults.get(flag.name)), described(flag.description)]),
  );
  if (args.length + flags.length === 0) return "";
  return [row(["", "default", ""]), row(["---", "---", "---"]), ...args, ...flags].join("\n");
};

const spelled = ({ name, aliases, type }: HelpDoc.FlagDoc): string => {
  const value = type === "boolean" ? "" : ` ${placeholders[type] ?? type}`;
  return [`--${name}`, ...aliases].map((one) => code(one + value)).join(", ");
};

/** A word for a value whose flag names none. */
const placeholders: Readonly<Record<string, string>> = {
  string: "TEXT",
  integer: "N",
  choice: "CHOICE",
};

/** A switch that is off says nothing. */
const shown = (value: Option.Option<unknown> | undefined): string => {
  if (value === undefined) return "required";
  return Option.isNone(value) || value.value === false ? "" : code(String(value.value));
};

const described = (text: Option.Option<string>): string => prose(Option.getOrElse(text, () => ""));

const examples = (given: ReadonlyArray<HelpDoc.ExampleDoc>): string =>
  given.length === 0
    ? ""
    : [
        "```sh sketch",
        given
          .map(({ command, description }) => `# ${description ?? command}\n${command}`)
          .join("\n\n"),
        "```",
      ].join("\n");
