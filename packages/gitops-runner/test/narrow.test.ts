// Holds that of a big repository only what is needed is fetched, and that what was left out misleads nobody.

import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { readBlobs } from "../src/blobs.ts";
import { openCache, tidyCache } from "../src/cache.ts";
import { fetchBranch } from "../src/fetch.ts";
import { Git, type GitRequest } from "../src/git.ts";
import { push } from "../src/publish.ts";
import { buildStatusUpdate } from "../src/status.ts";
import { resolveRepository, type Repository } from "../src/url.ts";
import { verifySource } from "../src/verify.ts";
import { makeCertificate, serve, serveGit } from "./https-server.ts";
import {
  gitLayer,
  makeSandbox,
  plainGit,
  present,
  recordingLayer,
  temporaryFolder,
  type Sandbox,
} from "./sandbox.ts";

const test = <A, E>(name: string, body: Effect.Effect<A, E, Git | Scope.Scope>): void =>
  it.live(name, () => Effect.provide(body, gitLayer));

const yaml = (path: string): boolean => path.endsWith(".yaml");

const look = (box: Sandbox, repository: Repository = box.repository) =>
  fetchBranch({ repository, branch: "main", environment: "default", cache: box.cache });

const readAt = (box: Sandbox, commit: string, path: string, repository = box.repository) =>
  readBlobs({
    ...{ cache: box.cache, commit, path, isDocument: yaml },
    origin: { repository, branch: "main" },
  });

/** How many objects of each type the copy holds, and their bytes. */
const holdings = (box: Sandbox) => {
  const format = "--batch-check=%(objecttype) %(objectsize)";
  const lines = plainGit(box.cache, ["cat-file", "--batch-all-objects", format]).split("\n");
  const of = (type: string) => lines.filter((line) => line.startsWith(`${type} `));
  return {
    commits: of("commit").length,
    blobs: of("blob").length,
    bytes: lines.reduce((sum, line) => sum + Number(line.split(" ")[1] ?? 0), 0),
  };
};

const filterable = (box: Sandbox): void =>
  void plainGit(box.remote, ["config", "uploadpack.allowFilter", "true"]);

/** Many commits at once, each with a file that no document is: of its own, or always the same. */
const grow = (box: Sandbox, count: number, files: "own" | "same" = "own"): void => {
  const blob = "x".repeat(files === "own" ? 4_000 : 1);
  const commits = Array.from({ length: count }, (_, index) => {
    const from = index === 0 ? `from refs/heads/main^0\n` : "";
    const text = `${index} ${blob}`;
    return `commit refs/heads/main\ncommitter Ann <ann@example.com> ${1_700_000_000 + index} +0000\ndata 1\nc\n${from}M 100644 inline data/${files === "own" ? index : 0}.bin\ndata ${text.length}\n${text}\n`;
  });
  box.inRemote(commits.join(""), "fast-import", "--quiet", "--force");
  box.git("fetch", "-q", "origin", "main");
  box.git("reset", "-q", "--hard", "FETCH_HEAD");
};

const bigBox = Effect.gen(function* () {
  const box = yield* makeSandbox;
  box.commit({ "fleets/a.yaml": "a", "fleets/b.yaml": "b", "other/c.yaml": "c" });
  box.pushMain();
  grow(box, 40);
  return box;
});

