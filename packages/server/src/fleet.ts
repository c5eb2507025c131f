// Serves one fleet over HTTP: what it is like to who asks, and changes of it for who holds the token.

import type { IncomingMessage, ServerResponse } from "node:http";
import * as Cause from "effect/Cause";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as FiberSet from "effect/FiberSet";
import type * as Redacted from "effect/Redacted";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { escapeText } from "@muster/core/words/quote";
import type { FleetControl } from "@muster/sdk/fleet-contract";
import { isLoopback } from "./address.ts";
import { type Audience, audienceLimit, openAudience } from "./fleet/audience.ts";
import { hasBody, readBody, refuseType } from "./fleet/body.ts";
import { type Endpoint, endpoints, type Mutation, type Reading } from "./fleet/endpoints.ts";
import { refuseBearer, refuseCaller } from "./fleet/guard.ts";
import { describeEndpoints } from "./fleet/open-api.ts";
import { readPage } from "./fleet/page.ts";
import { internal, json, refusal, type Reply } from "./fleet/reply.ts";
import type { HealthState } from "./health.ts";
import { type Answer, type Listening, openListener, readAddress, ServerError } from "./listener.ts";

export interface FleetServerOptions {
  /** `HOST:PORT`, `[::1]:PORT` or `:PORT`, which is the loopback. */
  readonly address: string;
  readonly control: FleetControl;
  /** With it, `/healthz` fails once the loop is stuck. */
  readonly health?: Effect.Effect<HealthState>;
  /** What every mutation has to bring as `Authorization: Bearer TOKEN`. */
  readonly token: Redacted.Redacted;
  /** Names that it may be called by, beside addresses, `localhost` and the name it listens on. */
  readonly names?: ReadonlyArray<string>;
  /** Lets it listen where others reach it, though the token then goes over the wire in the clear. */
  readonly allowPublic?: boolean;
  /** How long the end waits for operations to answer, in milliseconds; 30 s when not given. */
  readonly graceMillis?: number;
}

export interface FleetListening extends Listening {
  /** What the operator should read: who can reach it. */
  readonly messages: ReadonlyArray<string>;
}

const defaultGraceMillis = 30_000;
/** How long an answer that changes nothing may take, in milliseconds. */
const readingMillis = 10_000;

/**
 * Listens until the scope closes. The end takes no more requests, waits for running operations to
 * answer, and interrupts them after `graceMillis`. An operation whose asker went away goes on.
 * Fails with `Invalid` or `Unavailable`.
 */
export const serveFleet = (
  options: FleetServerOptions,
): Effect.Effect<FleetListening, ServerError, Scope.Scope> =>
  Effect.gen(function* () {
    const address = yield* readAddress(options.address);
    const isPrivate = isLoopback(address.host);
    if (!isPrivate && options.allowPublic !== true) return yield* notPrivate(address.host);
    const audience = yield* openAudience(options.control.changes);
    const desk = yield* openDesk(options, [...(options.names ?? []), address.host], audience);
    const listening = yield* openListener(address, desk.answer, desk.close);
    const messages = isPrivate
      ? [`only this machine reaches ${listening.url}`]
      : [`others reach ${listening.url}, and without TLS who is on the way can read the token`];
    return { ...listening, messages };
  });

const notPrivate = (host: string): ServerError =>
  new ServerError({
    reason: "Invalid",
    message: `others could reach ${escapeText(host)}, and the token would go there in the clear`,
    remedy: "listen on 127.0.0.1 behind a proxy with TLS, or allow a public address explicitly",
  });

interface Desk {
  readonly answer: Answer;
  /** Takes nothing more, and waits for what is being carried out. */
  readonly close: Effect.Effect<void>;
}

