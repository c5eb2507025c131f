// Reads the command line out of its definitions: what --help shows, and the defaults that it does not.

import * as NodeServices from "@effect/platform-node/NodeServices";
import * as Console from "effect/Console";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Option from "effect/Option";
import * as CliOutput from "effect/cli/CliOutput";
import * as Command from "effect/cli/Command";
import type * as HelpDoc from "effect/cli/HelpDoc";

/** A command as --help shows it. */
export interface CommandPage {
  /** `muster audit verify`. */
  readonly path: string;
  readonly help: HelpDoc.HelpDoc;
  /** What each flag means when nobody gives it; a flag that must be given is not in it. */
  readonly defaults: ReadonlyMap<string, Option.Option<unknown>>;
  readonly subcommands: ReadonlyArray<CommandPage>;
}

/** What effect/cli keeps in a command and does not say in its types; the exact version is pinned. */
interface Inside {
  readonly buildHelpDoc: (path: ReadonlyArray<string>) => HelpDoc.HelpDoc;
  readonly config: { readonly flags: ReadonlyArray<Param> };
}

interface Param {
  readonly _tag: string;
  readonly name?: string;
  readonly param?: Param;
  readonly parse: (given: {
    readonly flags: Readonly<Record<string, ReadonlyArray<string>>>;
    readonly arguments: ReadonlyArray<string>;
  }) => Effect.Effect<readonly [ReadonlyArray<string>, unknown], unknown>;
}

/** The flags that every command takes. */
export const globalFlags = async (
  root: Command.Command.Any,
): Promise<ReadonlyArray<HelpDoc.FlagDoc>> => {
  let seen: ReadonlyArray<HelpDoc.FlagDoc> = [];
  const formatter: CliOutput.Formatter = {
    ...CliOutput.defaultFormatter(),
    formatHelpDoc: (help) => {
      seen = help.globalFlags ?? [];
      return "";
    },
  };
  const command = root as Command.Command<string, object, object>;
  await Effect.runPromise(
    Command.runWith(command, { version: "" })(["--help"]).pipe(
      Effect.provide(CliOutput.layer(formatter)),
      Effect.provideService(Console.Console, { ...globalThis.console, log: () => undefined }),
      Effect.provide(NodeServices.layer),
    ),
  );
  return seen;
};

export const commandTree = (root: Command.Command.Any): Promise<CommandPage> =>
  Effect.runPromise(pageOf(root, [root.name]));

const pageOf = (
  command: Command.Command.Any,
  path: ReadonlyArray<string>,
): Effect.Effect<CommandPage> =>
  Effect.gen(function* () {
    const inside = command as unknown as Inside;
    const defaults = yield* Effect.forEach(inside.config.flags, defaultOf);
    const below = command.subcommands.flatMap((group) => group.commands);
    return {
      path: path.join(" "),
      help: inside.buildHelpDoc(path),
      defaults: new Map(defaults.flat()),
      subcommands: yield* Effect.forEach(
        below.filter((one) => !one.unlisted),
        (one) => pageOf(one, [...path, one.name]),
      ),
    };
  });

/** What a flag means when nobody gives it: asked of its own parser. */
const defaultOf = (flag: Param) =>
  Effect.map(
    Effect.exit(flag.parse({ flags: {}, arguments: [] })),
    (exit): ReadonlyArray<readonly [string, Option.Option<unknown>]> => {
      if (Exit.isFailure(exit)) return [];
      const [, value] = exit.value;
      const absent = Option.isOption(value) || Array.isArray(value);
      return [[nameOf(flag), absent ? Option.none() : Option.some(value)]];
    },
  );

const nameOf = (flag: Param): string => flag.name ?? (flag.param ? nameOf(flag.param) : "");
