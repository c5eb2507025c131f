// Holds what a fleet daemon answers over real HTTP: the fields of its specification, and every refusal.

import { assert, describe, it } from "@effect/vitest";
import { Validator } from "@seriousme/openapi-schema-validator";
import * as Cause from "effect/Cause";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Logger from "effect/Logger";
import * as Schema from "effect/Schema";
import * as TestClock from "effect/testing/TestClock";
import {
  FleetAnswer,
  FleetControlStatus,
  FleetFailed,
  FleetMetrics,
} from "@muster/sdk/fleet-contract";
import { serveFleet, ServerError } from "../../src/index.ts";
import { bodyLimit } from "../../src/fleet/body.ts";
import { FleetError } from "../../src/fleet/reply.ts";
import type { Answer } from "../asking.ts";
import { answerOf, asJson, bearer, calm, makeFakeFleet, override, token } from "./fake-control.ts";
import { open, turnsUntil } from "./opened.ts";

const decode =
  <A>(schema: Schema.Codec<A>) =>
  ({ body }: Answer): A =>
    Schema.decodeUnknownSync(schema)(JSON.parse(body), { onExcessProperty: "error" });

const errorOf = (answer: Answer) => decode(FleetError)(answer).error;

/** The text, and everything else of an answer that a reason needs. */
const refused = (answer: Answer) => [answer.status, errorOf(answer).reason];

describe("what a daemon tells", () => {
  it.effect("has the names and types of the specification", () =>
    Effect.gen(function* () {
      const { get, set } = yield* open();
      const health = yield* get("/healthz");
      assert.deepStrictEqual([health.status, health.body], [200, "ok"]);
      const status = yield* get("/status");
      assert.strictEqual(status.headers["content-type"], "text/plain; charset=utf-8");
      assert.strictEqual(
        status.body,
        "web-fleet: 3 local, 3 remote\nno drift \\u{1b}[2J\n".replace("\\\\", "\\"),
      );
      yield* set((metrics) => ({ ...metrics, control: { ...metrics.control, override } }));
      const metrics = yield* get("/metrics");
      assert.strictEqual(metrics.headers["content-type"], "application/json");
      assert.deepStrictEqual(decode(FleetMetrics)(metrics), {
        ...calm,
        control: { ...calm.control, override },
      });
      const control = decode(FleetControlStatus)(yield* get("/control"));
      assert.deepStrictEqual(control, { ...calm.control, override });
    }).pipe(Effect.scoped),
  );

  it.effect("is new in the very next answer", () =>
    Effect.gen(function* () {
      const { get, set } = yield* open();
      for (const turn of [8, 9, 10, 11]) {
        yield* set((metrics) => ({ ...metrics, control: { ...metrics.control, loopCount: turn } }));
        assert.strictEqual(decode(FleetMetrics)(yield* get("/metrics")).control.loopCount, turn);
        assert.strictEqual(decode(FleetControlStatus)(yield* get("/control")).loopCount, turn);
        const text = yield* get("/metrics", { accept: "text/plain;version=0.0.4" });
        assert.match(
          text.body,
          new RegExp(`^muster_fleet_loop_turns_total\\{.*\\} ${turn}$`, "mu"),
        );
      }
    }).pipe(Effect.scoped),
  );

  it.effect("is answered to HEAD without a body, and to no other method", () =>
    Effect.gen(function* () {
      const { ask } = yield* open();
      for (const path of [
        "/healthz",
        "/status",
        "/metrics",
        "/control",
        "/events",
        "/",
        "/page.js",
      ]) {
        const head = yield* ask({ path, method: "HEAD" });
        assert.deepStrictEqual([head.status, head.body], [200, ""], path);
        for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
          const wrong = yield* ask({ path, method });
          assert.deepStrictEqual(refused(wrong), [405, "WrongMethod"], `${method} ${path}`);
          assert.strictEqual(wrong.headers.allow, "GET, HEAD");
        }
      }
      for (const method of ["GET", "HEAD", "PUT", "OPTIONS"]) {
        const wrong = yield* ask({ path: "/scale", method, headers: bearer });
        assert.deepStrictEqual([wrong.status, wrong.headers.allow], [405, "POST"], method);
      }
      for (const path of ["/x", "/metrics/", "//metrics", "/__proto__", "/page", "/page/page.js"]) {
        assert.deepStrictEqual(refused(yield* ask({ path })), [404, "NotFound"], path);
      }
      assert.strictEqual((yield* ask({ path: "/healthz?x=/scale" })).status, 200);
      const body = { path: "/metrics", body: "x", headers: { "content-length": "1" } };
      assert.deepStrictEqual(refused(yield* ask(body)), [413, "TooLarge"]);
    }).pipe(Effect.scoped),
  );

  it.effect("may be that it is stuck, that status failed, or that metrics broke", () =>
    Effect.gen(function* () {
      const health = Effect.succeed({
        startedAt: 0,
        lastTickAt: null,
        lastTickOk: null,
        lastError: null,
        stuckAfterMillis: 60_000,
        units: { total: 1, failing: 0 },
      });
      const { control } = yield* makeFakeFleet;
      const unread = new FleetFailed({
        reason: "Failed",
        message: "no answer from \u001b[31mOCI",
        remedy: "try again",
      });
      const broken = {
        ...control,
        status: Effect.fail(unread),
        metrics: Effect.die(new Error("secret inside")),
      };
      const { get } = yield* open({ control: broken, health });
      yield* TestClock.adjust("600 seconds");
      const stuck = yield* get("/healthz");
      assert.strictEqual(stuck.status, 503);
      assert.include(stuck.body, "no turn of the loop has ended for 600 s");
      const failed = yield* get("/status");
      assert.deepStrictEqual(refused(failed), [502, "Failed"]);
      assert.strictEqual(errorOf(failed).message, "no answer from \\u{1b}[31mOCI");
      const died = yield* get("/metrics");
      assert.deepStrictEqual(refused(died), [500, "Internal"]);
      assert.notInclude(died.body, "secret");
    }).pipe(Effect.scoped),
  );
});

