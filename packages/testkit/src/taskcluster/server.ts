// Acts on the network: reads requests, and sends answers as whole as their faults let them be.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { refuse, serve, type Outcome, type Received, type Service } from "./service.ts";

export interface Listening {
  readonly port: number;
  /** Bytes that were handed to all connections so far. */
  readonly sent: () => number;
  /** Destroys all connections and stops listening. */
  readonly close: () => Promise<void>;
}

/** Listens on 127.0.0.1. Rejects with the system's error when the port is taken. */
export const listen = async (
  service: Service,
  port: number,
  told: (received: Received, outcome: Outcome) => void,
): Promise<Listening> => {
  const server = createServer({ requestTimeout: 30_000 }, (request, response) => {
    // The Date header has to tell the clock that signatures are checked against.
    response.sendDate = false;
    response.setHeader("date", new Date(service.now()).toUTCString());
    const received = receivedOf(request);
    const outcome = serve(service, received);
    told(received, outcome);
    send(response, received, outcome);
  });
  server.maxConnections = 1_024;
  let ended = 0;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => {
      sockets.delete(socket);
      ended += socket.bytesWritten;
    });
  });
  await started(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    sent: () => Array.from(sockets).reduce((sum, { bytesWritten }) => sum + bytesWritten, ended),
    close: () => stopped(server),
  };
};

const receivedOf = ({ method, url, headers }: IncomingMessage): Received => ({
  method: method ?? "GET",
  target: url ?? "/",
  host: headers.host ?? "",
  authorization: headers.authorization,
});

const json = "application/json; charset=utf-8";

const send = (response: ServerResponse, received: Received, { answer, fault }: Outcome): void => {
  const whole = JSON.stringify(answer.body);
  const say = (status: number, type: string, text: string, more: Record<string, string> = {}) =>
    response
      .writeHead(status, {
        "content-type": type,
        "content-length": Buffer.byteLength(text),
        ...more,
      })
      .end(text);
  const refused = (status: number, code: string, message: string, more = {}) =>
    say(status, json, JSON.stringify(refuse(status, code, message, received).body), more);
  switch (fault) {
    case undefined:
      return void say(answer.status, answer.page === true ? "text/html" : json, whole);
    case "throttled":
      return void refused(429, "TooManyRequests", "Too many requests", { "retry-after": "7" });
    case "server-error":
      return void refused(500, "InternalServerError", "Internal Server Error, incidentId 1");
    case "unavailable":
      return void say(503, "text/html", "<h1>Service unavailable</h1>");
    case "torn":
      response.writeHead(200, { "content-type": json, "content-length": whole.length });
      return void response.write(whole.slice(0, whole.length / 2), () =>
        response.socket?.destroy(),
      );
    case "cut":
      return void response.socket?.destroy();
    case "hang":
      return;
    case "page":
      return void say(200, "text/html", "<!doctype html><title>Taskcluster</title>");
    case "garbled":
      return void say(200, json, whole.slice(0, whole.length / 2));
    case "shapeless":
      return void say(200, json, '{"workers":[{"workerId":7}]}');
    case "endless":
      return pour(response);
    case "circle":
      return void say(200, json, JSON.stringify({ workers: [], continuationToken: "ZnJvbSAw" }));
    case "echo":
      return void refused(400, "InputError", `was sent ${received.authorization ?? "nothing"}`);
    case "moved":
      return void say(302, json, "{}", { location: "http://127.0.0.1:1/" });
  }
};

const pour = (response: ServerResponse): void => {
  response.writeHead(200, { "content-type": json });
  const block = Buffer.alloc(64 * 1024, " ");
  const more = (): void => {
    while (!response.destroyed && response.write(block));
    if (!response.destroyed) response.once("drain", more);
  };
  more();
};

const started = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });

const stopped = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
