// A fleet that lives in a simulator whose time passes by requests, and what whole applies made of it.

import * as Effect from "effect/Effect";
import { makeMemoryStore } from "@muster/core/store/memory";
import type { Json } from "@muster/core/words/json";
import {
  type OciSimulator,
  type OciSimulatorOptions,
  virtualClock,
} from "@muster/testkit/oci/index";
import { countCalls, makeWorld } from "./fleet.ts";
import { turn, type Turn } from "./turn.ts";

/** A world without a fleet, and how to apply a count of `web`, or a whole spec, to it. */
export const open = (options: OciSimulatorOptions = {}) =>
  Effect.gen(function* () {
    const { simulator, handler, configFile } = yield* makeWorld({
      clock: virtualClock({ start: Date.now(), advancePerRequestMs: 100 }),
      launchDelayMs: 100,
      terminateDelayMs: 100,
      ...options,
    });
    const store = makeMemoryStore();
    const apply = (spec: Readonly<Record<string, Json>>, more: Partial<Turn> = {}) =>
      turn({ handler, store, spec, ...more });
    const scale = (count: number, more: Partial<Turn> = {}) =>
      apply({ instances: [{ name: "web", count }] }, more);
    return { simulator, handler, configFile, store, apply, scale };
  });

/** The names of those that run, sorted. */
export const running = (simulator: OciSimulator): ReadonlyArray<string> =>
  simulator
    .instances()
    .filter(({ lifecycleState }) => lifecycleState === "RUNNING")
    .map(({ freeformTags }) => freeformTags["muster-member"] ?? "")
    .sort();

/** How often each operation was asked for from here on. */
export const countFromHere = (simulator: OciSimulator) => {
  const before = countCalls(simulator);
  return (operation: string): number =>
    (countCalls(simulator)[operation] ?? 0) - (before[operation] ?? 0);
};

/** Launches and terminations that were accepted, in their order, such as `+web-1.1`. */
export const steps = (simulator: OciSimulator): ReadonlyArray<string> =>
  simulator
    .journal()
    .map(
      ({ operation, freeformTags }) =>
        `${operation === "LaunchInstance" ? "+" : "-"}${freeformTags["muster-member"] ?? ""}`,
    );