describe("a change", () => {
  it.effect("is answered at its end, with what it came to", () =>
    Effect.gen(function* () {
      const { post, asked } = yield* open();
      const scaled = yield* post("/scale", '{"desired": 5, "reason": "a sale", "for": "2h"}');
      assert.strictEqual(scaled.status, 200);
      assert.deepStrictEqual(decode(FleetAnswer)(scaled), answerOf("scale-up", 5));
      assert.strictEqual((yield* post("/rolling-restart", "")).status, 200);
      assert.strictEqual((yield* post("/rolling-restart", '{"reason":"keys"}')).status, 200);
      assert.strictEqual((yield* post("/sync-state", "")).status, 200);
      assert.strictEqual((yield* post("/sync-state", "{}")).status, 200);
      const by = "token holder at 127.0.0.1";
      assert.deepStrictEqual(asked, [
        ["scale-up", { desired: 5, reason: "a sale", for: "2h" }, by],
        ["rolling-restart", {}, by],
        ["rolling-restart", { reason: "keys" }, by],
        ["sync-state", {}, by],
        ["sync-state", {}, by],
      ]);
    }).pipe(Effect.scoped),
  );

  it.effect("is refused while another runs, by name; the first gets its answer", () =>
    Effect.gen(function* () {
      const { post, hold, asked } = yield* open();
      const gate = yield* hold();
      const first = yield* Effect.forkChild(post("/scale", '{"desired":4}'));
      yield* turnsUntil(() => asked.length === 1);
      for (const path of ["/scale", "/rolling-restart", "/sync-state"]) {
        const second = yield* post(path, path === "/scale" ? '{"desired":9}' : "");
        assert.strictEqual(second.status, 409);
        assert.deepStrictEqual(errorOf(second), {
          reason: "Busy",
          message: "scale-up is under way",
          remedy: "wait for its end",
          operation: "scale-up",
          holder: "ann@host, process 4711",
        });
      }
      yield* Deferred.succeed(gate, answerOf("scale-up", 4));
      assert.strictEqual((yield* Fiber.join(first)).status, 200);
    }).pipe(Effect.scoped),
  );

  it.effect("goes on when who asked for it went away", () =>
    Effect.gen(function* () {
      const { port, hold, asked, post } = yield* open();
      const gate = yield* hold();
      const gone = new AbortController();
      const sent = fetch(`http://127.0.0.1:${port}/scale`, {
        method: "POST",
        headers: { ...bearer, ...asJson },
        body: '{"desired":4}',
        signal: gone.signal,
      }).catch(() => undefined);
      yield* turnsUntil(() => asked.length === 1);
      gone.abort();
      yield* Effect.promise(() => sent);
      assert.strictEqual((yield* post("/sync-state", "")).status, 409);
      yield* Deferred.succeed(gate, answerOf("scale-up", 4));
    }).pipe(Effect.scoped),
  );

  it.effect("that fails says why, how far it came and what to do", () =>
    Effect.gen(function* () {
      for (const [reason, status] of [
        ["Invalid", 400],
        ["Refused", 422],
        ["Failed", 502],
      ] as const) {
        const { control } = yield* makeFakeFleet;
        const error = new FleetFailed({
          reason,
          message: `so it is \u202e${reason}`,
          remedy: "muster approve abc",
          answer: answerOf("scale-up", 4),
        });
        const { post } = yield* open({ control: { ...control, scale: () => Effect.fail(error) } });
        const answer = yield* post("/scale", '{"desired":4}');
        assert.deepStrictEqual(refused(answer), [status, reason]);
        assert.strictEqual(errorOf(answer).message, `so it is \\u{202e}${reason}`);
        assert.deepStrictEqual(decode(FleetError)(answer).answer, answerOf("scale-up", 4));
      }
      const { control } = yield* makeFakeFleet;
      const { post } = yield* open({
        control: { ...control, scale: () => Effect.die(new Error("secret inside")) },
      });
      const died = yield* post("/scale", '{"desired":4}');
      assert.deepStrictEqual(refused(died), [500, "Internal"]);
      assert.notInclude(died.body, "secret");
    }).pipe(Effect.scoped),
  );

  it.effect("is in the log when it died of a fault, as the answer says", () => {
    const logged: Array<string> = [];
    const logger = Logger.make<unknown, void>(({ message, cause }) => {
      logged.push(`${String(message)} ${Cause.pretty(cause)}`);
    });
    return Effect.gen(function* () {
      const { control } = yield* makeFakeFleet;
      const broken = { ...control, scale: () => Effect.die(new Error("a hole in it")) };
      const { post } = yield* open({ control: broken });
      assert.include((yield* post("/scale", '{"desired":4}')).body, "look into its log");
      assert.lengthOf(logged, 1);
      assert.include(logged[0], "/scale: a fault in muster");
      assert.include(logged[0], "a hole in it");
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([logger])));
  });

  it.effect("is read strictly: what is wrong with a body is said, and nothing is done", () =>
    Effect.gen(function* () {
      const { post, asked } = yield* open();
      const said = (body: string, path = "/scale") =>
        Effect.map(post(path, body), (answer) => {
          assert.deepStrictEqual(refused(answer), [400, "Invalid"], body);
          return errorOf(answer).message;
        });
      assert.include(yield* said(""), "desired: Missing key");
      assert.include(yield* said("{"), "it is no JSON");
      assert.include(yield* said('{"desired":"3"}'), "desired: Expected number");
      assert.include(yield* said('{"desired":1.5}'), "desired: ");
      assert.include(yield* said('{"desired":-1}'), "desired: ");
      assert.include(yield* said('{"desired":10001}'), "desired: ");
      assert.include(yield* said('{"desired":1e999}'), "desired: ");
      const both = yield* said('{"desired":"3","wanted":4}');
      assert.include(both, "desired: ");
      assert.include(both, "wanted: ");
      for (const body of ["null", "[]", "3", '"3"']) yield* said(body);
      assert.include(yield* said('{"desired":3}', "/sync-state"), "desired: ");
      assert.notInclude(yield* said('{"desired":"\\u001b[2J"}'), "\u001b");
      assert.deepStrictEqual(asked, []);
    }).pipe(Effect.scoped),
  );

  it.effect("has a small body of JSON", () =>
    Effect.gen(function* () {
      const { post, asked, ask } = yield* open();
      const padded = (size: number) => `{"desired":3}${" ".repeat(size - 13)}`;
      assert.strictEqual((yield* post("/scale", padded(bodyLimit))).status, 200);
      const large = yield* post("/scale", padded(bodyLimit + 1));
      assert.deepStrictEqual(refused(large), [413, "TooLarge"]);
      const chunked = yield* post("/scale", padded(bodyLimit + 1), {
        "transfer-encoding": "chunked",
      });
      assert.deepStrictEqual(refused(chunked), [413, "TooLarge"]);
      for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/jsonp"]) {
        const wrong = yield* post("/scale", '{"desired":3}', { "content-type": type });
        assert.deepStrictEqual(refused(wrong), [415, "WrongType"], type);
      }
      const untyped = { path: "/scale", method: "POST", body: '{"desired":3}', headers: bearer };
      assert.deepStrictEqual(refused(yield* ask(untyped)), [415, "WrongType"]);
      const named = { "content-type": 'Application/JSON; charset="UTF-8"' };
      assert.strictEqual((yield* post("/scale", '{"desired":3}', named)).status, 200);
      assert.strictEqual(asked.length, 2);
    }).pipe(Effect.scoped),
  );
});

