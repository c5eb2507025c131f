// Holds that a request ends in time, says what came of it, and goes only where it was signed for.

import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { CallFailed, makeTransport, withSignal, type SdkRequest } from "../src/transport.ts";

const serve = (listener: RequestListener): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const server = createServer(listener);
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)));
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.closeAllConnections();
          server.close(() => resume(Effect.void));
        }),
    ),
    (server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );

const request = (uri: string): SdkRequest => ({ method: "GET", headers: new Headers(), uri });
const sign = async (): Promise<void> => {};

/** What a call of the SDK would end with: it reads the body of what looks like a success. */
const end = (transport: ReturnType<typeof makeTransport>, uri: string) =>
  // @effect-diagnostics-next-line globalErrorInEffectCatch:off -- what the SDK gets is no Effect error
  Effect.tryPromise({
    try: async () => (await transport.send(request(uri))).json(),
    catch: (thrown) => thrown as CallFailed,
  });

describe("a request", () => {
  it.effect("gives what the server said", () =>
    Effect.gen(function* () {
      const base = yield* serve((_, response) => {
        response.writeHead(200, { "opc-next-page": "p2" }).end('{"a":1}');
      });
      const transport = makeTransport({ sign, timeoutMillis: 5_000 });
      const answer = yield* Effect.promise(() => transport.send(request(base)));
      assert.strictEqual(answer.headers.get("opc-next-page"), "p2");
      assert.deepStrictEqual(yield* Effect.promise(() => answer.json()), { a: 1 });
    }),
  );

  it.effect("hides a failure from the SDK until it reads the answer", () =>
    Effect.gen(function* () {
      const base = yield* serve((_, response) => {
        response
          .writeHead(429, { "retry-after": "3", "opc-request-id": "R1" })
          .end('{"code":"TooManyRequests","message":"slow"}');
      });
      const transport = makeTransport({ sign, timeoutMillis: 5_000 });
      const answer = yield* Effect.promise(() => transport.send(request(base)));
      assert.strictEqual(answer.status, 200);
      assert.throws(() => answer.headers, "slow");
      const failed = yield* Effect.flip(end(transport, base));
      assert.instanceOf(failed, CallFailed);
      assert.strictEqual(failed.statusCode, 429);
      assert.strictEqual(failed.serviceCode, "TooManyRequests");
      assert.strictEqual(failed.retryAfterMillis, 3_000);
      assert.strictEqual(failed.opcRequestId, "R1");
      assert.isBelow(Math.abs(failed.clockAheadMillis ?? Infinity), 60_000);
    }),
  );

  it.effect("keeps the cause of a network failure", () =>
    Effect.gen(function* () {
      const base = yield* serve((incoming) => incoming.socket.destroy());
      const transport = makeTransport({ sign, timeoutMillis: 5_000 });
      const reset = yield* Effect.flip(end(transport, base));
      assert.match(reset.serviceCode ?? "", /ECONNRESET|UND_ERR_SOCKET/);
      const refused = yield* Effect.flip(end(transport, "http://127.0.0.1:1"));
      assert.isUndefined(refused.statusCode);
    }),
  );

  it.live("ends when its time is up: while signing, waiting or reading", () =>
    Effect.gen(function* () {
      const silent = yield* serve(() => {});
      const slow = yield* serve((_, response) => {
        response.writeHead(200, { "content-length": "10" }).write("{");
      });
      const never = () => new Promise<void>(() => {});
      for (const [uri, signing] of [
        [silent, sign],
        [slow, sign],
        [silent, never],
      ] as const) {
        const transport = makeTransport({ sign: signing, timeoutMillis: 60 });
        const failed = yield* Effect.flip(end(transport, uri));
        assert.strictEqual(failed.timedOutAfterMillis, 60);
      }
    }),
  );

  it.effect("ends with the call that began it", () =>
    Effect.gen(function* () {
      let ended: () => void = () => {};
      const closed = new Promise<void>((resolve) => {
        ended = resolve;
      });
      let arrived: () => void = () => {};
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const base = yield* serve((incoming) => {
        incoming.socket.on("close", ended);
        arrived();
      });
      const transport = makeTransport({ sign, timeoutMillis: 600_000 });
      const controller = new AbortController();
      const answer = withSignal(controller.signal, () => transport.send(request(base)));
      yield* Effect.promise(() => arrival);
      controller.abort();
      const said = yield* Effect.promise(async () => (await answer).json().catch(String));
      assert.include(String(said), "interrupted");
      yield* Effect.promise(() => closed);
    }),
  );

  it.effect("never follows a redirect with its signature", () =>
    Effect.gen(function* () {
      let visits = 0;
      const other = yield* serve((_, response) => {
        visits += 1;
        response.end("{}");
      });
      const base = yield* serve((_, response) => {
        response.writeHead(307, { location: other }).end();
      });
      const transport = makeTransport({ sign, timeoutMillis: 5_000 });
      const failed = yield* Effect.flip(end(transport, base));
      assert.strictEqual(failed.statusCode, 307);
      assert.strictEqual(visits, 0);
    }),
  );

  it.effect("refuses an answer that is not JSON, or does not end", () =>
    Effect.gen(function* () {
      const text = yield* serve((_, response) => response.end("<html>"));
      const transport = makeTransport({ sign, timeoutMillis: 30_000 });
      const failed = yield* Effect.flip(end(transport, text));
      assert.include(failed.message, "not JSON");
      const chunk = Buffer.alloc(1024 * 1024);
      const endless = yield* serve((_, response) => {
        const pour = (): void => {
          while (response.write(chunk)) if (response.destroyed) return;
          if (!response.destroyed) response.once("drain", pour);
        };
        pour();
      });
      assert.include((yield* Effect.flip(end(transport, endless))).message, "larger than");
    }),
  );
});