describe("the first look at a big repository", () => {
  test(
    "brings one commit and no file, then only the documents under the path",
    Effect.gen(function* () {
      const box = yield* bigBox;
      filterable(box);
      const { head } = yield* look(box);
      expect(holdings(box)).toMatchObject({ commits: 1, blobs: 0 });
      const { files } = yield* readAt(box, head, "fleets");
      expect(files.map(({ path, text }) => [path, text])).toEqual([
        ["fleets/a.yaml", "a"],
        ["fleets/b.yaml", "b"],
      ]);
      expect(holdings(box)).toMatchObject({ commits: 1, blobs: 2 });
      expect(holdings(box).bytes).toBeLessThan(5_000);
      // Another path later, and the next commits: small files come along, no large ones.
      expect((yield* readAt(box, head, "other")).files).toHaveLength(1);
      box.commit({ "fleets/a.yaml": "A", "huge.bin": "y".repeat(1024 * 1024 + 1) });
      box.pushMain();
      const next = yield* look(box);
      expect(next.news).toEqual(["source"]);
      expect(holdings(box)).toMatchObject({ commits: 2, blobs: 4 });
      expect((yield* readAt(box, next.head, "fleets")).files[0]?.text).toBe("A");
    }),
  );

  test(
    "brings one commit with its files where the server cannot leave files out",
    Effect.gen(function* () {
      const box = yield* bigBox;
      const { head } = yield* look(box);
      expect(holdings(box)).toMatchObject({ commits: 1, blobs: 43 });
      expect((yield* readAt(box, head, "fleets")).files).toHaveLength(2);
    }),
  );

  test(
    "checks every object all the same",
    Effect.gen(function* () {
      for (const name of ["..", ".git"]) {
        const box = yield* makeSandbox;
        filterable(box);
        const blob = box.inRemote("evil", "hash-object", "-w", "--stdin");
        const tree = box.inRemote(`100644 blob ${blob}\t${name}\n`, "mktree");
        const commit = box.inRemote("", "commit-tree", "-m", "evil", tree);
        box.inRemote("", "update-ref", "refs/heads/main", commit);
        expect((yield* Effect.flip(look(box))).reason).toBe("Corrupt");
      }
    }),
  );

  test(
    "asks nobody for submodules, and reads past them",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      filterable(box);
      const first = box.commit({
        ".gitmodules": `[submodule "s"]\n\tpath = s\n\turl = ${box.remote}\n`,
        "a.yaml": "a",
      });
      box.git("update-index", "--add", "--cacheinfo", `160000,${first},s`);
      box.git("commit", "-q", "-m", "submodule");
      box.pushMain();
      const { head } = yield* look(box);
      const read = yield* readAt(box, head, ".");
      expect(read.files).toHaveLength(1);
      expect(read.skipped).toMatchObject([{ path: "s", reason: "Submodule" }]);
    }),
  );

  test(
    "leaves a copy that can be pushed from and tidied",
    Effect.gen(function* () {
      const box = yield* bigBox;
      filterable(box);
      const status = "refs/heads/muster/status/default";
      for (const text of ["1", "2", "3"]) {
        const tree = box.inRemote(
          `100644 blob ${box.inRemote(text, "hash-object", "-w", "--stdin")}\ta.status.json\n`,
          "mktree",
        );
        const parents = box.at(status) === "" ? [] : ["-p", box.at(status)];
        box.inRemote(
          "",
          "update-ref",
          status,
          box.inRemote("", "commit-tree", "-m", "s", ...parents, tree),
        );
      }
      const { head, status: current } = yield* look(box);
      yield* readAt(box, head, "fleets");
      expect(holdings(box)).toMatchObject({ commits: 2, blobs: 3 });
      const update = yield* buildStatusUpdate({
        ...{ cache: box.cache, environment: "default", current },
        files: new Map([["b.status.json", "{}"]]),
        trailers: {
          run: "r",
          source: head,
          plans: [],
          audit: { chain: "c", seq: 0, hash: "genesis" },
        },
      });
      yield* push({ cache: box.cache, repository: box.repository, updates: [update!] });
      expect(box.inRemote("", "rev-list", "--count", status)).toBe("4");
      expect(yield* tidyCache(box.cache, 0)).toBe(true);
      rmSync(join(box.folder, "nothing"), { force: true });
      yield* openCache(box.cache);
      expect((yield* readAt(box, head, "fleets")).files).toHaveLength(2);
    }),
  );
});

const commitsFrom = (box: Sandbox, count: number): ReadonlyArray<string> =>
  box.git("rev-list", `--max-count=${count}`, "HEAD").split("\n");