describe("the description", () => {
  it.effect("is OpenAPI 3.0 of every endpoint, and closes the requests", () =>
    Effect.gen(function* () {
      const { get } = yield* open();
      const document = JSON.parse((yield* get("/openapi.json")).body) as OpenApi;
      const found = yield* Effect.promise(() => new Validator().validate({ ...document }));
      assert.deepStrictEqual(found, { valid: true });
      assert.match(document.openapi, /^3\.0\.\d$/u);
      const methods = Object.entries(document.paths).map(([path, item]) => {
        const [method = "", ...others] = Object.keys(item);
        assert.deepStrictEqual(others, []);
        return `${method} ${path}`;
      });
      assert.deepStrictEqual(methods, [
        ...["get /healthz", "get /status", "get /metrics", "get /control", "get /events"],
        ...["post /scale", "post /rolling-restart", "post /sync-state", "get /openapi.json"],
        ...["get /", "get /page.css", "get /page.js", "get /icon.svg"],
      ]);
      const { ScaleRequest, FleetControlStatus: Status } = document.components.schemas;
      assert.deepEqual<unknown>(ScaleRequest, {
        type: "object",
        properties: {
          desired: { type: "integer", minimum: 0, maximum: 10_000 },
          reason: { type: "string" },
          for: { type: "string" },
        },
        required: ["desired"],
        additionalProperties: false,
      });
      const nullable = Status?.properties["override"] as { nullable: boolean; type: string };
      assert.deepStrictEqual([nullable.type, nullable.nullable], ["object", true]);
      assert.deepStrictEqual(Status?.properties["loopCount"], { type: "integer" });
      const scale = document.paths["/scale"]?.["post"];
      assert.deepStrictEqual(scale?.security, [{ token: [] }]);
      assert.deepStrictEqual(Object.keys(scale?.responses ?? {}), [
        "200",
        "400",
        "401",
        "403",
        "409",
        "413",
        "415",
        "422",
        "500",
        "502",
        "503",
      ]);
      assert.isUndefined(document.paths["/metrics"]?.["get"]?.security);
    }).pipe(Effect.scoped),
  );
});

interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly security?: unknown; readonly responses: object }>>
    >
  >;
  readonly components: {
    readonly schemas: Readonly<
      Record<
        string,
        { readonly type: string; readonly properties: Readonly<Record<string, unknown>> }
      >
    >;
  };
}

describe("where it listens", () => {
  it.effect("is this machine alone, unless the operator says otherwise", () =>
    Effect.gen(function* () {
      const { url, messages, port } = yield* open();
      assert.strictEqual(url, `http://127.0.0.1:${port}`);
      assert.deepStrictEqual(messages, [`only this machine reaches ${url}`]);
      const { control } = yield* makeFakeFleet;
      for (const address of ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "fleet.example:0"]) {
        const error = yield* Effect.flip(serveFleet({ address, control, token }));
        assert.instanceOf(error, ServerError);
        assert.strictEqual(error.reason, "Invalid");
        assert.include(error.message, "others could reach");
      }
      const wide = yield* open({ address: "0.0.0.0:0", allowPublic: true });
      assert.include(wide.messages[0], "without TLS");
    }).pipe(Effect.scoped),
  );
});
