// The endpoints of the fleet daemon, each once: what it takes, what it answers, and who answers it.

import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import * as Schema from "effect/Schema";
import { escapeText } from "@muster/core/words/quote";
import {
  FleetAnswer,
  type FleetBusy,
  type FleetControl,
  FleetControlStatus,
  type FleetFailed,
  FleetMetrics,
  RestartRequest,
  ScaleRequest,
} from "@muster/sdk/fleet-contract";
import { type HealthState, isAlive } from "../health.ts";
import { decodeBody } from "./body.ts";
import { busy, type ErrorReason, failed, json, type Reply, text } from "./reply.ts";
import { exposition, expositionType, wantsExposition } from "./series.ts";

/** What the endpoints are about. */
export interface Site {
  readonly control: FleetControl;
  readonly health?: Effect.Effect<HealthState>;
}

interface Described {
  readonly path: string;
  readonly summary: string;
  /** What is answered when all is well, by type of content. */
  readonly answers: Readonly<Record<string, Schema.Top>>;
  /** What may come instead, beside what may come anywhere. */
  readonly refusals: ReadonlyArray<ErrorReason>;
}

/** Answered at once, to GET and HEAD. */
export interface Reading extends Described {
  readonly _tag: "Reading";
  readonly read: (site: Site, accept: string | undefined) => Effect.Effect<Reply>;
}

/** Answered on and on, as things change. */
export interface Live extends Described {
  readonly _tag: "Live";
}

/** Carried out for who holds the token, and answered at its end. */
export interface Mutation extends Described {
  readonly _tag: "Mutation";
  readonly body: Schema.Top;
  /** Whether it cannot be done without a body. */
  readonly needsBody: boolean;
  readonly carryOut: (control: FleetControl, body: Buffer, by: string) => Effect.Effect<Reply>;
}

export type Endpoint = Reading | Live | Mutation;

const reading = (
  path: string,
  summary: string,
  answers: Described["answers"],
  read: Reading["read"],
  refusals: ReadonlyArray<ErrorReason> = [],
): Reading => ({ _tag: "Reading", path, summary, answers, refusals, read });

const mutation = <A>(
  path: string,
  summary: string,
  schema: Schema.Codec<A>,
  needsBody: boolean,
  act: (
    control: FleetControl,
    body: A,
    by: string,
  ) => Effect.Effect<FleetAnswer, FleetBusy | FleetFailed>,
): Mutation => ({
  _tag: "Mutation",
  path,
  summary,
  answers: { "application/json": FleetAnswer },
  refusals: [
    ...(["Invalid", "NoToken", "Busy", "TooLarge", "WrongType"] as const),
    ...(["Refused", "Failed", "Unavailable"] as const),
  ],
  body: schema,
  needsBody,
  carryOut: (control, body, by) =>
    Result.match(decodeBody(schema, body), {
      onFailure: Effect.succeed,
      onSuccess: (request) =>
        act(control, request, by).pipe(
          Effect.map((answer) => json(encode(FleetAnswer, answer))),
          Effect.catchTags({
            FleetBusy: (error) => Effect.succeed(busy(error)),
            FleetFailed: (error) => Effect.succeed(failed(error)),
          }),
        ),
    }),
});

/** Only what the schema names goes out. */
const encode = <A>(schema: Schema.Encoder<unknown> & Schema.Codec<A>, value: A): unknown =>
  Schema.encodeSync(schema)(value);

const alive = ({ health }: Site): Effect.Effect<Reply> =>
  Effect.gen(function* () {
    if (health === undefined) return text("ok");
    const { ok, reason } = isAlive(yield* health, yield* Clock.currentTimeMillis);
    return ok ? text("ok") : text(`failing: ${reason}\n`, 503);
  });

const status = ({ control }: Site): Effect.Effect<Reply> =>
  control.status.pipe(
    Effect.map((told) => text(escapeLines(told))),
    Effect.catch((error) => Effect.succeed(failed(error))),
  );

const escapeLines = (told: string): string =>
  `${told
    .trimEnd()
    .split("\n")
    .map((line) => escapeText(line, 4_000))
    .join("\n")}\n`;

const metrics = ({ control }: Site, accept: string | undefined): Effect.Effect<Reply> =>
  Effect.gen(function* () {
    const found = yield* control.metrics;
    const headers = { vary: "Accept" };
    return wantsExposition(accept)
      ? { status: 200, type: expositionType, body: yield* exposition(found), headers }
      : json(encode(FleetMetrics, found), { headers });
  });

const controlStatus = ({ control }: Site): Effect.Effect<Reply> =>
  Effect.map(control.metrics, (found) => json(encode(FleetControlStatus, found.control)));

const Nothing = Schema.Record(Schema.String, Schema.Never);

/** All but the page and the description of the endpoints themselves. */
export const endpoints: ReadonlyArray<Endpoint> = [
  reading("/healthz", "Whether the daemon lives: ok", { "text/plain": Schema.String }, alive, [
    "Unavailable",
  ]),
  reading("/status", "The fleet, told to people", { "text/plain": Schema.String }, status, [
    "Invalid",
    "Refused",
    "Failed",
  ]),
  reading(
    "/metrics",
    "Numbers of the fleet, its control loop and its operations; as text for Prometheus",
    { "application/json": FleetMetrics, "text/plain": Schema.String },
    metrics,
  ),
  reading(
    "/control",
    "How the control loop stands",
    { "application/json": FleetControlStatus },
    controlStatus,
  ),
  {
    _tag: "Live",
    path: "/events",
    summary: "Server-sent events: one named metrics, with the JSON of /metrics, for each change",
    answers: { "text/event-stream": Schema.String },
    refusals: ["Unavailable"],
  },
  mutation(
    "/scale",
    "Scale to so many members, until the override ends",
    ScaleRequest,
    true,
    (control, body, by) => control.scale(body, by),
  ),
  mutation(
    "/rolling-restart",
    "Replace every member, one after the other",
    RestartRequest,
    false,
    (control, body, by) => control.rollingRestart(body, by),
  ),
  mutation(
    "/sync-state",
    "Write the ledger anew from what is discovered",
    Nothing,
    false,
    (control, _body, by) => control.syncState(by),
  ),
];
