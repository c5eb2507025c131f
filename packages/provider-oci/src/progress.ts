// Decides how far an accepted change has come: the list tells all that wait, the work request why.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import { ProviderError, type Accepted, type Progress } from "@muster/core/words/provider";
import { escapeText } from "@muster/core/words/quote";
import type { OciApi, OciInstance, WorkRequest, WorkRequestFault } from "./api.ts";
import type { Connection } from "./connections.ts";
import { saysExhausted } from "./errors.ts";
import { isDead, phaseOf, sightingOf } from "./sighting.ts";
import type { Listed, Waits } from "./waiting.ts";

export interface Awaited {
  readonly connection: Pick<Connection, "api" | "instances">;
  readonly compartmentId: string;
  readonly accepted: Accepted;
  readonly waits: Waits;
}

/**
 * Whether a launch has come to an end. All that wait share the list of their compartment; the work
 * request is read when the list shows the instance dead, and when it shows no end for long.
 *
 * Fails with `occupantDead` when its work request says that it ended in vain and the instance is
 * dead: with `Exhausted` when that was for want of capacity, limit or quota, else with `Conflict`.
 */
export const createdProgress = (awaited: Awaited): Effect.Effect<Progress, ProviderError> => {
  const { connection, accepted } = awaited;
  // What was found rather than launched just now may be dead, and a list that lags show it alive.
  if (accepted.operation === null) return createdByWork(connection.api, accepted);
  return lookInList(awaited, ({ instance, isDue }) => {
    const progress = ofInstance(instance);
    const isLost = instance === null || isDead(phaseOf(instance.lifecycleState));
    return isLost || (isDue && !progress.done)
      ? createdByWork(connection.api, accepted)
      : Effect.succeed(progress);
  });
};

/** Whether a termination has come to its end; done with a living member when it was given up. */
export const removedProgress = (awaited: Awaited): Effect.Effect<Progress, ProviderError> =>
  lookInList(awaited, ({ instance, isDue }) => {
    if (instance !== null && phaseOf(instance.lifecycleState) === "gone") {
      return Effect.succeed({ done: true, member: sightingOf(instance) } as const);
    }
    // What ended is listed for hours: who is not in the list may be new to it, or long forgotten.
    return instance === null || isDue
      ? removedByWork(awaited.connection.api, awaited.accepted, instance)
      : Effect.succeed(pending(instance.lifecycleState));
  });

interface Sight {
  readonly instance: OciInstance | null;
  readonly isDue: boolean;
}

const lookInList = (
  { connection, compartmentId, accepted, waits }: Awaited,
  judge: (sight: Sight) => Effect.Effect<Progress, ProviderError>,
): Effect.Effect<Progress, ProviderError> =>
  Effect.gen(function* () {
    const { id } = accepted;
    const asked = yield* Clock.currentTimeMillis;
    const wait = waits.of(id, asked);
    const list = yield* connection.instances(compartmentId, wait.maxAgeMillis(asked));
    const instance = list.find((one) => one.id === id) ?? null;
    const isDue = wait.isDue(listedAs(instance), yield* Clock.currentTimeMillis);
    const progress = yield* Effect.tapError(judge({ instance, isDue }), (error) =>
      Effect.sync(() => {
        if (error.occupantDead === true) waits.end(id);
      }),
    );
    if (progress.done) waits.end(id);
    return progress;
  });

const listedAs = (instance: OciInstance | null): Listed => {
  if (instance === null) return "absent";
  return isDead(phaseOf(instance.lifecycleState)) ? "leaving" : "living";
};

const createdByWork = (api: OciApi, accepted: Accepted): Effect.Effect<Progress, ProviderError> =>
  Effect.gen(function* () {
    // Reading work requests may be forbidden; then only the instance can tell.
    const work = accepted.operation === null ? null : yield* api.getWorkRequest(accepted.operation);
    if (work === null) return ofInstance(yield* api.getInstance(accepted.id));
    if (!hasEnded(work)) return pending(sayWork(work));
    const instance = yield* api.getInstance(accepted.id);
    const isLost = instance === null || isDead(phaseOf(instance.lifecycleState));
    if (isInVain(work) && isLost) return yield* whyInVain(api, accepted, work);
    return ofInstance(instance);
  });

const hasEnded = (work: WorkRequest): boolean =>
  work.status === "SUCCEEDED" || work.status === "FAILED" || work.status === "CANCELED";

const ofInstance = (instance: OciInstance | null): Progress => {
  // OCI says 404 of what is not there yet, and of what may not be read: neither is a death.
  if (instance === null) return notVisible;
  const member = sightingOf(instance);
  // A launch passes through no stop: what is stopped ran before, and somebody stopped it.
  if (member.phase === "running" || member.phase === "stopped" || isDead(member.phase)) {
    return { done: true, member };
  }
  return pending(instance.lifecycleState);
};

const sayWork = (work: WorkRequest): string =>
  `${work.status} ${Math.floor(work.percentComplete)}%`;

/** A launch that ended in vain: the work request's own errors say why, where they may be read. */
const whyInVain = (
  api: OciApi,
  { id, operation }: Accepted,
  work: WorkRequest,
): Effect.Effect<never, ProviderError> =>
  Effect.gen(function* () {
    const faults = yield* api.listWorkRequestErrors(operation ?? "");
    const exhausted = faults.find(({ code, message }) => saysExhausted(code, message));
    const why = sayFault(work, exhausted ?? faults[0]);
    return yield* new ProviderError({
      reason: exhausted === undefined ? "Conflict" : "Exhausted",
      operation: "LaunchInstance",
      message: `${id} died before it ran: ${why} (work request ${operation ?? ""})`,
      remedy: exhausted === undefined ? diedRemedy : exhaustedRemedy,
      occupantDead: true,
    });
  });

const exhaustedRemedy =
  "choose another availability domain or shape, raise limit or quota, or lower the count";
const diedRemedy =
  "the next run launches another in its place; if it ends the same way, look at the work request";

const sayFault = (work: WorkRequest, fault: WorkRequestFault | undefined): string =>
  fault === undefined
    ? `it ended ${escapeText(work.status)}, and no reason is given`
    : `${escapeText(fault.code)}: ${escapeText(fault.message, 600)}`;

const removedByWork = (
  api: OciApi,
  accepted: Accepted,
  listed: OciInstance | null,
): Effect.Effect<Progress, ProviderError> =>
  Effect.gen(function* () {
    const { id, operation } = accepted;
    // Asked first: its end is the older of the two sights, so a living instance was given up.
    const work = operation === null ? null : yield* api.getWorkRequest(operation);
    // A 404 may be a matter of rights: it is no end while the list shows the instance alive.
    const instance = (yield* api.getInstance(id)) ?? aliveOrNull(listed);
    if (instance === null) return { done: true, member: null };
    const member = sightingOf(instance);
    if (member.phase === "gone") return { done: true, member };
    if (operation === null || work === null || !isInVain(work) || member.phase === "leaving") {
      return pending(instance.lifecycleState);
    }
    const faults = yield* api.listWorkRequestErrors(operation);
    const why = sayFault(work, faults[0]);
    return {
      done: true,
      member,
      givenUp: `${id} was not removed: ${why} (work request ${operation})`,
    };
  });

const aliveOrNull = (listed: OciInstance | null): OciInstance | null =>
  listed === null || isDead(phaseOf(listed.lifecycleState)) ? null : listed;

const isInVain = ({ status }: WorkRequest): boolean => status === "FAILED" || status === "CANCELED";

const pending = (detail: string): Progress => ({ done: false, detail });

const notVisible = pending("not visible yet");
