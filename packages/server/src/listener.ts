// Opens a listening server that is bounded in every way, and says where it listens.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as Effect from "effect/Effect";
import * as Schema from "effect/Schema";
import type * as Scope from "effect/Scope";
import { escapeText } from "@muster/core/words/quote";
import { type Address, parseListenAddress } from "./address.ts";

/**
 * - `Invalid`: the address cannot be one
 * - `Unavailable`: nothing can listen there
 */
export class ServerError extends Schema.TaggedError<ServerError>()("ServerError", {
  reason: Schema.Literals(["Invalid", "Unavailable"]),
  message: Schema.String,
  remedy: Schema.String,
}) {}

export interface Listening {
  readonly url: string;
  readonly port: number;
}

/** Connections at the same time. */
export const connectionLimit = 64;
/** Bytes of the headers of a request. */
export const headerLimit = 8 * 1024;
/** How long the end waits for answers on their way, in milliseconds. */
const lastWaitMillis = 1_000;

/** Reads `HOST:PORT`, `[::1]:PORT` or `:PORT`; fails with `Invalid`. */
export const readAddress = (text: string): Effect.Effect<Address, ServerError> =>
  Effect.fromResult(parseListenAddress(text)).pipe(
    Effect.mapError(
      (message) =>
        new ServerError({
          reason: "Invalid",
          message,
          remedy: "give an address such as 127.0.0.1:9464, or :9464 for this machine alone",
        }),
    ),
  );

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Listens until the scope closes; then takes no more connections, runs `ending`, and lets what is
 * still being answered end for a second. Fails with `Unavailable`.
 */
export const openListener = (
  address: Address,
  answer: Answer,
  ending: Effect.Effect<void> = Effect.void,
): Effect.Effect<Listening, ServerError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(listen(makeServer(answer), address), (server) => close(server, ending)),
    (server) => {
      const { port } = server.address() as AddressInfo;
      const host = address.host.includes(":") ? `[${address.host}]` : address.host;
      return { url: `http://${host}:${port}`, port };
    },
  );

const makeServer = (answer: Answer): Server => {
  const server = createServer(
    {
      maxHeaderSize: headerLimit,
      headersTimeout: 5_000,
      requestTimeout: 10_000,
      keepAliveTimeout: 5_000,
      connectionsCheckingInterval: 1_000,
    },
    answer,
  );
  server.maxConnections = connectionLimit;
  server.maxRequestsPerSocket = 1_000;
  // An upgrade or a tunnel is nothing that we have.
  server.on("connect", (_request, socket) => socket.destroy());
  return server;
};

const listen = (server: Server, { host, port }: Address): Effect.Effect<Server, ServerError> =>
  Effect.callback<Server, ServerError>((resume) => {
    const refuse = (cause: NodeJS.ErrnoException): void =>
      resume(
        Effect.fail(
          new ServerError({
            reason: "Unavailable",
            message: `cannot listen on ${escapeText(host)} port ${port}: ${cause.code ?? "unknown"}`,
            remedy: "choose another port, or end what listens there",
          }),
        ),
      );
    server.once("error", refuse);
    server.listen({ host, port, backlog: connectionLimit }, () => {
      server.off("error", refuse);
      // From now on no fault of a connection may end the process.
      server.on("error", () => undefined);
      resume(Effect.succeed(server));
    });
  });

/** Takes no more, lets what is being answered end, and then waits for nobody. */
const close = (server: Server, ending: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.gen(function* () {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeIdleConnections();
    yield* ending;
    const timer = setTimeout(() => server.closeAllConnections(), lastWaitMillis);
    server.closeIdleConnections();
    yield* Effect.promise(() => closed);
    clearTimeout(timer);
  });
