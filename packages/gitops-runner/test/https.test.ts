// Holds how muster speaks to an https remote: the token by askpass, to that server and no other.

import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { fetchBranch } from "../src/fetch.ts";
import { Git } from "../src/git.ts";
import { push } from "../src/publish.ts";
import { commitTree } from "../src/tree.ts";
import { resolveRepository } from "../src/url.ts";
import {
  gitLayer,
  makeSandbox,
  plainGit,
  present,
  temporaryFolder,
  type Sandbox,
} from "./sandbox.ts";

const token = "token-of-the-test";

/** Hands one request to git's own server program, as a forge would. */
const serveGit = (sandbox: Sandbox, request: IncomingMessage, response: ServerResponse): void => {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      GIT_PROJECT_ROOT: sandbox.folder,
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: path,
      QUERY_STRING: query,
      REQUEST_METHOD: request.method ?? "",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      REMOTE_USER: "ann",
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(child.stdin);
  const chunks: Array<Buffer> = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.on("close", () => {
    const output = Buffer.concat(chunks);
    const end = output.indexOf("\r\n\r\n");
    for (const line of output.toString("latin1", 0, end).split("\r\n")) {
      const [name = "", value = ""] = line.split(/: (.*)/);
      if (name === "Status") response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.end(output.subarray(end + 4));
  });
};

const makeCertificate = (folder: string): { readonly key: string; readonly cert: string } => {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  execFileSync(
    "openssl",
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=IP:127.0.0.1"],
    ],
    { stdio: "ignore" },
  );
  return { key, cert };
};

const serve = (
  certificate: { readonly key: string; readonly cert: string },
  answer: (request: IncomingMessage, response: ServerResponse) => void,
) =>
  Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<{ readonly url: string; readonly close: () => void }>((resolve) => {
          const files = {
            key: readFileSync(certificate.key),
            cert: readFileSync(certificate.cert),
          };
          const server = createServer(files, answer);
          server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as AddressInfo;
            resolve({
              url: `https://127.0.0.1:${port}`,
              close: () => {
                server.close();
                server.closeAllConnections();
              },
            });
          });
        }),
    ),
    (server) => Effect.sync(() => server.close()),
  );

const makeForge = Effect.gen(function* () {
  const sandbox = yield* makeSandbox;
  sandbox.commit({ "a.yaml": "1" });
  sandbox.pushMain();
  plainGit(sandbox.remote, ["config", "http.receivepack", "true"]);
  const folder = yield* temporaryFolder;
  const certificate = makeCertificate(folder);
  const thiefHeard: Array<string> = [];
  const thief = yield* serve(certificate, (request, response) => {
    thiefHeard.push(request.headers.authorization ?? "");
    response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
  });
  const expected = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
  const forge = yield* serve(certificate, (request, response) => {
    const path = request.url ?? "";
    if (path.startsWith("/moved")) {
      return void response.writeHead(301, { location: `${thief.url}${path}` }).end();
    }
    if (path.startsWith("/gone")) return void response.writeHead(404).end();
    if (path.startsWith("/forbidden")) return void response.writeHead(403).end();
    if (request.headers.authorization !== expected) {
      return void response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end();
    }
    serveGit(sandbox, request, response);
  });
  const fetchAs = (path: string, environment: Record<string, string>, caFile?: string) =>
    Effect.gen(function* () {
      const repository = yield* resolveRepository(`${forge.url}${path}`);
      const request = { repository, branch: "main", environment: "default", cache: sandbox.cache };
      return yield* fetchBranch(request);
    }).pipe(
      Effect.provide(
        Git.layer({
          environment: { PATH: process.env["PATH"], ...environment },
          ...(caFile === undefined ? {} : { caFile }),
        }),
      ),
    );
  return { sandbox, forge, fetchAs, thiefHeard, caFile: certificate.cert };
});

describe.skipIf(!present("openssl"))("an https remote", () => {
  const withToken = { MUSTER_GIT_TOKEN: token };

  it.effect("is fetched from and pushed to with the token", () =>
    Effect.gen(function* () {
      const { sandbox, forge, fetchAs, caFile } = yield* makeForge;
      const seen = yield* fetchAs("/remote.git", withToken, caFile);
      expect(seen.head).toBe(sandbox.at("refs/heads/main"));
      const { cache } = sandbox;
      const to = yield* commitTree({
        ...{ cache, files: new Map([["a", "a"]]), parents: [], subject: "x" },
      });
      const ref = "refs/heads/muster/lease/default";
      const pushed = Effect.gen(function* () {
        const repository = yield* resolveRepository(`${forge.url}/remote.git`);
        const updates = [{ ref, to, expected: null }];
        yield* push({ cache, repository, updates });
        return yield* Effect.flip(push({ cache, repository, updates }));
      });
      const environment = { PATH: process.env["PATH"], ...withToken };
      const again = yield* Effect.provide(pushed, Git.layer({ environment, caFile }));
      expect(sandbox.at(ref)).toBe(to);
      expect(again.reason).toBe("Rejected");
    }).pipe(Effect.provide(gitLayer)),
  );

  it.effect("denies without a token, with a wrong one, and where it is not allowed", () =>
    Effect.gen(function* () {
      const { fetchAs, caFile } = yield* makeForge;
      const none = yield* Effect.flip(fetchAs("/remote.git", {}, caFile));
      expect(none).toMatchObject({ reason: "Denied" });
      expect(none.remedy).toContain("set MUSTER_GIT_TOKEN");
      const wrong = { MUSTER_GIT_TOKEN: "wrong-secret" };
      const refused = yield* Effect.flip(fetchAs("/remote.git", wrong, caFile));
      expect(refused).toMatchObject({ reason: "Denied" });
      expect(JSON.stringify(refused)).not.toContain("wrong-secret");
      expect((yield* Effect.flip(fetchAs("/forbidden/x", withToken, caFile))).reason).toBe(
        "Denied",
      );
      expect((yield* Effect.flip(fetchAs("/gone/x", withToken, caFile))).reason).toBe(
        "RepositoryMissing",
      );
    }).pipe(Effect.provide(gitLayer)),
  );

  it.effect("never sends the token where a redirect points, nor to a server it cannot know", () =>
    Effect.gen(function* () {
      const { fetchAs, caFile, thiefHeard } = yield* makeForge;
      const moved = yield* Effect.flip(fetchAs("/moved/x", withToken, caFile));
      expect(moved.reason).toBe("Denied");
      expect(moved.remedy).toContain("present address");
      expect(thiefHeard).toEqual([]);
      const unknown = yield* Effect.flip(fetchAs("/remote.git", withToken));
      expect(unknown.reason).toBe("Denied");
      expect(unknown.remedy).toContain("certificate");
    }).pipe(Effect.provide(gitLayer)),
  );
});
