// Holds how muster speaks to an https remote: the token by askpass, to that server and no other.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { fetchBranch } from "../src/fetch.ts";
import { Git } from "../src/git.ts";
import { push } from "../src/publish.ts";
import { commitTree } from "../src/tree.ts";
import { resolveRepository } from "../src/url.ts";
import { makeCertificate, serve, serveGit } from "./https-server.ts";
import { gitLayer, makeSandbox, plainGit, present, temporaryFolder } from "./sandbox.ts";

const token = "token-of-the-test";

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
