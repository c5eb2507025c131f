// Holds what counts as the fault of a call in what is measured of it.

import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Metric from "effect/Metric";
import type { CallFailure } from "../src/errors.ts";
import { tracedCall } from "../src/trace.ts";

const notFound: CallFailure = {
  status: 404,
  code: "NotAuthorizedOrNotFound",
  message: "Authorization failed or requested resource not found.",
  requestId: null,
  retryAfterMillis: null,
  clockAheadMillis: null,
  timedOutAfterMillis: null,
};

/** The reason under which a failed call of this operation is measured; nothing when it is none. */
const reasonOf = (operation: string) =>
  Effect.gen(function* () {
    const call = { operation, region: "us-phoenix-1", account: "profile X" };
    yield* Effect.ignore(tracedCall(call)(Effect.fail(notFound)));
    const [measured] = (yield* Metric.snapshot).filter(
      ({ attributes }) => attributes?.["muster.operation"] === operation,
    );
    return measured?.attributes?.["error.type"];
  }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()));

describe("a call that is answered with 404", () => {
  it.effect("is no fault where one thing was asked for, which is not there", () =>
    Effect.gen(function* () {
      for (const operation of ["GetInstance", "GetWorkRequest", "TerminateInstance"]) {
        assert.isUndefined(yield* reasonOf(operation), operation);
      }
    }),
  );

  it.effect("is a fault where the account may not do it", () =>
    Effect.gen(function* () {
      for (const operation of ["ListInstances", "LaunchInstance", "UpdateInstance"]) {
        assert.strictEqual(yield* reasonOf(operation), "Denied", operation);
      }
    }),
  );
});
