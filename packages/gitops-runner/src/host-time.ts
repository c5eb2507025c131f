// Asks the host of a repository for its time: leases are judged by the clocks of several machines.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { clockFinding, type Finding, unknownFinding } from "@muster/core/words/finding";
import type { Repository } from "./url.ts";

const timeoutMillis = 5_000;
const check = "clock of the git host";

/** Sends no credentials, and follows nothing. Never fails: a host that tells no time is a finding. */
export const examineGitClock = (repository: Repository): Effect.Effect<Finding> =>
  repository.scheme === "https"
    ? Effect.gen(function* () {
        const date = yield* dateOf(repository.url);
        const now = yield* Clock.currentTimeMillis;
        // A Date header tells whole seconds.
        return date === null
          ? unknownFinding(check, "it did not answer us directly, or told no time")
          : clockFinding(check, date + 500 - now);
      })
    : Effect.succeed(unknownFinding(check, "only a host that is reached by https tells its time"));

const dateOf = (url: string): Effect.Effect<number | null> =>
  Effect.promise(async (signal) => {
    try {
      const response = await fetch(url, {
        method: "HEAD",
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMillis)]),
      });
      const date = Date.parse(response.headers.get("date") ?? "");
      return Number.isNaN(date) ? null : date;
    } catch {
      return null;
    }
  });
