// Listens at one host's address, counts who comes, and acts the faults that strike before SSH begins.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { endChild, startChild } from "./child.ts";
import { textOf, type HostFault } from "./faults.ts";
import type { Tally } from "./tally.ts";

export interface Gate {
  readonly port: number;
  /** Lets the fault hold for whoever connects from now on. */
  readonly heed: (fault: HostFault | undefined) => Promise<void>;
  /** Ends the connections that it holds, and resets whoever comes until it is woken. */
  readonly rest: () => void;
  readonly wake: () => void;
  /** Bytes of all connections, those that are open included. */
  readonly bytes: () => { readonly incoming: number; readonly outgoing: number };
  readonly close: () => Promise<void>;
}

export interface GateOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tally: Tally;
  /** Whether nothing may be read from a connection before it is served. */
  readonly untouched: boolean;
  /** Takes a connection over; ends when that is over. */
  readonly serve: (socket: Socket) => Promise<void>;
}

/** Rejects with the system's error when the address cannot be listened on. */
export const openGate = async (options: GateOptions): Promise<Gate> => {
  const { tally, address } = options;
  const sockets = new Set<Socket>();
  let fault: HostFault | undefined;
  let resting = false;

  const arrive = (socket: Socket): void => {
    tally.add("connections");
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => {
      sockets.delete(socket);
      tally.addBytes(socket.bytesRead, socket.bytesWritten);
    });
    tally.during(treat(socket));
  };

  const treat = async (socket: Socket): Promise<void> => {
    const closed = closeOf(socket);
    if (resting || fault?.name === "reset") {
      socket.resetAndDestroy();
      return closed;
    }
    if (fault?.name === "hang-before-banner") {
      socket.resume();
      return closed;
    }
    if (fault?.name === "garbage-banner") {
      socket.resume();
      socket.end(textOf(fault));
      return closed;
    }
    return options.serve(socket);
  };

  const open = (port: number): Promise<Server> =>
    listening(address, port, undefined, options.untouched, arrive);

  let server: Server | undefined = await open(options.port);
  const { port } = server.address() as AddressInfo;
  let deaf: Deaf | undefined;

  const shut = async (): Promise<void> => {
    if (server !== undefined) stopListening(server);
    server = undefined;
    await deaf?.end();
    deaf = undefined;
  };

  return {
    port,
    heed: async (next) => {
      fault = next;
      const wanted = next?.name === "refuse" || next?.name === "timeout" ? next.name : "open";
      const present = server !== undefined ? "open" : deaf !== undefined ? "timeout" : "refuse";
      if (wanted === present) return;
      await shut();
      if (wanted === "open") server = await open(port);
      if (wanted === "timeout") deaf = await fallSilent(address, port);
    },
    rest: () => {
      resting = true;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    wake: () => {
      resting = false;
    },
    bytes: () => {
      let { incoming, outgoing } = tally.bytes();
      for (const socket of sockets) {
        incoming += socket.bytesRead;
        outgoing += socket.bytesWritten;
      }
      return { incoming, outgoing };
    },
    close: async () => {
      await shut();
      for (const socket of sockets) socket.destroy();
    },
  };
};

/** Ends when the connection is closed, however that came. */
export const closeOf = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once("close", () => resolve());
  });

const listening = (
  host: string,
  port: number,
  backlog: number | undefined,
  pauseOnConnect: boolean,
  arrive: (socket: Socket) => void,
): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect, noDelay: true }, arrive);
    server.once("error", reject);
    server.listen({ host, port, ...(backlog === undefined ? {} : { backlog }) }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });

/** The port is free at once; connections that stand go on. */
const stopListening = (server: Server): void => {
  server.close();
};

interface Deaf {
  readonly end: () => Promise<void>;
}

/**
 * A full backlog that nobody empties: the kernel drops each further SYN, and the client waits.
 * Node accepts whatever comes, so the socket is left to a child that does nothing. The child ends
 * with its standard input, that is, with this process.
 */
const fallSilent = async (address: string, port: number): Promise<Deaf> => {
  const early: Socket[] = [];
  const server = await listening(address, port, 1, true, (socket) => early.push(socket));
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
  const keeper = startChild("cat", [], { stdio: ["pipe", "ignore", "ignore", fd] });
  await once(keeper, "spawn");
  stopListening(server);
  const fillers = await Promise.all([filler(address, port), filler(address, port)]);
  return {
    end: async () => {
      for (const socket of [...fillers, ...early]) socket.destroy();
      await endChild(keeper);
    },
  };
};

const filler = async (address: string, port: number): Promise<Socket> => {
  const socket = connect(port, address);
  await once(socket, "connect");
  return socket.on("error", () => undefined);
};
