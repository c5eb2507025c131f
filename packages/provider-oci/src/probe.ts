// Asks one address one question, by TCP or HTTP, and tells what came of it; never fails.

import { request } from "node:http";
import { connect } from "node:net";
import * as Effect from "effect/Effect";

export interface HttpQuestion {
  readonly port: number;
  readonly path: string;
}

/** What came of it. */
export type Measured =
  | { readonly end: "connected" }
  | { readonly end: "answered"; readonly status: number }
  /** Somebody is there, and does not want to, or talks something else. */
  | { readonly end: "refused"; readonly code: string }
  /** A connection was accepted, and nothing was said. */
  | { readonly end: "silent" }
  /** Whoever is there was not reached: a filter, a missing route, or nobody. */
  | { readonly end: "unreached"; readonly code: string | null };

/** Connects, and hangs up at once. `millis` bounds it all. */
export const askTcp = (host: string, port: number, millis: number): Effect.Effect<Measured> =>
  Effect.callback((resume) => {
    const socket = connect({ host, port, signal: AbortSignal.timeout(millis) });
    socket.once("connect", () => {
      resume(Effect.succeed({ end: "connected" }));
      socket.destroy();
    });
    socket.on("error", (error) => resume(Effect.succeed(failureOf(error, false))));
    return Effect.sync(() => socket.destroy());
  });

/** Asks by GET, follows no redirection and reads no body. `millis` bounds it all. */
export const askHttp = (
  host: string,
  { port, path }: HttpQuestion,
  millis: number,
): Effect.Effect<Measured> =>
  Effect.callback((resume) => {
    let connected = false;
    const asked = request({
      host,
      port,
      path,
      // A connection of its own, so that none is kept of members that go.
      agent: false,
      headers: { "user-agent": "muster", accept: "*/*" },
      signal: AbortSignal.timeout(millis),
    });
    asked.once("socket", (socket) =>
      socket.once("connect", () => {
        connected = true;
      }),
    );
    asked.once("response", (response) => {
      resume(Effect.succeed({ end: "answered", status: response.statusCode ?? 0 }));
      response.destroy();
    });
    asked.on("error", (error) => resume(Effect.succeed(failureOf(error, connected))));
    asked.end();
    return Effect.sync(() => asked.destroy());
  });

const failureOf = (error: Error, connected: boolean): Measured => {
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  if (code === "ABORT_ERR") return connected ? { end: "silent" } : { end: "unreached", code: null };
  return connected || code === "ECONNREFUSED" || code === "ECONNRESET"
    ? { end: "refused", code }
    : { end: "unreached", code };
};
