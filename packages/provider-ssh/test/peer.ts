// A server that fails as it is told to: ssh2's own, or bare bytes; ended with the scope.

import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Server, utils, type Connection, type Session as ServerSession } from "ssh2";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";

export interface Peer {
  readonly port: number;
  /** As a line of known hosts goes on after the name; nothing for bare bytes. */
  readonly hostKey: string;
  /** What the client asked for, in order: `auth <method>`, `session`, `exec <command>`. */
  readonly asked: ReadonlyArray<string>;
  /** How many connections were made, and how many of them have ended. */
  readonly counts: { readonly begun: number; readonly ended: number };
  /** Ends when the first connection has. */
  readonly closed: Effect.Effect<void>;
}

const portOf = (server: { address: () => unknown }): number =>
  (server.address() as AddressInfo).port;

/** Does with each connection what it is told, and speaks no SSH by itself. */
export const barePeer = (
  serve: (socket: Socket) => void,
): Effect.Effect<Peer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>();
    let ended: () => void = () => {};
    const closed = new Promise<void>((resolve) => (ended = resolve));
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => ended());
      socket.resume();
      serve(socket);
    });
    yield* Effect.acquireRelease(
      Effect.promise(
        () => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)),
      ),
      () =>
        Effect.sync(() => {
          for (const socket of sockets) socket.destroy();
          server.close();
        }),
    );
    return {
      ...{ port: portOf(server), hostKey: "", asked: [], counts: { begun: 0, ended: 0 } },
      closed: Effect.promise(() => closed),
    };
  });

/** A wire to a peer, that can fall silent without being cut. */
export const makeWire = (port: number) =>
  Effect.gen(function* () {
    const ends: Array<Socket> = [];
    const wire = yield* barePeer((near) => {
      const far = connect({ host: "127.0.0.1", port });
      far.on("error", () => {});
      near.on("close", () => far.destroy());
      ends.push(near, far);
      near.pipe(far).pipe(near);
    });
    const fallSilent = (): void => {
      for (const end of ends) end.unpipe().resume();
    };
    return { port: wire.port, closed: wire.closed, fallSilent };
  });

export interface Manners {
  /** What happens to a login; by default everybody is let in. */
  readonly login?: (connection: Connection, accept: () => void, reject: () => void) => void;
  /** What happens to a channel; by default it is opened. */
  readonly session?: (accept: () => ServerSession, reject: () => void) => void;
  /** What happens to a command; by default it ends well, without a word. */
  readonly exec?: (
    connection: Connection,
    accept: () => import("ssh2").ServerChannel,
    reject: () => void,
    command: string,
  ) => void;
  /** What happens to a way through this host; by default it is gone. */
  readonly forward?: (accept: () => import("ssh2").ServerChannel) => void;
  readonly ident?: string;
}

/** Some of the keys that the library makes are none that it can read. */
const hostKeys = (): { readonly private: string; readonly public: string } => {
  const keys = utils.generateKeyPairSync("ed25519");
  return utils.parseKey(keys.private) instanceof Error ? hostKeys() : keys;
};

export const sshPeer = (manners: Manners): Effect.Effect<Peer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const asked: Array<string> = [];
    const counts = { begun: 0, ended: 0 };
    const connections = new Set<Connection>();
    const keys = hostKeys();
    const settings = { hostKeys: [keys.private], ident: manners.ident ?? "peer" };
    let ended: () => void = () => {};
    const closed = new Promise<void>((resolve) => (ended = resolve));
    const server = new Server(settings, (connection) => {
      connections.add(connection);
      connection.on("error", () => {});
      counts.begun += 1;
      connection.on("close", () => {
        counts.ended += 1;
        ended();
      });
      connection.on("tcpip", (accept, reject, { destIP, destPort }) => {
        asked.push(`forward ${destIP}:${destPort}`);
        if (manners.forward !== undefined) return manners.forward(accept);
        const socket = connect({ host: destIP, port: destPort });
        socket.once("error", () => reject());
        socket.once("connect", () => {
          const channel = accept();
          socket.on("error", () => channel.end());
          channel.on("error", () => socket.destroy());
          channel.on("close", () => socket.destroy());
          channel.pipe(socket).pipe(channel);
        });
      });
      connection.on("authentication", (context) => {
        asked.push(`auth ${context.method}`);
        if (context.method !== "publickey") return context.reject(["publickey"]);
        // First a key is only asked about; its proof is the login.
        if (manners.login === undefined || context.signature === undefined) context.accept();
        else
          manners.login(
            connection,
            () => context.accept(),
            () => context.reject(["publickey"]),
          );
      });
      connection.on("session", (accept, reject) => {
        asked.push("session");
        const open = (): ServerSession => {
          const session = accept();
          session.on("exec", (acceptExec, rejectExec, { command }) => {
            asked.push(`exec ${command}`);
            if (manners.exec !== undefined) {
              return manners.exec(connection, acceptExec, rejectExec, command);
            }
            const channel = acceptExec();
            channel.exit(0);
            channel.end();
          });
          return session;
        };
        if (manners.session === undefined) open();
        else manners.session(open, reject);
      });
    });
    yield* Effect.acquireRelease(
      Effect.promise(
        () => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)),
      ),
      () =>
        Effect.promise(
          () =>
            new Promise<void>((resolve) => {
              for (const connection of connections) connection.end();
              server.close(() => resolve());
            }),
        ),
    );
    const hostKey = keys.public.split(" ").slice(0, 2).join(" ");
    return { port: portOf(server), hostKey, asked, counts, closed: Effect.promise(() => closed) };
  });
