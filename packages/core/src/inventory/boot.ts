// Decides what looks at a host that reboots show, and waits for the one that proves it.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type { HostObservation } from "../words/host.ts";
import type { Look } from "./history.ts";

/**
 * What one look shows, measured by the boot id of before:
 * - `rebooted`: it answers, with another boot id
 * - `same`: it answers, with that of before: not down yet, or never
 * - `untold`: it answers, and does not tell its boot id
 * - `other-key`: something answers in its place that shows another key, or a revoked one
 * - `silent`: it does not answer
 */
export type Sight =
  | { readonly kind: "rebooted"; readonly bootId: string }
  | { readonly kind: "same" | "untold" }
  | { readonly kind: "other-key" | "silent"; readonly message: string };

export const sightOf = (before: string, { contact, facts }: HostObservation): Sight => {
  const reason = contact?.reason ?? null;
  if (reason !== null) {
    const message = contact?.message ?? reason;
    return { kind: reason === "hostkey-changed" ? "other-key" : "silent", message };
  }
  const bootId = facts?.bootId ?? "";
  if (bootId === "") return { kind: "untold" };
  return bootId === before ? { kind: "same" } : { kind: "rebooted", bootId };
};

export interface BootWait<E, R> {
  readonly before: string;
  /** Over a new connection each time. */
  readonly look: Effect.Effect<Look, E, R>;
  /** From now, in milliseconds. */
  readonly timeoutMillis: number;
  /** From the end of a look to the next, in milliseconds. */
  readonly everyMillis: number;
  /** Told of each look that has ended; `millis` since the wait began. */
  readonly onSight: (sight: Sight, millis: number) => Effect.Effect<void>;
}

export interface Awaited {
  /** The last look, and what it shows. */
  readonly look: Look;
  readonly sight: Sight;
  readonly millis: number;
}

/**
 * Ends with another boot id, with another host key, or when the time is over: then no look begins
 * any more, and one that is under way is heard out, for only it tells how the host is now.
 */
export const awaitBoot = Effect.fnUntraced(function* <E, R>(
  wait: BootWait<E, R>,
): Effect.fn.Return<Awaited, E, R> {
  const begun = yield* Clock.currentTimeMillis;
  const since = Effect.map(Clock.currentTimeMillis, (now) => now - begun);
  for (;;) {
    const look = yield* wait.look;
    const sight = sightOf(wait.before, look.observation);
    const millis = yield* since;
    yield* wait.onSight(sight, millis);
    const left = wait.timeoutMillis - millis;
    if (sight.kind === "rebooted" || sight.kind === "other-key" || left <= 0) {
      return { look, sight, millis };
    }
    yield* Effect.sleep(Math.min(wait.everyMillis, left));
  }
});
