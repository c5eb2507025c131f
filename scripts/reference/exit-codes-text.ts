// Decides how the exit codes stand in docs/reference/exit-codes.md: asked of what ends the process.

import * as Cause from "effect/Cause";
import * as Exit from "effect/Exit";
import { exitCodes, type Verdict } from "@muster/core";
import { teardown } from "../../packages/cli/src/exit.ts";
import type { CommandPage } from "./command-tree.ts";
import { code, prose, row } from "./markdown.ts";

interface Meaning {
  readonly what: string;
  readonly next: string;
}

/** A verdict that is added must be explained here, or nothing compiles. */
const verdicts: Readonly<Record<Verdict, Meaning>> = {
  done: { what: "done, or nothing to do", next: "" },
  "faulty documents": {
    what: "wrong arguments, configuration or documents; nothing was changed",
    next: "correct what the message names",
  },
  "infrastructure failed": {
    what: "a provider, the store, the lease or git failed",
    next: "the message says what to do; running it again is safe",
  },
  "changes waiting": {
    what: "changes wait (`plan --detailed-exitcode`), or members to destroy were shown",
    next: "look at what is shown, then apply it",
  },
  refused: {
    what: "refused by a guard or a gate, or the audit chain is broken",
    next: "each refusal names what a person can do",
  },
  "partly done": {
    what: "partly done, or a host did not do as it was told",
    next: "look at what is left, and run it again",
  },
  "outcome unknown": {
    what: "an answer was lost: something may have happened or not",
    next: "run it again: it looks first, and doubles nothing; after `converge host` or `reboot host` look at the host before",
  },
};

const others: ReadonlyArray<readonly [Exit.Exit<unknown, unknown>, Meaning]> = [
  [
    Exit.die("a defect"),
    { what: "internal error", next: "please report it, with what was printed" },
  ],
  [
    Exit.failCause(Cause.interrupt()),
    { what: "interrupted, by Control-C or a signal", next: "run it again when you like" },
  ],
];

/** What the process would answer. */
const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
  let answer = Number.NaN;
  teardown(exit, (given) => (answer = given));
  return answer;
};

export const exitCodesText = (root: CommandPage): string => {
  const known = Object.entries(verdicts).map(
    ([verdict, meaning]) => [exitCodes[verdict as Verdict], meaning] as const,
  );
  const rest = others.map(([exit, meaning]) => [codeOf(exit), meaning] as const);
  const rows = [...known, ...rest]
    .sort(([one], [other]) => one - other)
    .map(([number, { what, next }]) => row([String(number), what, next]));
  return [
    [row(["code", "means", "what to do"]), row(["---", "---", "---"]), ...rows].join("\n"),
    "## By command",
    [
      row(["command", "codes"]),
      row(["---", "---"]),
      ...flatten(root).flatMap(({ path, help }) => {
        const said = /Exit codes: (.*)/u.exec(help.description)?.[1];
        return said === undefined ? [] : [row([code(path), prose(said)])];
      }),
    ].join("\n"),
    "Every command answers 1 to wrong arguments, 3 to an internal error and 130 when it is interrupted.",
  ].join("\n\n");
};

const flatten = (page: CommandPage): ReadonlyArray<CommandPage> =>
  page.subcommands.flatMap((one) => (one.subcommands.length > 0 ? flatten(one) : [one]));
