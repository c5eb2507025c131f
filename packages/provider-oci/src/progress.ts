// Decides how far an accepted change has come: the work request's word first, the instance's last.

import * as Effect from "effect/Effect";
import { ProviderError, type Accepted, type Progress } from "@muster/core/words/provider";
import { escapeText } from "@muster/core/words/quote";
import type { OciApi, OciInstance, WorkRequest } from "./api.ts";
import { saysExhausted } from "./errors.ts";
import { isDead, phaseOf, sightingOf } from "./sighting.ts";

/**
 * Whether a launch has come to an end. Done with a dead member when it failed; fails with
 * `Exhausted` when it failed for want of capacity, limit or quota.
 */
export const createdProgress = (
  api: OciApi,
  accepted: Accepted,
): Effect.Effect<Progress, ProviderError> =>
  Effect.gen(function* () {
    // Reading work requests may be forbidden; then only the instance can tell.
    const work = accepted.operation === null ? null : yield* api.getWorkRequest(accepted.operation);
    if (work === null) return ofInstance(yield* api.getInstance(accepted.id), null);
    if (!hasEnded(work)) return pending(sayWork(work));
    const instance = yield* api.getInstance(accepted.id);
    if (work.status === "SUCCEEDED") return ofInstance(instance, work);
    if (instance === null || isDead(phaseOf(instance.lifecycleState))) {
      yield* failWhenExhausted(api, accepted.operation ?? "");
    }
    return ofInstance(instance, work);
  });

const hasEnded = (work: WorkRequest): boolean =>
  work.status === "SUCCEEDED" || work.status === "FAILED" || work.status === "CANCELED";

const ofInstance = (instance: OciInstance | null, ended: WorkRequest | null): Progress => {
  if (instance === null) {
    // Shortly after a launch an instance may not be found yet.
    return ended === null ? pending("not visible yet") : { done: true, member: null };
  }
  const member = sightingOf(instance);
  if (member.phase === "running" || isDead(member.phase)) return { done: true, member };
  return pending(instance.lifecycleState);
};

const sayWork = (work: WorkRequest): string =>
  `${work.status} ${Math.floor(work.percentComplete)}%`;

const failWhenExhausted = (
  api: OciApi,
  workRequestId: string,
): Effect.Effect<void, ProviderError> =>
  Effect.flatMap(api.listWorkRequestErrors(workRequestId), (faults) => {
    const fault = faults.find(({ code, message }) => saysExhausted(code, message));
    if (fault === undefined) return Effect.void;
    return Effect.fail(
      new ProviderError({
        reason: "Exhausted",
        operation: "LaunchInstance",
        message:
          `${escapeText(fault.code)}: ${escapeText(fault.message, 600)} ` +
          `(work request ${workRequestId})`,
        remedy:
          "choose another availability domain or shape, raise limit or quota, or lower the count",
      }),
    );
  });

/** Whether a termination has come to its end. */
export const removedProgress = (
  api: OciApi,
  accepted: Accepted,
): Effect.Effect<Progress, ProviderError> =>
  Effect.map(api.getInstance(accepted.id), (instance) => {
    if (instance === null) return { done: true, member: null };
    const member = sightingOf(instance);
    return member.phase === "gone" ? { done: true, member } : pending(instance.lifecycleState);
  });

const pending = (detail: string): Progress => ({ done: false, detail });