const openDesk = (
  options: FleetServerOptions,
  names: ReadonlyArray<string>,
  audience: Audience,
): Effect.Effect<Desk, never, Scope.Scope> =>
  Effect.gen(function* () {
    const routes = new Map<string, Endpoint>();
    for (const endpoint of [...endpoints, description, ...(yield* readPage)]) {
      routes.set(endpoint.path, endpoint);
    }
    const document = json(describeEndpoints([...routes.values()]));
    routes.set(description.path, { ...description, read: () => Effect.succeed(document) });

    const atWork = yield* FiberSet.make<void>();
    const fork = yield* FiberSet.runtime(atWork)();
    let isOpen = true;

    const answer: Answer = (request, response) => {
      const endpoint = routes.get(pathOf(request));
      const refused =
        refuseCaller(request.headers, names) ??
        refuseRoute(request, endpoint) ??
        (isOpen ? null : ending);
      if (refused !== null) return send(request, response, refused);
      fork(serveOne(endpoint!, request, response));
    };

    const serveOne = (
      endpoint: Endpoint,
      request: IncomingMessage,
      response: ServerResponse,
    ): Effect.Effect<void> => {
      if (endpoint._tag === "Live") {
        return Effect.sync(() => listenOn(audience, request, response));
      }
      const replying =
        endpoint._tag === "Reading" ? read(endpoint, options, request) : change(endpoint, request);
      return replying.pipe(
        // The answer sends people to the log.
        Effect.tapCauseIf(Cause.hasDies, (cause) =>
          Effect.logError(`${endpoint.path}: a fault in muster, please report it`, cause),
        ),
        Effect.onExit((exit) =>
          Effect.sync(() => send(request, response, replyOf(exit, isOpen ? internal : ending))),
        ),
        Effect.ignoreCause,
      );
    };

    const change = (endpoint: Mutation, request: IncomingMessage): Effect.Effect<Reply> => {
      const refused = refuseBearer(request.headers, options.token) ?? refuseType(request);
      if (refused !== null) return Effect.succeed(refused);
      return Effect.matchEffect(readBody(request), {
        onFailure: Effect.succeed,
        onSuccess: (body) => endpoint.carryOut(options.control, body, askerOf(request)),
      });
    };

    const close = Effect.gen(function* () {
      isOpen = false;
      yield* audience.end;
      yield* Effect.timeoutOption(
        Effect.interruptible(FiberSet.awaitEmpty(atWork)),
        options.graceMillis ?? defaultGraceMillis,
      );
      yield* FiberSet.clear(atWork);
    });

    return { answer, close };
  });

const read = (
  endpoint: Reading,
  site: FleetServerOptions,
  request: IncomingMessage,
): Effect.Effect<Reply> =>
  endpoint
    .read(site, request.headers.accept)
    .pipe(
      Effect.timeoutOrElse({ duration: readingMillis, orElse: () => Effect.succeed(tooLate) }),
      Effect.withTracerEnabled(false),
    );

const replyOf = (exit: Exit.Exit<Reply>, otherwise: Reply): Reply =>
  Exit.isSuccess(exit) ? exit.value : otherwise;

/** Who stands in the audit: that the token was shown is known, who showed it is not. */
const askerOf = ({ socket }: IncomingMessage): string =>
  `token holder at ${socket.remoteAddress ?? "an unknown address"}`;

const listenOn = (audience: Audience, request: IncomingMessage, response: ServerResponse): void => {
  if (audience.isFull()) return send(request, response, full);
  response.writeHead(200, {
    ...safely,
    "content-type": "text/event-stream; charset=utf-8",
    // Its end is the end of the connection, which nobody has to wait for then.
    connection: "close",
  });
  if (request.method === "HEAD") response.end();
  else audience.join(response);
};

/** The path alone; a query changes nothing. */
const pathOf = ({ url = "" }: IncomingMessage): string => url.replace(/\?.*$/su, "");

const refuseRoute = (request: IncomingMessage, endpoint: Endpoint | undefined): Reply | null => {
  if (endpoint === undefined) {
    return refusal("NotFound", "nothing is here", "/openapi.json names what is");
  }
  const methods = endpoint._tag === "Mutation" ? ["POST"] : ["GET", "HEAD"];
  if (!methods.includes(request.method ?? "")) {
    const allow = methods.join(", ");
    return refusal("WrongMethod", `${allow} only`, "/openapi.json names the method", { allow });
  }
  return endpoint._tag !== "Mutation" && hasBody(request)
    ? refusal("TooLarge", "a request that only reads has no body", "send it without")
    : null;
};

const ending = refusal(
  "Unavailable",
  "the daemon ends, and what ran may be unfinished",
  "ask again when it is back: it goes on where it stopped",
);

const full = refusal(
  "Unavailable",
  `${audienceLimit} listeners are the limit`,
  "close other pages of this daemon, or ask /metrics",
  { "retry-after": "30" },
);

const tooLate = refusal(
  "TimedOut",
  "the answer took too long",
  "look at /metrics, which waits for nobody, and try again",
);

const description: Reading = {
  _tag: "Reading",
  path: "/openapi.json",
  summary: "This description, as OpenAPI 3.0",
  answers: { "application/json": Schema.Record(Schema.String, Schema.Unknown) },
  refusals: [],
  read: () => Effect.succeed(internal),
};

/** On every answer: nobody keeps it, embeds it or guesses what it is, and the page is only itself. */
const safely = {
  "cache-control": "no-store",
  "content-security-policy": [
    ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"],
    ...["connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** Bytes of a body that nobody asked for and that are still read, so that the answer arrives. */
const drainLimit = 64 * 1024;

const send = (request: IncomingMessage, response: ServerResponse, reply: Reply): void => {
  const bytes = Buffer.from(reply.body);
  // What follows an unread body on the connection is no request.
  const isDone = request.complete || !hasBody(request) || isShort(request);
  response.writeHead(reply.status, {
    ...safely,
    "content-type": reply.type,
    "content-length": bytes.length,
    ...reply.headers,
    ...(isDone ? {} : { connection: "close" }),
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
  if (!isDone) response.once("finish", () => request.destroy());
};

const isShort = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] === undefined && Number(headers["content-length"]) <= drainLimit;
