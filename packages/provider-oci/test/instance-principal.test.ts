// Holds how muster acts as the machine that it runs on, and what it says where that is not OCI.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { assert, describe, it, vi } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import type { Handler, ProviderError } from "@muster/core/words/provider";
import { oci } from "../src/plugin.ts";
import { makeExpansion, makeFolder, observeOne } from "./fleet.ts";

const run = promisify(execFile);

/** On CI its absence is a failure, elsewhere the tests that need it are skipped loudly. */
const hasOpenssl = await run("openssl", ["version"]).then(
  () => true,
  () => {
    if (process.env["CI"]) throw new Error("openssl must be installed on CI");
    console.warn("SKIPPED: openssl is not installed, so its tests cannot run");
    return false;
  },
);

interface Cloud {
  readonly base: string;
  readonly tokens: () => number;
  readonly keyIds: ReadonlySet<string>;
}

const keyIdOf = (request: IncomingMessage): string =>
  /keyId="([^"]*)"/.exec(request.headers.authorization ?? "")?.[1] ?? "none";

const jwt = (serial: number): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  return `${part({ alg: "none" })}.${part({ exp, serial })}.sig`;
};

/** Metadata, federation and an empty API behind one address. */
const openCloud = (federationStatus = 200): Effect.Effect<Cloud, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* makeFolder;
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const subject = "/OU=opc-tenant:ocid1.tenancy.oc1..muster/CN=ocid1.instance.oc1.phx.x";
    const pems = yield* Effect.promise(async () => {
      const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
      await run("openssl", [...made, "-subj", subject, "-keyout", key, "-out", cert]);
      return { key: await readFile(key, "utf8"), cert: await readFile(cert, "utf8") };
    });
    let tokens = 0;
    const keyIds = new Set<string>();
    const files: Readonly<Record<string, string>> = {
      "/opc/v2/instance/region": "phx",
      "/opc/v2/identity/cert.pem": pems.cert,
      "/opc/v2/identity/key.pem": pems.key,
      "/opc/v2/identity/intermediate.pem": pems.cert,
    };
    const listener: RequestListener = (request, response) => {
      const path = (request.url ?? "").split("?")[0] ?? "";
      const file = files[path];
      if (file !== undefined) {
        response.writeHead(request.headers.authorization === "Bearer Oracle" ? 200 : 401).end(file);
      } else if (path.startsWith("/opc/")) {
        response.writeHead(404).end();
      } else if (path === "/v1/x509") {
        tokens += 1;
        response.writeHead(federationStatus).end(JSON.stringify({ token: jwt(tokens) }));
      } else if (path.startsWith("/20160918/instances/")) {
        keyIds.add(keyIdOf(request));
        response.writeHead(404).end('{"code":"NotAuthorizedOrNotFound","message":"no"}');
      } else {
        keyIds.add(keyIdOf(request));
        const domains = path.includes("availabilityDomains");
        response.end(domains ? JSON.stringify([{ name: "Uocm:PHX-AD-1" }]) : "[]");
      }
    };
    const server = yield* Effect.acquireRelease(
      Effect.callback<ReturnType<typeof createServer>>((resume) => {
        const made = createServer(listener);
        made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)));
      }),
      (opened) =>
        Effect.sync(() => {
          opened.closeAllConnections();
          opened.close();
        }),
    );
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { base, tokens: () => tokens, keyIds };
  });

const expansion = makeExpansion({ count: 0, auth: { method: "instance" } });

const open = (base: string, metadata: string): Effect.Effect<Handler, ProviderError, Scope.Scope> =>
  oci({
    allowInstancePrincipal: true,
    endpoint: base,
    env: { MUSTER_OCI_METADATA_URL: metadata, MUSTER_OCI_FEDERATION_URL: base },
  }).handler("oci.instances");

const noise = Effect.acquireRelease(
  Effect.sync(() => {
    const said: Array<string> = [];
    const spies = (["log", "info", "warn", "error", "debug"] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...words) => {
        said.push(words.join(" "));
      }),
    );
    return { said, spies };
  }),
  ({ spies }) => Effect.sync(() => spies.forEach((spy) => spy.mockRestore())),
);

describe("an instance principal", () => {
  it.effect.skipIf(!hasOpenssl)("signs with one token, however many calls ask for it at once", () =>
    Effect.gen(function* () {
      const { said } = yield* noise;
      const cloud = yield* openCloud();
      const handler = yield* open(cloud.base, `${cloud.base}/opc/v2`);
      const found = yield* Effect.forEach(
        Array.from({ length: 25 }, (_, index) => `ocid1.instance.oc1.phx.${index}`),
        (id) => handler.look(expansion, id),
        { concurrency: 25 },
      );
      assert.isTrue(found.every((one) => one === null));
      assert.isTrue((yield* observeOne(handler, expansion)).complete);
      assert.strictEqual(cloud.tokens(), 1);
      assert.strictEqual(cloud.keyIds.size, 1);
      assert.match([...cloud.keyIds][0] ?? "", /^ST\$/);
      assert.deepStrictEqual(said, []);
    }),
  );

  it.effect.skipIf(!hasOpenssl)("is denied once and quietly when the federation refuses it", () =>
    Effect.gen(function* () {
      const { said } = yield* noise;
      const cloud = yield* openCloud(401);
      const handler = yield* open(cloud.base, `${cloud.base}/opc/v2/`);
      const seen = yield* observeOne(handler, expansion);
      assert.isFalse(seen.complete);
      if (!seen.complete) assert.strictEqual(seen.error.reason, "Denied");
      assert.strictEqual(cloud.tokens(), 1);
      assert.deepStrictEqual(said, []);
    }),
  );

  it.effect("needs a machine of OCI", () =>
    Effect.gen(function* () {
      for (const metadata of ["http://127.0.0.1:1/opc/v2/", "http://127.0.0.1:1"]) {
        const handler = yield* open("http://127.0.0.1:1", metadata);
        const seen = yield* observeOne(handler, expansion);
        assert.isFalse(seen.complete);
        if (seen.complete) return;
        assert.strictEqual(seen.error.reason, "Denied");
        assert.include(seen.error.remedy ?? "", "auth.method: user");
      }
    }),
  );
});
