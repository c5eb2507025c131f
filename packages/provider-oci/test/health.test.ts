// Holds how members are asked whether they are well, with real servers at the addresses that OCI tells.

import { createServer as createHttp, type RequestListener } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Health, Observation } from "@muster/core/words/provider";
import { templateMark, type Expansion } from "@muster/core/words/set";
import type { OciSimulator } from "@muster/testkit/oci/index";
import { judge, type Probe } from "../src/health.ts";
import { askHttp, askTcp } from "../src/probe.ts";
import { marksOf } from "../src/sighting.ts";
import { countCalls, makeExpansion, makeWorld, member, observeOne, owner } from "./fleet.ts";

/** Listens at one address of this machine until the scope ends; answers its port. */
const listen = (
  server: Server,
  host: string,
  port = 0,
): Effect.Effect<number, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<number>((resolve, reject) => {
          server.once("error", reject);
          server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
        }),
    ),
    () => Effect.promise(() => new Promise<void>((resolve) => server.close(() => resolve()))),
  );

const answering = (status: number, headers: Readonly<Record<string, string>> = {}) =>
  createHttp((_request, response) => {
    response.writeHead(status, headers);
    response.end("x".repeat(200_000));
  });

const asking = (probe: Probe): Expansion => ({
  ...makeExpansion({ count: 1 }),
  health: { probe, patienceMillis: 300_000 },
});

const healthOf = (seen: Observation): ReadonlyArray<Health | null> => {
  assert.isTrue(seen.complete);
  return seen.complete ? seen.members.map(({ health }) => health) : [];
};

/** A member that runs, at an address of this machine. */
const plant = (
  simulator: OciSimulator,
  slot: number,
  privateIp: string,
  more: Parameters<OciSimulator["addForeign"]>[0] = {},
) =>
  simulator.addForeign({
    freeformTags: marksOf({
      document: "shop",
      owner,
      name: member(slot),
      template: templateMark(makeExpansion().sets[0]!.template),
    }),
    privateIp,
    ...more,
  });

describe("a member that is asked by TCP", () => {
  it.effect("is well when it accepts a connection, and not when it refuses", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const port = yield* listen(createServer(), "127.31.0.1");
      plant(simulator, 1, "127.31.0.1");
      plant(simulator, 2, "127.31.0.2");
      const [one, two] = healthOf(yield* observeOne(handler, asking({ tcp: { port } })));
      assert.deepStrictEqual(one, {
        verdict: "pass",
        text: `127.31.0.1:${port} accepts connections`,
      });
      assert.deepStrictEqual(two, {
        verdict: "fail",
        text: `127.31.0.2:${port} refuses (ECONNREFUSED)`,
      });
    }),
  );

  it.effect("is asked at the address that it was launched with", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld({ addresses: "loopback" });
      const foreign = plant(simulator, 1, "127.10.0.1");
      const port = yield* listen(createServer(), "127.10.0.1");
      const [health] = healthOf(yield* observeOne(handler, asking({ tcp: { port } })));
      assert.strictEqual(health?.verdict, "pass", foreign.id);
    }),
  );
});

describe("a member that is asked by HTTP", () => {
  const http = (port: number, status?: number): Probe => ({
    http: { port, path: "/healthz?deep=1", ...(status === undefined ? {} : { status }) },
  });

  it.effect("is well with an answer from 200 to 299, or the one that is named", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      const asked: Array<string> = [];
      const listener: RequestListener = (request, response) => {
        asked.push(`${request.method} ${request.url}`);
        response.writeHead(204).end();
      };
      const port = yield* listen(createHttp(listener), "127.31.1.1");
      plant(simulator, 1, "127.31.1.1");
      const ask = (probe: Probe) => Effect.map(observeOne(handler, asking(probe)), healthOf);
      const text = `127.31.1.1:${port} answers 204`;
      assert.deepStrictEqual(yield* ask(http(port)), [{ verdict: "pass", text }]);
      assert.deepStrictEqual(yield* ask(http(port, 204)), [{ verdict: "pass", text }]);
      assert.deepStrictEqual(yield* ask(http(port, 200)), [
        { verdict: "fail", text: `${text}, not 200` },
      ]);
      assert.deepStrictEqual([...new Set(asked)], ["GET /healthz?deep=1"]);
    }),
  );

  it.effect("is not sent elsewhere, and its body is not read", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      let strayed = 0;
      const other = yield* listen(
        createHttp((_request, response) => {
          strayed += 1;
          response.end();
        }),
        "127.31.2.2",
      );
      const location = `http://127.31.2.2:${other}/`;
      const port = yield* listen(answering(302, { location }), "127.31.2.1");
      plant(simulator, 1, "127.31.2.1");
      const [health] = healthOf(yield* observeOne(handler, asking(http(port))));
      assert.deepStrictEqual(health, {
        verdict: "fail",
        text: `127.31.2.1:${port} answers 302, not 200 to 299`,
      });
      assert.strictEqual(strayed, 0);
    }),
  );

  it.live("is not well when it accepts and says nothing, or something else", () =>
    Effect.gen(function* () {
      const silent = yield* listen(
        createServer((socket) => {
          socket.on("error", () => {}).resume();
        }),
        "127.31.3.1",
      );
      const question = { port: silent, path: "/" };
      assert.deepStrictEqual(yield* askHttp("127.31.3.1", question, 50), { end: "silent" });
      const gibberish = yield* listen(
        createServer((socket) => {
          socket.on("error", () => {}).resume();
          socket.end("SSH-2.0-OpenSSH\r\n");
        }),
        "127.31.3.2",
      );
      const told = yield* askHttp("127.31.3.2", { port: gibberish, path: "/" }, 2_000);
      assert.strictEqual(told.end, "refused");
    }),
  );
});

