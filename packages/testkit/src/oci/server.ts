// Acts on the network: reads requests, sends answers, destroys connections where a fault says so.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { refuse, type Answer } from "./answer.ts";
import { control, controlPrefix } from "./control-surface.ts";
import { serve, type Outcome, type Service } from "./service.ts";
import type { Controls } from "./controls.ts";

/** The longest body that is read: 1 MiB. */
export const maxBodyBytes = 1024 * 1024;

const maxConnections = 1_024;

export interface Listening {
  readonly port: number;
  /** Destroys all connections and stops listening. */
  readonly close: () => Promise<void>;
}

/** Listens on 127.0.0.1. Rejects with the system's error when the port is taken. */
export const listen = async (
  service: Service,
  controls: Controls,
  port: number,
): Promise<Listening> => {
  const holds = new Set<NodeJS.Timeout>();
  const server = createServer(
    { keepAliveTimeout: 60_000, requestTimeout: 30_000, maxHeaderSize: 32 * 1024 },
    (request, response) => {
      // The Date header has to tell the clock that signatures are checked against.
      response.sendDate = false;
      response.setHeader("date", new Date(service.wallClock()).toUTCString());
      readBody(request, (body) => {
        if (body === undefined) return refuseLargeBody(response);
        try {
          answerRequest(request, response, body, service, controls, holds);
        } catch (defect) {
          // A bug in the simulator must be seen at once, not as a request that hangs.
          send(response, refuse(500, "SimulatorDefect", String(defect)));
        }
      });
    },
  );
  server.maxConnections = maxConnections;
  await started(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      for (const hold of holds) clearTimeout(hold);
      return stopped(server);
    },
  };
};

const answerRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
  service: Service,
  controls: Controls,
  holds: Set<NodeJS.Timeout>,
): void => {
  if (request.url?.startsWith(controlPrefix) === true) {
    return send(response, controlled(request, controls, body));
  }
  act(response, serve(service, arrivedFrom(request, body)), holds);
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

const arrivedFrom = (request: IncomingMessage, body: Buffer) => ({
  method: request.method ?? "GET",
  target: request.url ?? "/",
  headers: request.headers,
  body,
  clientIp: request.socket.remoteAddress ?? "",
});

/** Reads the body; undefined when it is larger than `maxBodyBytes`. */
const readBody = (request: IncomingMessage, done: (body: Buffer | undefined) => void): void => {
  const chunks: Buffer[] = [];
  let size = 0;
  request.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBodyBytes) chunks.push(chunk);
    else if (size - chunk.length <= maxBodyBytes) done(undefined);
  });
  request.on("end", () => {
    if (size <= maxBodyBytes) done(Buffer.concat(chunks));
  });
};

const refuseLargeBody = (response: ServerResponse): void => {
  response.setHeader("connection", "close");
  send(response, refuse(413, "PayloadTooLarge", `At most ${maxBodyBytes} bytes are accepted.`));
};

// The server listens on loopback only; a web page in a browser there must not steer it either.
const controlled = (request: IncomingMessage, controls: Controls, body: Buffer): Answer => {
  const isLocal = /^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "");
  return isLocal && request.headers.origin === undefined
    ? control(controls, request.method ?? "GET", request.url ?? "/", body)
    : refuse(403, "NotAllowed", "Only for programs on this machine.");
};

const act = (response: ServerResponse, outcome: Outcome, holds: Set<NodeJS.Timeout>): void => {
  if (outcome.afterMs === 0) return finish(response, outcome);
  const hold = setTimeout(() => {
    holds.delete(hold);
    finish(response, outcome);
  }, outcome.afterMs);
  holds.add(hold);
};

const finish = (response: ServerResponse, outcome: Outcome): void => {
  switch (outcome.manner) {
    case "send":
      return send(response, outcome.answer);
    case "tear":
      return tear(response, outcome.answer);
    case "drop":
    case "cut":
      return destroy(response.socket);
  }
};

const send = (response: ServerResponse, answer: Answer): void => {
  const text = textOf(answer);
  writeHead(response, answer, text);
  response.end(text);
};

const tear = (response: ServerResponse, answer: Answer): void => {
  const text = textOf(answer);
  writeHead(response, answer, text);
  const half = text.subarray(0, Math.floor(text.length / 2));
  response.write(half, () => destroy(response.socket));
};

const textOf = ({ body, html, text }: Answer): Buffer =>
  Buffer.from(html ?? text?.content ?? (body === undefined ? "" : JSON.stringify(body)));

const writeHead = (response: ServerResponse, answer: Answer, text: Buffer): void => {
  response.writeHead(answer.status, {
    ...contentHeaders(answer, text),
    ...answer.headers,
  });
};

const contentHeaders = ({ body, html, text: said }: Answer, text: Buffer) => {
  if (html !== undefined) return { "content-type": "text/html", "content-length": text.length };
  if (said !== undefined) return { "content-type": said.type, "content-length": text.length };
  if (body === undefined) return {};
  return { "content-type": "application/json", "content-length": text.length };
};

const destroy = (socket: Socket | null): void => {
  socket?.destroy();
};
