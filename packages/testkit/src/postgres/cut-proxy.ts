// A way to a server that can be cut at one statement: before the server hears it, or before its answer is heard.

import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";

/** Where a connection is cut: before the server hears the words, or before it is heard. */
type Cut = { readonly at: string; readonly when: "before" | "after" };

export interface Proxy {
  readonly port: number;
  /** Cuts the next connection that says these words. */
  readonly cutNext: (cut: Cut) => void;
  /** How often it was cut. */
  readonly cuts: () => number;
}

/** A way to the server that can be cut at one statement. */
export const proxyTo = (port: number): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    let armed: Cut | undefined;
    let cuts = 0;
    const open = new Set<Socket>();
    const server = createServer((client) => {
      const upstream = connect(port, "127.0.0.1");
      for (const socket of [client, upstream]) {
        open.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          client.destroy();
          upstream.destroy();
        });
      }
      let isDeaf = false;
      client.on("data", (chunk: Buffer) => {
        const isHit = armed !== undefined && chunk.includes(armed.at);
        if (isHit) cuts += 1;
        if (isHit && armed?.when === "before") {
          armed = undefined;
          return client.destroy();
        }
        if (isHit) {
          armed = undefined;
          isDeaf = true;
        }
        return upstream.write(chunk);
      });
      upstream.on("data", (chunk: Buffer) => (isDeaf ? client.destroy() : client.write(chunk)));
    });
    yield* Effect.acquireRelease(
      Effect.promise(
        () => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve())),
      ),
      () =>
        Effect.promise(() => {
          for (const socket of open) socket.destroy();
          return new Promise<void>((resolve) => server.close(() => resolve()));
        }),
    );
    return {
      port: (server.address() as AddressInfo).port,
      cutNext: (cut) => {
        armed = cut;
      },
      cuts: () => cuts,
    };
  });
