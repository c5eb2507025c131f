// What the fleet daemon sends back: a body with its type, and errors that say why and what to do.

import * as Schema from "effect/Schema";
import { escapeText } from "@muster/core/words/quote";
import { FleetAnswer, type FleetBusy, type FleetFailed } from "@muster/sdk/fleet-contract";

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Why a request was not answered as asked, with the status that says so. */
export const statusOf = {
  /** The request or the document is wrong. */
  Invalid: 400,
  NoToken: 401,
  /** The name that the server was called by is none of its own. */
  UnknownHost: 403,
  /** A page of another origin asks. */
  ForeignOrigin: 403,
  NotFound: 404,
  WrongMethod: 405,
  /** Another operation runs. */
  Busy: 409,
  TooLarge: 413,
  WrongType: 415,
  /** A guard forbids it until a person consents. */
  Refused: 422,
  Internal: 500,
  /** The provider or the store did not do it. */
  Failed: 502,
  /** The daemon ends, or has no place left for a listener. */
  Unavailable: 503,
  TimedOut: 504,
} as const;

export type ErrorReason = keyof typeof statusOf;

const reasons = Object.keys(statusOf) as Array<ErrorReason>;

export const FleetError = Schema.Struct({
  error: Schema.Struct({
    reason: Schema.Literals(reasons),
    message: Schema.String,
    /** What a person can do. */
    remedy: Schema.String,
    /** What runs, when another operation does. */
    operation: Schema.optionalKey(Schema.String),
    /** Who runs it. */
    holder: Schema.optionalKey(Schema.String),
  }),
  /** How far an operation came that failed. */
  answer: Schema.optionalKey(FleetAnswer),
});
type FleetError = typeof FleetError.Type;

/** Longer texts of an error are cut, in characters. */
const textLimit = 4_000;

export const json = (
  body: unknown,
  more: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Reply => ({
  status: 200,
  type: "application/json",
  body: `${JSON.stringify(body)}\n`,
  ...more,
});

export const text = (body: string, status = 200): Reply => ({
  status,
  type: "text/plain; charset=utf-8",
  body,
});

export const refusal = (
  reason: ErrorReason,
  message: string,
  remedy: string,
  headers: Readonly<Record<string, string>> = {},
): Reply => errorReply({ error: { reason, message, remedy } }, headers);

export const busy = ({ operation, holder, message, remedy }: FleetBusy): Reply =>
  errorReply({
    error: { reason: "Busy", message, remedy, operation, holder: escapeText(holder, textLimit) },
  });

export const failed = ({ reason, message, remedy, answer }: FleetFailed): Reply =>
  errorReply({ error: { reason, message, remedy }, ...(answer === undefined ? {} : { answer }) });

const errorReply = (
  { error, ...rest }: FleetError,
  headers: Readonly<Record<string, string>> = {},
): Reply => {
  const message = escapeText(error.message, textLimit);
  const remedy = escapeText(error.remedy, textLimit);
  const body: FleetError = { error: { ...error, message, remedy }, ...rest };
  return json(body, { status: statusOf[error.reason], headers });
};

export const internal: Reply = refusal(
  "Internal",
  "something went wrong in the daemon itself",
  "look into its log, and try again",
);
