// Decides what hosts are judged by: the operator's thresholds of drift, and the time.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Option from "effect/Option";
import { defaultDriftThresholds, type DriftThresholds } from "@muster/core/inventory/drift";
import type { MusterConfig } from "@muster/sdk";
import type { CommandEnd } from "../exit.ts";
import { Out } from "../screen/out.ts";
import { loadConfig } from "../settings.ts";
import type { Ground } from "./select.ts";

/** As the configuration says, and now. */
export const groundOf = Effect.fnUntraced(function* (flags: {
  readonly config: Option.Option<string>;
}): Effect.fn.Return<Ground, CommandEnd> {
  const { hosts } = yield* loadConfig(flags.config, (yield* Out).env);
  return { thresholds: thresholdsOf(hosts?.drift), now: yield* Clock.currentTimeMillis };
});

type HostsDrift = NonNullable<NonNullable<MusterConfig["hosts"]>["drift"]>;

/** What is not given is as usual; the configuration counts in seconds. */
const thresholdsOf = (given: HostsDrift = {}): DriftThresholds => {
  const usual = defaultDriftThresholds;
  return {
    unreachableLooks: given.unreachableLooks ?? usual.unreachableLooks,
    unreachableMillis: millisOf(given.unreachableSeconds) ?? usual.unreachableMillis,
    workerMillis: millisOf(given.workerSeconds) ?? usual.workerMillis,
    staleMillis: millisOf(given.staleSeconds) ?? usual.staleMillis,
  };
};

const millisOf = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : seconds * 1_000;
