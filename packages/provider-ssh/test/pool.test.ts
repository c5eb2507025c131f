// Holds how many connections are made and kept, and when they end.

import { describe, expect, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as TestClock from "effect/testing/TestClock";
import { makePool, type PoolOptions, Ssh } from "../src/pool.ts";
import { makeOperator } from "./operator.ts";
import { barePeer, sshPeer, type Manners } from "./peer.ts";

/** A peer whose key is known, and a pool; each user is a host of its own. */
const makeFleet = (manners: Manners, options: PoolOptions = {}, config = "") =>
  Effect.gen(function* () {
    const peer = yield* sshPeer(manners);
    const operator = yield* makeOperator;
    operator.configure(
      `${config}\nHost web other\n  HostName 127.0.0.1\n  Port ${peer.port}\nHost *\n  HostKeyAlias peer`,
    );
    operator.know(`peer ${peer.hostKey}`);
    const { config: configFile, surroundings } = operator;
    const pool = yield* makePool({ configFile, surroundings, ...options });
    const exec = (user: string, host = "web") => pool.exec({ host, user }, { command: user });
    return { peer, operator, pool, exec };
  });

/** Holds whatever is handed to it until told to let one, or all, go. */
const makeGate = () => {
  const held: Array<() => void> = [];
  const seen: Array<Deferred.Deferred<void>> = [];
  let most = 0;
  let now = 0;
  const at = (count: number): Deferred.Deferred<void> =>
    (seen[count] ??= Deferred.makeUnsafe<void>());
  let total = 0;
  return {
    hold: (go: () => void): void => {
      now += 1;
      most = Math.max(most, now);
      held.push(() => {
        now -= 1;
        go();
      });
      total += 1;
      Deferred.doneUnsafe(at(total), Effect.void);
    },
    letGo: (): void => held.shift()!(),
    /** Ends when so many have come, all in all. */
    came: (count: number) => Deferred.await(at(count)),
    now: () => now,
    most: () => most,
  };
};

const heldExec = (gate: ReturnType<typeof makeGate>): Manners => ({
  exec: (_, accept) => {
    const channel = accept();
    gate.hold(() => {
      channel.exit(0);
      channel.end();
    });
  },
});

const heldLogin = (gate: ReturnType<typeof makeGate>): Manners => ({
  login: (_, accept) => gate.hold(accept),
});

/** As long as some whole contacts take elsewhere: who was not held back has come by then. */
const aWhile = Effect.gen(function* () {
  const { exec } = yield* makeFleet({});
  for (const user of users(8)) yield* exec(user);
}).pipe(Effect.scoped);

const users = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`);

describe("a host", () => {
  it.effect("has one connection, at the same time, later, and under each of its names", () =>
    Effect.gen(function* () {
      const { peer, exec } = yield* makeFleet({});
      const all = Array.from({ length: 5 }, () => exec("ada"));
      yield* Effect.all(all, { concurrency: "unbounded" });
      yield* exec("ada", "other");
      expect(peer.counts).toEqual({ begun: 1, ended: 0 });
      expect(peer.asked.filter((asked) => asked === "exec ada")).toHaveLength(6);
      yield* exec("bob");
      expect(peer.counts.begun).toBe(2);
    }).pipe(Effect.scoped),
  );

  it.effect("is let go after a minute without use, and not sooner", () =>
    Effect.gen(function* () {
      const { peer, exec } = yield* makeFleet({});
      yield* exec("ada");
      yield* TestClock.adjust("59 seconds");
      yield* exec("ada");
      yield* TestClock.adjust("59 seconds");
      yield* exec("ada");
      expect(peer.counts).toEqual({ begun: 1, ended: 0 });
      yield* TestClock.adjust("60 seconds");
      yield* peer.closed;
      yield* exec("ada");
      expect(peer.counts).toEqual({ begun: 2, ended: 1 });
    }).pipe(Effect.scoped),
  );

  it.effect("that ended its connection is connected anew", () =>
    Effect.gen(function* () {
      let connection: { end: () => void } | undefined;
      const { peer, exec, pool } = yield* makeFleet({
        login: (each, accept) => {
          connection = each;
          accept();
        },
      });
      yield* exec("ada");
      const ended = yield* pool.reach({ host: "web", user: "ada" }, ({ ended }) =>
        Effect.succeed(ended),
      );
      connection!.end();
      yield* ended;
      yield* Effect.all([exec("ada"), exec("ada")], { concurrency: 2 });
      expect(peer.counts.begun).toBe(2);
    }).pipe(Effect.scoped),
  );

  it.effect("that was refused once is asked again the next time", () =>
    Effect.gen(function* () {
      let open = false;
      const { exec } = yield* makeFleet({
        login: (_, accept, reject) => (open ? accept() : reject()),
      });
      const both = yield* Effect.all(
        [Effect.flip(exec("ada")), Effect.flip(exec("ada", "other"))],
        {
          concurrency: 2,
        },
      );
      expect(both.map(({ reason, host }) => [reason, host])).toEqual([
        ["auth", "web"],
        ["auth", "other"],
      ]);
      open = true;
      expect((yield* exec("ada")).code).toBe(0);
    }).pipe(Effect.scoped),
  );
});

describe("many hosts", () => {
  it.effect("are spoken with in a sliding window", () =>
    Effect.gen(function* () {
      const gate = makeGate();
      const { exec } = yield* makeFleet(heldExec(gate), { concurrency: 3 });
      const fiber = yield* Effect.forkChild(
        Effect.all(
          users(8).map((user) => exec(user)),
          { concurrency: "unbounded" },
        ),
      );
      yield* gate.came(3);
      yield* aWhile;
      expect(gate.now()).toBe(3);
      // One that is done makes room for the next, whatever the others do.
      for (let done = 1; done <= 5; done += 1) {
        gate.letGo();
        yield* gate.came(3 + done);
      }
      for (let left = 0; left < 3; left += 1) gate.letGo();
      expect(yield* Fiber.join(fiber)).toHaveLength(8);
      expect(gate.most()).toBe(3);
    }).pipe(Effect.scoped),
  );

  it.effect("behind one other log in a few at a time, through one connection", () =>
    Effect.gen(function* () {
      const gate = makeGate();
      const bastion = yield* sshPeer({});
      const { peer, operator, exec } = yield* makeFleet(
        heldLogin(gate),
        { handshakesPerBastion: 2 },
        `Host bastion\n  HostName 127.0.0.1\n  Port ${bastion.port}\n  HostKeyAlias bastion\nHost web\n  ProxyJump jump@bastion`,
      );
      operator.know(`peer ${peer.hostKey}`, `bastion ${bastion.hostKey}`);
      const fiber = yield* Effect.forkChild(
        Effect.all(
          users(5).map((user) => exec(user)),
          { concurrency: "unbounded" },
        ),
      );
      yield* gate.came(2);
      yield* aWhile;
      expect(gate.now()).toBe(2);
      for (let done = 1; done <= 3; done += 1) {
        gate.letGo();
        yield* gate.came(2 + done);
      }
      gate.letGo();
      gate.letGo();
      yield* Fiber.join(fiber);
      expect(gate.most()).toBe(2);
      expect(bastion.counts).toEqual({ begun: 1, ended: 0 });
      expect(bastion.asked.filter((asked) => asked.startsWith("forward"))).toHaveLength(5);
    }).pipe(Effect.scoped),
  );

  it.effect("that ask one agent log in a few at a time", () =>
    Effect.gen(function* () {
      const gate = makeGate();
      const { exec } = yield* makeFleet(
        heldLogin(gate),
        { handshakesPerAgent: 2 },
        "IdentityAgent /nowhere/agent",
      );
      const fiber = yield* Effect.forkChild(
        Effect.all(
          users(4).map((user) => exec(user)),
          { concurrency: "unbounded" },
        ),
      );
      yield* gate.came(2);
      yield* aWhile;
      expect(gate.now()).toBe(2);
      for (let done = 1; done <= 2; done += 1) {
        gate.letGo();
        yield* gate.came(2 + done);
      }
      gate.letGo();
      gate.letGo();
      yield* Fiber.join(fiber);
      expect(gate.most()).toBe(2);
    }).pipe(Effect.scoped),
  );

  it.effect("keep no more connections than they may: the longest unused one goes", () =>
    Effect.gen(function* () {
      const { peer, exec } = yield* makeFleet({}, { maxConnections: 2 });
      for (const user of ["a", "b", "a"]) yield* exec(user);
      expect(peer.counts).toEqual({ begun: 2, ended: 0 });
      yield* exec("c");
      yield* peer.closed;
      yield* exec("a");
      expect(peer.counts).toEqual({ begun: 3, ended: 1 });
    }).pipe(Effect.scoped),
  );
});

describe("what the configuration asks for in vain", () => {
  it.effect("is told once, however many hosts it concerns, and not without end", () =>
    Effect.gen(function* () {
      const { pool, exec } = yield* makeFleet({}, {}, "Host *\n  ForwardAgent yes\n  Wonder 1");
      expect(pool.findings()).toEqual([]);
      yield* exec("a");
      yield* exec("b", "other");
      expect(pool.findings().map(({ line, message }) => `${line} ${message}`)).toEqual([
        "2 forwarding the agent is never obeyed",
        '3 "wonder" is not a word that muster knows',
      ]);
      const words = Array.from({ length: 150 }, (_, index) => `  Wonder${index} 1`).join("\n");
      const strange = yield* makeFleet({}, {}, `Host *\n${words}`);
      yield* strange.exec("a");
      expect(strange.pool.findings().length).toBe(100);
    }).pipe(Effect.scoped),
  );
});

describe("the end", () => {
  it.effect("of the layer ends every connection", () =>
    Effect.gen(function* () {
      const { peer, operator } = yield* makeFleet({});
      const { config: configFile, surroundings } = operator;
      yield* Effect.gen(function* () {
        const ssh = yield* Ssh;
        expect(ssh.findings()).toEqual([]);
        yield* ssh.exec({ host: "web", user: "ada" }, { command: "true" });
        expect(peer.counts).toEqual({ begun: 1, ended: 0 });
      }).pipe(Effect.provide(Ssh.layer({ configFile, surroundings })));
      yield* peer.closed;
    }).pipe(Effect.scoped),
  );

  it.effect("of who waits for a connection ends the attempt, unless others wait for it", () =>
    Effect.gen(function* () {
      const begun = Deferred.makeUnsafe<void>();
      const peer = yield* barePeer(() => void Deferred.doneUnsafe(begun, Effect.void));
      const { pool } = yield* makeFleet({});
      const silent = pool.exec({ host: "127.0.0.1", port: peer.port }, { command: "true" });
      const one = yield* Effect.forkChild(silent);
      const two = yield* Effect.forkChild(silent);
      yield* Deferred.await(begun);
      yield* Fiber.interrupt(one);
      yield* Fiber.interrupt(two);
      yield* peer.closed;
    }).pipe(Effect.scoped),
  );

  it.effect("of a way in between is told with its name", () =>
    Effect.gen(function* () {
      const { exec } = yield* makeFleet({}, {}, "Host web\n  ProxyJump 127.0.0.1:1");
      const end = yield* Effect.flip(exec("ada"));
      expect(end).toMatchObject({ reason: "refused", step: "tcp", host: "web" });
      expect(end.message).toContain('"web" (on the way, at "127.0.0.1"): no connection to');
    }).pipe(Effect.scoped),
  );
});