describe("how a member is", () => {
  it.effect("is not asked for where no document does, nor of who does not run", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      plant(simulator, 1, "127.31.4.1");
      plant(simulator, 2, "127.31.4.1", { lifecycleState: "STARTING" });
      plant(simulator, 3, "127.31.4.1", { lifecycleState: "STOPPED" });
      assert.deepStrictEqual(healthOf(yield* observeOne(handler, makeExpansion())), [
        null,
        null,
        null,
      ]);
      assert.isUndefined(countCalls(simulator)["ListVnicAttachments"]);
      const [one, two, three] = healthOf(yield* observeOne(handler, asking({ tcp: { port: 9 } })));
      assert.strictEqual(one?.verdict, "fail");
      assert.deepStrictEqual([two, three], [null, null]);
      assert.strictEqual(countCalls(simulator)["ListVnicAttachments"], 1);
    }),
  );

  it.effect("costs two requests a member, once", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      plant(simulator, 1, "127.31.5.1");
      for (let look = 1; look <= 3; look += 1) {
        yield* observeOne(handler, asking({ tcp: { port: 9 } }));
      }
      const { ListVnicAttachments, GetVnic } = countCalls(simulator);
      assert.deepStrictEqual([ListVnicAttachments, GetVnic], [1, 1]);
    }),
  );

  it.effect("is unknown, never bad, while its address is", () =>
    Effect.gen(function* () {
      const { simulator, handler } = yield* makeWorld();
      plant(simulator, 1, "127.31.6.1");
      const ask = Effect.map(observeOne(handler, asking({ tcp: { port: 9 } })), healthOf);
      const message = "no";
      for (const [fault, told] of [
        [
          {
            operation: "GetVnic",
            answer: { status: 404, code: "NotAuthorizedOrNotFound", message },
          },
          "it has no private address yet",
        ],
        [
          {
            operation: "ListVnicAttachments",
            answer: { status: 403, code: "NotAuthorized", message },
          },
          "its address cannot be read: ListVnicAttachments: 403 NotAuthorized: no",
        ],
        [
          { operation: "ListVnicAttachments", answer: "drop" },
          "its address cannot be read: ListVnicAttachments: ",
        ],
      ] as const) {
        simulator.faults.set([fault]);
        const [health] = yield* ask;
        assert.strictEqual(health?.verdict, "unknown");
        assert.include(health?.text, told);
      }
      simulator.faults.clear();
      assert.strictEqual((yield* ask)[0]?.verdict, "fail");
    }),
  );

  it.live("is unknown where there is no way", () =>
    Effect.gen(function* () {
      // The kernel refuses a connection to everybody at once: nothing is sent.
      const measured = yield* askTcp("255.255.255.255", 9, 2_000);
      assert.strictEqual(measured.end, "unreached");
    }),
  );

  it("is unknown where nobody was reached: the way may be closed to us alone", () => {
    const probe: Probe = { tcp: { port: 22 } };
    assert.deepStrictEqual(judge("10.0.0.5", probe, { end: "unreached", code: null }), {
      verdict: "unknown",
      text: "10.0.0.5:22 was not reached within 2 s",
    });
    assert.deepStrictEqual(judge("10.0.0.5", probe, { end: "unreached", code: "EHOSTUNREACH" }), {
      verdict: "unknown",
      text: "10.0.0.5:22 was not reached (EHOSTUNREACH)",
    });
    assert.strictEqual(judge("10.0.0.5", probe, { end: "silent" }).verdict, "fail");
  });
});
