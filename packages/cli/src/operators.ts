// Decides who may change the inventory of hosts: whom the operator's configuration names, by the system's own word.

import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { escapeText } from "@muster/core";
import type { OperatorsConfig } from "@muster/sdk";
import { CommandEnd } from "./exit.ts";

/** As the system knows it, whatever the environment says. */
export interface Account {
  /** Nothing where the system has no such account. */
  readonly user: string | null;
  readonly groups: ReadonlyArray<string>;
}

/** Without a list everybody may; with one that names nobody, nobody may. */
export const mayWrite = (operators: OperatorsConfig | undefined, account: Account): boolean => {
  if (operators === undefined) return true;
  const { users = [], groups = [] } = operators;
  return (
    (account.user !== null && users.includes(account.user)) ||
    account.groups.some((group) => groups.includes(group))
  );
};

const refused = 5;

/** Fails for whoever is not in the list. */
export const checkOperator = Effect.fnUntraced(function* (
  operators: OperatorsConfig | undefined,
): Effect.fn.Return<void, CommandEnd> {
  if (operators === undefined) return;
  const account = yield* ownAccount;
  if (mayWrite(operators, account)) return;
  const who = account.user === null ? "this account" : `"${escapeText(account.user)}"`;
  return yield* new CommandEnd({
    code: refused,
    message: `${who} may not change the inventory`,
    remedy:
      "ask somebody in the list of operators of the configuration, or one of them to add you there; reading is open",
  });
});

/** By its place: a program of that name on somebody's PATH would be a claim. */
const idProgram = "/usr/bin/id";

/** Its groups come from the system's own command: Node knows them by number only. */
const ownAccount: Effect.Effect<Account> = Effect.map(
  Effect.promise(() =>
    promisify(execFile)(idProgram, ["-Gn"], { timeout: 5_000, maxBuffer: 65_536 }).then(
      ({ stdout }) => stdout.split(/\s+/u).filter((group) => group !== ""),
      // Who cannot be told is in no group.
      () => [],
    ),
  ),
  (groups) => ({
    user: Result.getOrElse(
      Result.try(() => userInfo().username),
      () => null,
    ),
    groups,
  }),
);
