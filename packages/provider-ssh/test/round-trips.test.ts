// Holds how often a contact asks and waits: every question costs a round trip, however far the host is.

import dns from "node:dns/promises";
import { syncBuiltinESMExports } from "node:module";
import { connect } from "node:net";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as TestClock from "effect/testing/TestClock";
import type { ServerChannel } from "ssh2";
import { Prober } from "@muster/core/inventory/refresh";
import { makePool } from "../src/pool.ts";
import { layerProber } from "../src/prober.ts";
import { makeOperator } from "./operator.ts";
import { barePeer, sshPeer } from "./peer.ts";

/** The names that are looked up until the scope ends. */
const watchNames = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const names: Array<string> = [];
      const { lookup } = dns;
      const watched = (name: string, options: { readonly all: true }) => {
        names.push(name);
        return lookup(name, options);
      };
      Object.assign(dns, { lookup: watched });
      syncBuiltinESMExports();
      return { names, lookup };
    }),
    ({ lookup }) =>
      Effect.sync(() => {
        Object.assign(dns, { lookup });
        syncBuiltinESMExports();
      }),
  ),
  ({ names }) => names,
);

/** A wire to a peer that counts the client's turns: what it sends after it has heard something. */
const countingWire = (port: number) =>
  Effect.gen(function* () {
    const counts = { turns: 0 };
    let hasHeard = true;
    const wire = yield* barePeer((near) => {
      const far = connect({ host: "127.0.0.1", port });
      far.on("error", () => {});
      near.on("data", () => {
        if (hasHeard) counts.turns += 1;
        hasHeard = false;
      });
      far.on("data", () => (hasHeard = true));
      near.on("close", () => far.destroy());
      near.pipe(far).pipe(near);
    });
    return { port: wire.port, counts };
  });

/** Ends well once it has all of its input, as a command that reads does. */
const answerWhenToldAll = (channel: ServerChannel): void => {
  channel.resume();
  channel.once("end", () => {
    channel.exit(0);
    channel.end();
  });
};

const setUp = (hostName: string) =>
  Effect.gen(function* () {
    const peer = yield* sshPeer({ exec: (_, accept) => answerWhenToldAll(accept()) });
    const { port, counts } = yield* countingWire(peer.port);
    const operator = yield* makeOperator;
    operator.configure(`Host web\n  HostName ${hostName}\n  Port ${port}\n  HostKeyAlias peer`);
    operator.know(`peer ${peer.hostKey}`);
    const { config: configFile, surroundings } = operator;
    return { peer, counts, options: { configFile, surroundings } };
  });

const login = ["auth publickey", "auth publickey"];
const command = ["session", "exec true"];

/**
 * Greeting, offer, key, end of the exchange, key offered, key proven; then, and for each later
 * command: channel, command, input, end of the channel.
 */
const mostTurns = { contact: 6, command: 4 };

describe("a contact", () => {
  it.live("asks for a login by the key alone, and for each command twice", () =>
    Effect.gen(function* () {
      const { peer, counts, options } = yield* setUp("127.0.0.1");
      const pool = yield* makePool(options);
      const exec = pool.exec({ host: "web" }, { command: "true", stdin: Buffer.from("values") });
      yield* exec;
      expect(counts.turns).toBeLessThanOrEqual(mostTurns.contact + mostTurns.command);
      expect(peer.asked).toEqual([...login, ...command]);
      const before = counts.turns;
      yield* exec;
      expect(counts.turns - before).toBeLessThanOrEqual(mostTurns.command);
      expect(peer.asked).toEqual([...login, ...command, ...command]);
      expect(peer.counts.begun).toBe(1);
    }).pipe(Effect.scoped),
  );

  it.effect("looks a name up once, and an address never", () =>
    Effect.gen(function* () {
      const names = yield* watchNames;
      for (const [hostName, first, later] of [
        ["localhost", ["localhost"], ["localhost", "localhost"]],
        ["127.0.0.1", [], []],
      ] as const) {
        const { peer, options } = yield* setUp(hostName);
        names.length = 0;
        yield* Effect.gen(function* () {
          const prober = yield* Prober;
          const look = prober.look({ host: "web" }, "fast");
          const { observation } = yield* look;
          expect([observation.contact?.reason, observation.dns?.trouble]).toEqual([null, null]);
          expect(names).toEqual(first);
          // The name may have moved since, while the connection stands.
          yield* TestClock.adjust("1 second");
          yield* look;
          expect(names).toEqual(later);
        }).pipe(Effect.provide(layerProber(options)));
        expect(peer.counts.begun).toBe(1);
      }
    }).pipe(Effect.scoped),
  );
});
