// One call of OCI as one span and one measurement: its operation, its region, and how it ended.

import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import { attributes, metrics, spans } from "@muster/core/report/telemetry";
import { timed, traced } from "@muster/core/report/trace";
import { escapeText } from "@muster/core/words/quote";
import { type CallFailure, isAbsent, providerErrorOf } from "./errors.ts";

interface Call {
  /** As OCI calls it, such as `LaunchInstance`. */
  readonly operation: string;
  readonly region: string;
  readonly account: string;
}

/**
 * That the one thing that was asked for is not there is an answer; everything else that is no success
 * is a fault, such as a list that this account may not see.
 */
export const tracedCall =
  (call: Call) =>
  <A>(attempt: Effect.Effect<A, CallFailure>): Effect.Effect<A, CallFailure> =>
    attempt.pipe(
      timed(metrics.providerCalls, (exit) => ({
        [attributes.cloudProvider]: cloud,
        [attributes.operation]: call.operation,
        ...labelOf(call, exit),
      })),
      Effect.result,
      traced(`${spans.oci} ${call.operation}`, {
        kind: "client",
        attributes: {
          [attributes.cloudProvider]: cloud,
          [attributes.cloudRegion]: call.region,
          [attributes.operation]: call.operation,
        },
        tells: (result) =>
          result._tag === "Failure" && result.failure.status !== null
            ? { [attributes.httpStatus]: result.failure.status }
            : {},
        faultOf: (result) =>
          result._tag === "Success" || isAnswer(call, result.failure)
            ? null
            : {
                type: reasonOf(call, result.failure),
                message: escapeText(result.failure.message, 600),
              },
      }),
      Effect.flatMap(Effect.fromResult),
    );

/** What the conventions call it. */
const cloud = "oracle_cloud";

const isAnswer = ({ operation }: Call, failure: CallFailure): boolean =>
  isAbsent(failure) && (operation.startsWith("Get") || operation === "TerminateInstance");

const reasonOf = (call: Call, failure: CallFailure): string =>
  providerErrorOf(call, failure).reason;

const labelOf = <A>(call: Call, exit: Exit.Exit<A, CallFailure>): Record<string, string> => {
  if (Exit.isSuccess(exit)) return {};
  const error = Exit.findErrorOption(exit);
  if (error._tag === "None") return { [attributes.errorType]: "Interrupted" };
  return isAnswer(call, error.value) ? {} : { [attributes.errorType]: reasonOf(call, error.value) };
};
