// Leads a stream to a host: looks its name up and connects, or goes on from the host before.

import { lookup } from "node:dns/promises";
import { connect as connectSocket, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import * as Clock from "effect/Clock";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { quote } from "@muster/core/words/quote";
import type { Deadlines, Session, SessionFault } from "./session.ts";
import type { HostSettings } from "./ssh-config.ts";

type Addresses = ReadonlyArray<string>;

/** The addresses of a name; `now` in milliseconds says how old an answer is. */
export type LookUp = (name: string, now: number) => Promise<Addresses>;

/** The stream, and the addresses that the host's name has here: none behind another host. */
export const transportTo = (
  { hostName, port }: HostSettings,
  from: Session | null,
  lookUp: LookUp,
  deadlines: Deadlines,
): Effect.Effect<
  { readonly transport: Duplex; readonly addresses: Addresses },
  SessionFault,
  Scope.Scope
> =>
  Effect.gen(function* () {
    if (from !== null) return { transport: yield* from.forward(hostName, port), addresses: [] };
    const addresses = yield* resolveName(lookUp, hostName, deadlines);
    return { transport: yield* openSocket(addresses, port, deadlines.connectMillis), addresses };
  });

/** An answer counts for so long, in milliseconds: a look asks for the name, and so does its contact. */
const freshMillis = 1_000;

/** Who asks for a name that is being looked up, or was just now, hears the same answer. */
export const lookUpOnce = (): LookUp => {
  const answers = new Map<string, { readonly at: number; readonly answer: Promise<Addresses> }>();
  return (name, now) => {
    for (const [oldest, { at }] of answers) {
      if (now - at < freshMillis) break;
      answers.delete(oldest);
    }
    const known = answers.get(name);
    if (known !== undefined) return known.answer;
    const answer = lookup(name, { all: true })
      .then((found) => found.slice(0, maxAddresses).map(({ address }) => address))
      .catch((cause) => {
        answers.delete(name);
        throw cause;
      });
    answers.set(name, { at: now, answer });
    return answer;
  };
};

/** The most addresses of one name that are tried. */
const maxAddresses = 4;

/** The addresses of a name, as this machine sees them; an address is its own. */
export const resolveName = (
  lookUp: LookUp,
  name: string,
  { connectMillis }: Pick<Deadlines, "connectMillis">,
): Effect.Effect<ReadonlyArray<string>, SessionFault> => {
  if (isIP(name) !== 0) return Effect.succeed([name]);
  return Effect.flatMap(Clock.currentTimeMillis, (now) =>
    Effect.tryPromise({
      try: () => lookUp(name, now),
      catch: (cause): SessionFault => {
        const { code = "unknown" } = cause as { readonly code?: string };
        return { reason: "dns", step: "dns", message: `${quote(name)} has no address (${code})` };
      },
    }),
  ).pipe(
    Effect.timeoutOrElse({
      duration: connectMillis,
      orElse: () =>
        Effect.fail<SessionFault>({
          ...{ reason: "dns", step: "dns" },
          message: `no answer about ${quote(name)} in ${connectMillis} ms`,
        }),
    }),
  );
};

/** Tries one address after the other; each has its part of the time. */
const openSocket = (
  addresses: ReadonlyArray<string>,
  port: number,
  millis: number,
): Effect.Effect<Socket, SessionFault, Scope.Scope> => {
  const part = Math.ceil(millis / Math.max(1, addresses.length));
  const [first, ...others] = addresses.map((address) => openSocketTo(address, port, part));
  return others.reduce(
    (tried, next) => Effect.catch(tried, () => next),
    first ?? Effect.fail<SessionFault>({ reason: "dns", step: "dns", message: "has no address" }),
  );
};

const openSocketTo = (
  address: string,
  port: number,
  millis: number,
): Effect.Effect<Socket, SessionFault, Scope.Scope> =>
  // The socket is held before it connects: whoever is interrupted in between leaves none behind.
  Effect.acquireRelease(
    Effect.sync(() => {
      const socket = connectSocket({ host: address, port, noDelay: true });
      // Later faults are the session's to tell; without a listener they would end the process.
      return socket.on("error", () => {});
    }),
    (socket) => Effect.sync(() => socket.destroy()),
  ).pipe(
    Effect.tap((socket) =>
      Effect.callback<void, SessionFault>((resume) => {
        const fail = (error: Error): void => resume(Effect.fail(socketFault(error, address, port)));
        // Either may have happened already.
        if (socket.errored) return fail(socket.errored);
        if (!socket.connecting) return resume(Effect.void);
        socket.once("error", fail);
        socket.once("connect", () => resume(Effect.void));
      }).pipe(
        Effect.timeoutOrElse({
          duration: millis,
          orElse: () =>
            Effect.fail<SessionFault>({
              ...{ reason: "timeout", step: "tcp" },
              message: `no connection to ${address} port ${port} in ${millis} ms`,
            }),
        }),
        Effect.tapError(() => Effect.sync(() => socket.destroy())),
      ),
    ),
  );

const socketReasons: Readonly<Record<string, SessionFault["reason"]>> = {
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  EPIPE: "reset",
};

const socketFault = (
  { code = "unknown" }: Error & { readonly code?: string },
  address: string,
  port: number,
): SessionFault => ({
  // No route and no network are silence, too.
  reason: socketReasons[code] ?? "timeout",
  step: "tcp",
  message: `no connection to ${address} port ${port} (${code})`,
});
