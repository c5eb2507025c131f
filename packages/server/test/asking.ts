// Asks a server over real HTTP, and takes whatever it answers.

import { type IncomingHttpHeaders, request } from "node:http";
import * as Effect from "effect/Effect";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export const ask = (port: number, asked: Asked = {}): Effect.Effect<Answer> =>
  Effect.promise(
    () =>
      new Promise<Answer>((resolve, reject) => {
        const sent = request(
          {
            host: "127.0.0.1",
            port,
            agent: false,
            path: asked.path ?? "/healthz",
            method: asked.method ?? "GET",
            headers: { ...asked.headers },
          },
          (response) => {
            let body = "";
            response.on("data", (chunk: Buffer) => (body += chunk.toString()));
            response.on("end", () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
            );
          },
        );
        sent.on("error", reject);
        sent.end(asked.body);
      }),
  );
