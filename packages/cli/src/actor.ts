// Decides who acts: the account as the system knows it, and beside it the name that is claimed.

import { hostname, userInfo } from "node:os";
import * as Result from "effect/Result";
import type { AuditDraft } from "@muster/core";
import { actorName } from "./settings.ts";

export const actorOf = (
  env: Readonly<Record<string, string | undefined>>,
): AuditDraft["actor"] => ({ verified: accountName(), claimed: actorName(env) });

/** Whatever the environment says; nothing where the system has no such account. */
const accountName = (): string | null =>
  Result.match(
    Result.try(() => userInfo()),
    {
      onSuccess: ({ username, uid }) =>
        `${username}@${hostname()}${uid >= 0 ? ` (uid ${uid})` : ""}`,
      onFailure: () => null,
    },
  );
