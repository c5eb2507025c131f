// A wire that takes its time: bytes arrive half a round trip after they were sent, and a connection stands after one and a half.

import { connect, createServer, type Socket } from "node:net";

export interface Wire {
  readonly address: string;
  readonly port: number;
}

/** Listens at `near` and hands on to `far` until it is closed. */
export const openWire = (near: Wire, far: Wire, roundTripMillis: number) =>
  new Promise<{ readonly close: () => void }>((resolve, reject) => {
    const sockets = new Set<Socket>();
    const keep = (socket: Socket): void => {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.once("close", () => sockets.delete(socket));
    };
    const half = roundTripMillis / 2;
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (client) => {
      keep(client);
      // The kernel has let the client in already; over a real wire it would know after one round trip.
      setTimeout(() => {
        client.resume();
        setTimeout(() => {
          const host = connect({ host: far.address, port: far.port, noDelay: true });
          keep(host);
          for (const [from, to] of [
            [client, host],
            [host, client],
          ] as const) {
            from.once("close", () => setTimeout(() => to.destroy(), half));
          }
          for (const chunk of early) host.write(chunk);
          client.off("data", hold);
          pass(client, host, half);
          pass(host, client, half);
        }, half);
      }, roundTripMillis);
      const early: Array<Buffer> = [];
      const hold = (chunk: Buffer): void => void early.push(chunk);
      client.on("data", hold);
      client.pause();
    });
    server.once("error", reject);
    server.listen({ host: near.address, port: near.port }, () => {
      resolve({
        close: () => {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });

/** Timers of the same length end in the order in which they began. */
const pass = (from: Socket, to: Socket, millis: number): void => {
  from.on("data", (chunk) => setTimeout(() => to.write(chunk), millis));
  from.once("end", () => setTimeout(() => to.end(), millis));
};
