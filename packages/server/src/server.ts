// Answers `/healthz`, `/readyz` and `/metrics`, and nothing else: reading only, bounded in every way.

import type { IncomingMessage, ServerResponse } from "node:http";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics";
import { prometheusName } from "@muster/core/report/telemetry";
import { mayBeCalled } from "./address.ts";
import { type HealthState, isAlive, isReady, type Judgement } from "./health.ts";
import {
  type Answer,
  type Listening,
  openListener,
  readAddress,
  type ServerError,
} from "./listener.ts";

export interface ServerOptions {
  /** `HOST:PORT`, `[::1]:PORT` or `:PORT`, which is the loopback. */
  readonly address: string;
  readonly health: Effect.Effect<HealthState>;
  /** Names that it may be called by, beside addresses, `localhost` and the name it listens on. */
  readonly names?: ReadonlyArray<string>;
}

/** Listens until the scope closes. Fails with `Invalid` or `Unavailable`. */
export const serve = (options: ServerOptions): Effect.Effect<Listening, ServerError, Scope.Scope> =>
  Effect.gen(function* () {
    const address = yield* readAddress(options.address);
    const names = [...(options.names ?? []), address.host];
    return yield* openListener(address, yield* answerer(options.health, names));
  });

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const pages: Readonly<Record<string, (health: Effect.Effect<HealthState>) => Effect.Effect<Page>>> =
  {
    "/healthz": (health) => judged(health, isAlive),
    "/readyz": (health) => judged(health, isReady),
    "/metrics": () =>
      Effect.map(PrometheusMetrics.format({ metricNameMapper: prometheusName }), (body) => ({
        status: 200,
        type: "text/plain; version=0.0.4; charset=utf-8",
        body,
      })),
  };

const judged = (
  health: Effect.Effect<HealthState>,
  judge: (state: HealthState, now: number) => Judgement,
): Effect.Effect<Page> =>
  Effect.gen(function* () {
    const state = yield* health;
    const { ok, reason } = judge(state, yield* Clock.currentTimeMillis);
    const said = {
      status: ok ? "ok" : "failing",
      reason,
      startedAt: new Date(state.startedAt).toISOString(),
      lastTickAt: state.lastTickAt === null ? null : new Date(state.lastTickAt).toISOString(),
      units: state.units,
    };
    return {
      status: ok ? 200 : 503,
      type: "application/json",
      body: `${JSON.stringify(said)}\n`,
    };
  });

const plain = (status: number, text: string): Page => ({
  status,
  type: "text/plain; charset=utf-8",
  body: `${text}\n`,
});

/** Runs what a page needs with the services of whoever opened the server. */
const answerer = (
  health: Effect.Effect<HealthState>,
  names: ReadonlyArray<string>,
): Effect.Effect<Answer> =>
  Effect.map(Effect.context(), (services) => {
    const run = Effect.runCallbackWith(services);
    return (request, response) => {
      const refusal = refuse(request, names);
      if (refusal !== null) return send(request, response, refusal);
      const page = pages[pathOf(request)]!(health);
      run(Effect.withTracerEnabled(page, false), {
        onExit: (exit) =>
          send(
            request,
            response,
            exit._tag === "Success" ? exit.value : plain(500, "internal error"),
          ),
      });
    };
  });

/** The path alone; a query changes nothing. */
const pathOf = ({ url = "" }: IncomingMessage): string => url.replace(/\?.*$/su, "");

const refuse = (request: IncomingMessage, names: ReadonlyArray<string>): Page | null => {
  if (!mayBeCalled(request.headers.host, names)) {
    return plain(421, "call this server by its address, or list the name");
  }
  if (hasBody(request)) return plain(413, "a request has no body here");
  if (!Object.hasOwn(pages, pathOf(request))) return plain(404, "not here");
  if (request.method !== "GET" && request.method !== "HEAD") return plain(405, "GET and HEAD only");
  return null;
};

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

const send = (request: IncomingMessage, response: ServerResponse, page: Page): void => {
  const bytes = Buffer.from(page.body);
  response.writeHead(page.status, {
    "content-type": page.type,
    "content-length": bytes.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(page.status === 405 ? { allow: "GET, HEAD" } : {}),
    // What follows an unread body on the connection is no request.
    ...(page.status === 413 ? { connection: "close" } : {}),
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
  if (page.status === 413) response.once("finish", () => request.destroy());
};
