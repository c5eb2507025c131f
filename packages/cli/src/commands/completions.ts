// `muster completions`: the script that lets a shell complete commands, flags and their choices.

import * as Effect from "effect/Effect";
import * as Argument from "effect/cli/Argument";
import * as Command from "effect/cli/Command";
import * as Completions from "effect/cli/Completions";
import * as Flag from "effect/cli/Flag";
import { Out } from "../screen/out.ts";

const shell = Argument.Literals("shell", ["bash", "zsh", "fish"]).pipe(
  Argument.withDescription("The shell that will read the script"),
);

export type Programs = Readonly<Record<"muster" | "fleetctl" | "fleetroll", Command.Command.Any>>;

const program = Flag.Literals("program", ["muster", "fleetctl", "fleetroll"]).pipe(
  Flag.withDescription("The program that is completed"),
  Flag.withDefault("muster" as const),
);

/** Completes the whole command line, which holds this command: so they are handed over late. */
export const completionsOf = (roots: () => Programs) =>
  Command.make(
    "completions",
    { shell, program },
    Effect.fn("completions")(function* (asked) {
      const out = yield* Out;
      const command = roots()[asked.program];
      const tree = withPaths(Completions.fromCommand(command));
      yield* out.result(Completions.generate(command.name, asked.shell, tree));
    }),
  ).pipe(
    Command.withDescription(
      "Print a script that lets a shell complete commands, flags and their choices. It is made from the commands of this version: print it again after an update.",
    ),
    Command.withShortDescription("Completion for a shell"),
    Command.withExamples([
      {
        command: "muster completions bash > ~/.local/share/bash-completion/completions/muster",
        description: "For bash, where bash-completion is installed",
      },
      {
        command: "muster completions fish > ~/.config/fish/completions/muster.fish",
        description: "For fish",
      },
      {
        command:
          "muster completions bash --program fleetctl > ~/.local/share/bash-completion/completions/fleetctl",
        description: "For fleetctl",
      },
    ]),
  );

/** What names files and folders: the commands take these as text, and check them themselves. */
const pathNames = new Set([
  "path",
  "folder",
  "file",
  "out",
  "plan",
  "config",
  "state",
  "journal",
  "scenario",
  "allowed-signers",
  "allowed-keyring",
  "ssh-known-hosts",
  "ssh-key",
  "ssh-config",
  "from-file",
]);

type Tree = Completions.CommandDescriptor;

const anyPath = { _tag: "Path", pathType: "either" } as const;

/** Without this a shell that completes muster would no longer complete the files that it takes. */
const withPaths = (command: Tree): Tree => {
  const onePath = <P extends { readonly name: string; readonly type: { readonly _tag: string } }>(
    part: P,
  ) =>
    part.type._tag === "String" && pathNames.has(part.name) ? { ...part, type: anyPath } : part;
  return {
    ...command,
    flags: command.flags.map(onePath),
    arguments: command.arguments.map(onePath),
    subcommands: command.subcommands.map(withPaths),
  };
};
