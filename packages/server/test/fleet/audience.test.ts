// Holds that listeners hear each change, that there are not too many of them, and none that is stuck.

import { connect, type Socket } from "node:net";
import { assert, describe, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Exit from "effect/Exit";
import * as Fiber from "effect/Fiber";
import * as Scope from "effect/Scope";
import * as TestClock from "effect/testing/TestClock";
import type { FleetMetrics } from "@muster/sdk/fleet-contract";
import { audienceLimit, heartbeatMillis } from "../../src/fleet/audience.ts";
import { connectionLimit } from "../../src/listener.ts";
import { answerOf, calm } from "./fake-control.ts";
import { open, turnsUntil } from "./opened.ts";

interface Listener {
  readonly socket: Socket;
  heard: string;
  isClosed: boolean;
}

/** Listens with a bare socket; `deaf` never takes what comes. */
const listen = (port: number, deaf = false): Effect.Effect<Listener> =>
  Effect.sync(() => {
    const socket = connect(port, "127.0.0.1");
    const listener: Listener = { socket, heard: "", isClosed: false };
    socket.write(`GET /events HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    socket.on("error", () => undefined);
    socket.on("close", () => (listener.isClosed = true));
    if (!deaf) socket.on("data", (chunk: Buffer) => (listener.heard += chunk.toString()));
    return listener;
  });

const metricsIn = ({ heard }: Listener): ReadonlyArray<FleetMetrics> =>
  [...heard.matchAll(/^event: metrics\ndata: (.*)\n\n/gmu)].map(
    ([, data]) => JSON.parse(data!) as FleetMetrics,
  );

const turned = (loopCount: number) => (metrics: FleetMetrics) => ({
  ...metrics,
  control: { ...metrics.control, loopCount },
});

const hears = (listener: Listener, loopCount: number) =>
  turnsUntil(() => metricsIn(listener).at(-1)?.control.loopCount === loopCount);

describe("a listener", () => {
  it.effect("hears what is known at once, then each change, and a sign of life", () =>
    Effect.gen(function* () {
      const { port, set } = yield* open();
      const listener = yield* listen(port);
      yield* hears(listener, 7);
      assert.match(listener.heard, /^HTTP\/1\.1 200 OK\r\n/u);
      assert.match(listener.heard, /^content-type: text\/event-stream; charset=utf-8\r$/mu);
      assert.include(listener.heard, "retry: 2000\n\n");
      assert.deepStrictEqual(metricsIn(listener), [calm]);
      yield* set(turned(8));
      yield* hears(listener, 8);
      const late = yield* listen(port);
      yield* hears(late, 8);
      assert.strictEqual(metricsIn(late).length, 1);
      assert.notInclude(listener.heard, ": nothing new");
      yield* TestClock.adjust(heartbeatMillis);
      yield* turnsUntil(() => listener.heard.includes(": nothing new\n\n"));
    }).pipe(Effect.scoped),
  );

  it.effect("is refused when there are too many, and let in when one went", () =>
    Effect.gen(function* () {
      const { port, get, ask } = yield* open();
      const listeners = yield* Effect.forEach(Array.from({ length: audienceLimit }), () =>
        listen(port),
      );
      for (const listener of listeners) yield* hears(listener, 7);
      const refused = yield* get("/events");
      assert.deepStrictEqual([refused.status, refused.headers["retry-after"]], [503, "30"]);
      // Who only asks is still answered: listeners cannot take every connection.
      assert.isAbove(connectionLimit, audienceLimit + 16);
      assert.strictEqual((yield* get("/metrics")).status, 200);
      listeners[0]!.socket.destroy();
      yield* Effect.promise(async () => {
        const free = async () =>
          (await Effect.runPromise(ask({ path: "/events", method: "HEAD" }))).status === 200;
        while (!(await free()));
      });
      yield* hears(yield* listen(port), 7);
    }).pipe(Effect.scoped),
  );

  it.effect("that takes nothing is dropped, and meanwhile costs one message", () =>
    Effect.gen(function* () {
      const { port, set } = yield* open();
      const deaf = yield* listen(port, true);
      const keen = yield* listen(port);
      yield* hears(keen, 7);
      // More than every buffer on the way can hold.
      const long = "x".repeat(1_000_000);
      for (let turn = 8; turn < 40; turn += 1) {
        yield* set((metrics) => turned(turn)({ ...metrics, fleet: `${turn}${long}` }));
        yield* hears(keen, turn);
        keen.heard = keen.heard.slice(-2_000_000);
      }
      yield* TestClock.adjust(heartbeatMillis);
      yield* set(turned(40));
      yield* hears(keen, 40);
      assert.isFalse(deaf.isClosed);
      yield* TestClock.adjust(heartbeatMillis);
      deaf.socket.resume();
      yield* turnsUntil(() => deaf.isClosed);
      assert.isFalse(keen.isClosed);
      keen.socket.destroy();
    }).pipe(Effect.scoped),
  );

  it.effect("that was slow hears the newest, and not all that it missed", () =>
    Effect.gen(function* () {
      const { port, set } = yield* open();
      const slow = yield* listen(port, true);
      const keen = yield* listen(port);
      yield* hears(keen, 7);
      const long = "x".repeat(1_000_000);
      for (let turn = 8; turn < 40; turn += 1) {
        yield* set((metrics) => turned(turn)({ ...metrics, fleet: long }));
        yield* hears(keen, turn);
        keen.heard = keen.heard.slice(-2_000_000);
      }
      slow.socket.on("data", (chunk: Buffer) => (slow.heard += chunk.toString()));
      yield* hears(slow, 39);
      assert.isBelow(metricsIn(slow).length, 25);
      slow.socket.destroy();
      keen.socket.destroy();
    }).pipe(Effect.scoped),
  );
});

describe("the end of a daemon", () => {
  it.effect("sends listeners away, lets a running change answer, and takes no other", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make();
      const daemon = yield* open({ graceMillis: 60_000 }).pipe(Scope.provide(scope));
      const listener = yield* listen(daemon.port);
      yield* hears(listener, 7);
      const gate = yield* daemon.hold();
      const running = yield* Effect.forkChild(daemon.post("/scale", '{"desired":4}'));
      yield* turnsUntil(() => daemon.asked.length === 1);
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void));
      yield* turnsUntil(() => listener.isClosed);
      yield* TestClock.adjust(59_000);
      assert.isUndefined(closing.pollUnsafe());
      yield* Deferred.succeed(gate, answerOf("scale-up", 4));
      assert.strictEqual((yield* Fiber.join(running)).status, 200);
      yield* Fiber.join(closing);
      const late = yield* Effect.exit(daemon.get("/healthz"));
      assert.isTrue(Exit.isFailure(late));
    }),
  );

  it.effect("interrupts a change that takes too long, and says so", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make();
      const daemon = yield* open({ graceMillis: 60_000 }).pipe(Scope.provide(scope));
      yield* daemon.hold();
      const running = yield* Effect.forkChild(daemon.post("/rolling-restart", ""));
      yield* turnsUntil(() => daemon.asked.length === 1);
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void));
      yield* TestClock.adjust(60_000);
      const answer = yield* Fiber.join(running);
      assert.strictEqual(answer.status, 503);
      assert.include(answer.body, "the daemon ends");
      yield* Fiber.join(closing);
    }),
  );
});