describe("a copy without its history", () => {
  const log: Array<GitRequest> = [];
  const recorded = <A, E>(name: string, body: Effect.Effect<A, E, Git | Scope.Scope>): void =>
    it.live(name, () => Effect.provide(body, recordingLayer(log)));
  const deepened = (): ReadonlyArray<string> =>
    log.flatMap(({ arguments: words }) =>
      words.filter((word) => /^--(?:deepen|unshallow)/.test(word)),
    );
  const judge = (box: Sandbox, lastActed: string) =>
    Effect.gen(function* () {
      const { head } = yield* look(box);
      log.length = 0;
      const origin = { repository: box.repository, branch: "main" };
      return yield* verifySource({ cache: box.cache, head, lastActed, signers: null, origin });
    });

  recorded(
    "is deepened only as far as the last acted commit lies",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      filterable(box);
      box.commit({ "a.yaml": "a" });
      box.pushMain();
      grow(box, 700, "same");
      const commits = commitsFrom(box, 200);
      expect(yield* judge(box, commits[30]!)).toMatchObject({ rewritten: false });
      expect(deepened()).toEqual(["--deepen=50"]);
      expect(yield* judge(box, commits[180]!)).toMatchObject({ rewritten: false });
      expect(deepened()).toEqual(["--deepen=50", "--deepen=500"]);
      expect(holdings(box)).toMatchObject({ commits: 601, blobs: 0 });
    }),
  );

  recorded(
    "is a rewritten one only when all of the history says so",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      filterable(box);
      box.commit({ "a.yaml": "a" });
      const gone = box.commit({ "a.yaml": "b" });
      box.git("reset", "-q", "--hard", "HEAD~1");
      box.pushMain();
      grow(box, 5_600, "same");
      expect(yield* judge(box, gone)).toMatchObject({ rewritten: true });
      expect(deepened()).toEqual([
        ...["--deepen=50", "--deepen=500", "--deepen=5000", "--unshallow"],
      ]);
      // Now the copy is whole, and nothing more is asked for.
      expect(yield* judge(box, "f".repeat(40))).toMatchObject({ rewritten: true });
      expect(deepened()).toEqual([]);
    }),
  );
});

describe.skipIf(!present("ssh-keygen"))("signatures over a copy without its history", () => {
  test(
    "are asked of every commit of the line, however short the way around it",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      filterable(box);
      const base = box.commit({ "a.yaml": "a" });
      box.pushMain();
      grow(box, 80);
      const oldest = commitsFrom(box, 80).at(-1)!;
      const side = box.git("commit-tree", "-m", "side", "-p", base, "HEAD^{tree}");
      const merge = box.git("commit-tree", "-m", "merge", "-p", "HEAD", "-p", side, "HEAD^{tree}");
      box.git("reset", "-q", "--hard", merge);
      box.pushMain();
      const folder = join(box.folder, "keys");
      mkdirSync(folder);
      const key = join(folder, "ann");
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "ann", "-f", key]);
      const signers = { allowedSigners: `${key}.pub` };
      writeFileSync(signers.allowedSigners, "");
      const { head } = yield* look(box);
      const answer = yield* verifySource({
        ...{ cache: box.cache, head, lastActed: base, signers },
        origin: { repository: box.repository, branch: "main" },
      });
      expect(answer).toMatchObject({ status: "False", reason: "CommitNotSigned" });
      expect(answer.message).toContain(oldest);
    }),
  );
});

describe.skipIf(!present("openssl"))("an https server of an older kind", () => {
  const served = (kind: "protocol 0" | "files only") =>
    Effect.gen(function* () {
      const box = yield* bigBox;
      filterable(box);
      plainGit(box.remote, ["update-server-info"]);
      const certificate = makeCertificate(yield* temporaryFolder);
      const server = yield* serve(certificate, (request, response) => {
        if (kind === "protocol 0") {
          delete request.headers["git-protocol"];
          return serveGit(box, request, response);
        }
        const file = join(box.folder, (request.url ?? "").split("?")[0]!);
        if (!existsSync(file)) return void response.writeHead(404).end();
        createReadStream(file).pipe(response);
      });
      const repository = yield* resolveRepository(`${server.url}/remote.git`);
      yield* Effect.gen(function* () {
        const { head } = yield* look(box, repository);
        const { files } = yield* readAt(box, head, "fleets", repository);
        expect(files.map(({ text }) => text)).toEqual(["a", "b"]);
      }).pipe(
        Effect.provide(
          Git.layer({ environment: { PATH: process.env["PATH"] }, caFile: certificate.cert }),
        ),
      );
      return holdings(box);
    });

  test(
    "that gives no file by its id is asked for all of them",
    Effect.gen(function* () {
      expect(yield* served("protocol 0")).toMatchObject({ commits: 1, blobs: 43 });
    }),
  );

  test(
    "that can leave nothing out is copied whole",
    Effect.gen(function* () {
      expect(yield* served("files only")).toMatchObject({ commits: 41, blobs: 43 });
    }),
  );
});
