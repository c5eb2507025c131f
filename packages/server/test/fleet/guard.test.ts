// Holds who may ask a fleet daemon and who may change something: no other page, no other name, no
// one without the token.

import { readFileSync } from "node:fs";
import { assert, describe, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Redacted from "effect/Redacted";
import { asJson, bearer, token } from "./fake-control.ts";
import { open } from "./opened.ts";

const everyPath = [
  ...["/", "/page.js", "/healthz", "/status", "/metrics", "/control", "/events", "/openapi.json"],
  ...["/scale", "/rolling-restart", "/sync-state", "/nowhere"],
];

/** As a browser sends it for a page of its own. */
const navigation = {
  "sec-fetch-site": "cross-site",
  "sec-fetch-mode": "navigate",
  "sec-fetch-dest": "document",
};

describe("a name that is not ours", () => {
  it.effect("gets nothing at any path, whatever else it knows", () =>
    Effect.gen(function* () {
      const { ask, asked } = yield* open({ names: ["fleet.example"] });
      for (const host of ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "a@b"]) {
        for (const path of everyPath) {
          for (const method of ["GET", "POST"]) {
            const headers = { ...bearer, ...asJson, host };
            const body = method === "POST" ? { body: '{"desired":3}' } : {};
            const { status, body: said } = yield* ask({ path, method, headers, ...body });
            assert.strictEqual(status, 403, `${method} ${path} as ${host}`);
            assert.notInclude(said, "web-fleet");
          }
        }
      }
      assert.deepStrictEqual(asked, []);
      for (const host of ["localhost", "127.0.0.1:1", "[::1]:8080", "FLEET.example:443"]) {
        assert.strictEqual((yield* ask({ path: "/metrics", headers: { host } })).status, 200, host);
      }
    }).pipe(Effect.scoped),
  );
});

describe("a page of another origin", () => {
  it.effect("gets nothing, not even with the token", () =>
    Effect.gen(function* () {
      const { ask, asked, port, url } = yield* open();
      const foreign = [
        { origin: "https://evil.example" },
        { origin: "null" },
        { origin: `http://127.0.0.1:${port + 1}` },
        { origin: `http://localhost:${port}` },
        { origin: `${url}.evil.example` },
        { origin: `file://127.0.0.1:${port}` },
        { "sec-fetch-site": "cross-site" },
        { "sec-fetch-site": "same-site" },
        { ...navigation, "sec-fetch-dest": "iframe" },
        { ...navigation, "sec-fetch-mode": "no-cors" },
      ];
      for (const from of foreign) {
        for (const path of everyPath) {
          const headers = { ...bearer, ...asJson, ...from } as Record<string, string>;
          const answer = yield* ask({ path, headers });
          assert.strictEqual(answer.status, 403, `${path} from ${JSON.stringify(from)}`);
          const change = yield* ask({ path, method: "POST", headers, body: '{"desired":3}' });
          assert.strictEqual(change.status, 403, `POST ${path} from ${JSON.stringify(from)}`);
          const preflight = yield* ask({ path, method: "OPTIONS", headers });
          assert.strictEqual(preflight.status, 403);
          for (const { headers: got } of [answer, change, preflight]) {
            const cors = Object.keys(got).filter((name) => name.startsWith("access-control-"));
            assert.deepStrictEqual(cors, []);
          }
        }
      }
      assert.deepStrictEqual(asked, []);
    }).pipe(Effect.scoped),
  );

  it.effect("may link here, and our own page may ask, also through a proxy", () =>
    Effect.gen(function* () {
      const { ask, url } = yield* open({ names: ["fleet.example"] });
      const own: ReadonlyArray<Record<string, string>> = [
        navigation,
        { "sec-fetch-site": "none" },
        { "sec-fetch-site": "same-origin", origin: url },
        { host: "fleet.example", origin: "https://fleet.example" },
        { host: "fleet.example:443", origin: "https://fleet.example" },
        { host: "fleet.example:8443", origin: "https://fleet.example:8443" },
      ];
      for (const headers of own) {
        const { status } = yield* ask({ path: "/", headers });
        assert.strictEqual(status, 200, JSON.stringify(headers));
      }
    }).pipe(Effect.scoped),
  );
});

describe("a change without the token", () => {
  it.effect("is refused, wherever else the token stands, and is not told how near it was", () =>
    Effect.gen(function* () {
      const { ask, asked, get } = yield* open();
      const right = Redacted.value(token);
      const wrong = [
        {},
        { authorization: right },
        { authorization: `Basic ${btoa(`muster:${right}`)}` },
        { authorization: "Bearer " },
        { authorization: `Bearer ${right}x` },
        { authorization: `Bearer ${right.slice(0, -1)}` },
        { authorization: `Bearer ${right.toUpperCase()}` },
        { authorization: `Bearer ${right} ${right}` },
        { cookie: `token=${right}; authorization=Bearer ${right}` },
        { "x-authorization": `Bearer ${right}` },
        { "proxy-authorization": `Bearer ${right}` },
      ];
      for (const headers of wrong as ReadonlyArray<Record<string, string>>) {
        for (const path of ["/scale", "/rolling-restart", "/sync-state"]) {
          const answer = yield* ask({
            path: `${path}?token=${right}&access_token=${right}`,
            method: "POST",
            headers: { ...asJson, ...headers },
            body: JSON.stringify({ desired: 3, token: right }),
          });
          assert.strictEqual(answer.status, 401, JSON.stringify(headers));
          assert.match(String(answer.headers["www-authenticate"]), /^Bearer realm="muster"/u);
          assert.notInclude(answer.body, right);
        }
      }
      assert.deepStrictEqual(asked, []);
      for (const path of everyPath)
        assert.notInclude((yield* get(path === "/events" ? "/" : path)).body, right);
    }).pipe(Effect.scoped),
  );

  it.effect("is told apart from one that may be made by who holds it", () =>
    Effect.gen(function* () {
      const { ask, asked } = yield* open();
      const right = Redacted.value(token);
      for (const authorization of [`Bearer ${right}`, `bearer  ${right} `]) {
        const answer = yield* ask({
          path: "/sync-state",
          method: "POST",
          headers: { authorization },
        });
        assert.strictEqual(answer.status, 200, authorization);
      }
      assert.strictEqual(asked.length, 2);
    }).pipe(Effect.scoped),
  );

  it("is found out in a time that does not depend on the token", () => {
    const source = readFileSync(new URL("../../src/fleet/guard.ts", import.meta.url), "utf8");
    assert.match(source, /timingSafeEqual\(digest\(one\), digest\(other\)\)/u);
    assert.strictEqual(source.split("Redacted.value(").length, 2);
  });
});

describe("every answer", () => {
  it.effect("may not be kept, framed, guessed at or run as a script of elsewhere", () =>
    Effect.gen(function* () {
      const { ask } = yield* open();
      for (const path of everyPath) {
        const { headers } = yield* ask({ path, method: "HEAD" });
        assert.strictEqual(headers["cache-control"], "no-store", path);
        assert.strictEqual(headers["x-content-type-options"], "nosniff", path);
        assert.strictEqual(headers["referrer-policy"], "no-referrer", path);
        assert.strictEqual(headers["cross-origin-resource-policy"], "same-origin", path);
        const policy = headers["content-security-policy"] as string;
        assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/u, path);
        assert.notMatch(policy, /unsafe|\*|data:|https?:/u, path);
        assert.isUndefined(headers["access-control-allow-origin"], path);
        assert.isUndefined(headers["x-powered-by"], path);
      }
    }).pipe(Effect.scoped),
  );
});
