// Stands between clients and a host as an attacker would: ends SSH with a key of its own, lets everybody in, passes on what it is sent.

import { readFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import ssh2 from "ssh2";
import { asFleetError, type HostFleet, type HostFleetError } from "./host-fleet.ts";
import { makeKeyPair } from "./keys.ts";

export interface ManInTheMiddleOptions {
  readonly fleet: HostFleet;
  /** The name of the host that it passes on to, where it logs in with the fleet's own identity. */
  readonly host: string;
  /**
   * The key that it shows: one of its `own`, by default, or that of the host, which is `claimed`:
   * it cannot sign with that.
   */
  readonly shows?: "own" | "claimed";
}

export interface ManInTheMiddle {
  readonly address: string;
  readonly port: number;
  /** The key that it shows: `ssh-ed25519` and base64. */
  readonly hostKey: string;
  /** Connections that were made, and those that have ended. */
  readonly counts: Effect.Effect<{ readonly begun: number; readonly ended: number }>;
  /**
   * What it was sent once keys were exchanged, in order: `service`, `auth METHOD`, `signature`,
   * `session`, `agent`, `exec COMMAND`.
   */
  readonly sent: Effect.Effect<readonly string[]>;
}

/** Ends with the scope. */
export const startManInTheMiddle = (
  options: ManInTheMiddleOptions,
): Effect.Effect<ManInTheMiddle, HostFleetError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.tryPromise({ try: () => open(options), catch: asFleetError }),
      ({ close }) => Effect.promise(close),
    ),
    ({ man }) => man,
  );

interface OpenMan {
  readonly man: ManInTheMiddle;
  readonly close: () => Promise<void>;
}

const open = async ({ fleet, host: name, shows }: ManInTheMiddleOptions): Promise<OpenMan> => {
  const host = fleet.host(name);
  const privateKey = await readFile(fleet.identity);
  const sent: string[] = [];
  const counts = { begun: 0, ended: 0 };
  const clients = new Set<ssh2.Connection>();
  const onwards = new Set<ssh2.Client>();
  const own = makeKeyPair();
  const server = new ssh2.Server(
    {
      hostKeys: [
        shows === "claimed" ? { key: claimed(own.privateKey, host.hostKey) } : own.privateKey,
      ],
      ident: "OpenSSH_9.2",
      debug: (said) => {
        if (said.includes("Inbound: Received SERVICE_REQUEST")) sent.push("service");
      },
    },
    (client) => {
      counts.begun += 1;
      clients.add(client);
      client.on("error", () => undefined);
      client.on("close", () => {
        counts.ended += 1;
        clients.delete(client);
      });
      client.on("authentication", (context) => {
        sent.push(`auth ${context.method}`);
        if (context.method === "publickey" && context.signature !== undefined) {
          sent.push("signature");
        }
        if (context.method === "none") context.reject(["publickey", "password"]);
        else context.accept();
      });
      client.on("session", (accept) => {
        sent.push("session");
        const session = accept();
        session.on("auth-agent", () => sent.push("agent"));
        session.on("exec", (acceptExec, _, { command }) => {
          sent.push(`exec ${command}`);
          onwards.add(passOn(acceptExec(), command, { ...host, privateKey, user: fleet.user }));
        });
      });
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve());
  });
  const { port, address } = server.address() as AddressInfo;
  return {
    man: {
      ...{ address, port, hostKey: shows === "claimed" ? host.hostKey : own.publicKey },
      counts: Effect.sync(() => ({ ...counts })),
      sent: Effect.sync(() => [...sent]),
    },
    close: async () => {
      for (const onward of onwards) onward.destroy();
      for (const client of clients) client.end();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
};

/** A key that says it is another one. */
const claimed = (privateKey: string, publicKey: string): ssh2.ParsedKey => {
  const [own, other] = [privateKey, publicKey].map((text) => ssh2.utils.parseKey(text));
  if (own instanceof Error || other instanceof Error) throw new Error("a key cannot be read");
  return Object.create(own!, { getPublicSSH: { value: () => other!.getPublicSSH() } });
};

interface Onward {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly privateKey: Buffer;
}

const passOn = (
  channel: ssh2.ServerChannel,
  command: string,
  { address, port, user, privateKey }: Onward,
): ssh2.Client => {
  const onward = new ssh2.Client();
  const end = (): void => {
    channel.end();
    onward.destroy();
  };
  channel.on("error", end);
  onward.on("error", end);
  onward.on("ready", () => {
    onward.exec(command, (error, stream) => {
      if (error !== undefined) return end();
      stream.on("exit", (code: number | null) => channel.exit(code ?? 255));
      stream.on("close", end);
      stream.stderr.pipe(channel.stderr);
      // Its exit code comes after the end of its output.
      channel.pipe(stream).pipe(channel, { end: false });
    });
  });
  return onward.connect({ host: address, port, username: user, privateKey });
};
