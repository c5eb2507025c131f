// Holds that every kind of trouble with a repository has its own reason and remedy, and the page that lists them.

import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { readBlobs, sourceLimits } from "../src/blobs.ts";
import { GitError, GitReason, retryOf } from "../src/error.ts";
import { fetchBranch, type FetchRequest } from "../src/fetch.ts";
import { Git } from "../src/git.ts";
import { resolveRepository } from "../src/url.ts";
import { makeCertificate, serve, serveGit } from "./https-server.ts";
import {
  gitLayer,
  makeSandbox,
  plainGit,
  present,
  temporaryFolder,
  type Sandbox,
} from "./sandbox.ts";

const test = <A, E>(name: string, body: Effect.Effect<A, E, Git | Scope.Scope>): void =>
  it.live(name, () => Effect.provide(body, gitLayer));

const look = (box: Sandbox, more: Partial<FetchRequest> = {}) =>
  fetchBranch({
    ...{ repository: box.repository, branch: "main", environment: "default", cache: box.cache },
    ...more,
  });

const trouble = (box: Sandbox, more: Partial<FetchRequest> = {}) =>
  Effect.map(Effect.flip(look(box, more)), (error) => {
    expect(error.remedy, error.message).toBeTruthy();
    return error;
  });

const boxWith = (files: Readonly<Record<string, string>>) =>
  Effect.map(makeSandbox, (box) => {
    box.commit(files);
    box.pushMain();
    return box;
  });

const yaml = (path: string): boolean => path.endsWith(".yaml");

describe("a repository that is not there", () => {
  test(
    "is missing, empty, or without the branch",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      expect((yield* trouble(box)).reason).toBe("RepositoryEmpty");
      box.commit({ a: "1" });
      box.git("push", "-q", "origin", "HEAD:trunk", "HEAD:main");
      yield* look(box);
      box.inRemote("", "update-ref", "-d", "refs/heads/main");
      const deleted = yield* trouble(box);
      expect(deleted).toMatchObject({ reason: "BranchMissing" });
      expect(deleted.remedy).toContain("trunk");
      rmSync(box.remote, { recursive: true });
      expect((yield* trouble(box)).reason).toBe("RepositoryMissing");
    }),
  );

  test(
    "is a folder that holds no repository",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const repository = yield* resolveRepository(yield* temporaryFolder);
      expect((yield* trouble(box, { repository })).reason).toBe("RepositoryMissing");
    }),
  );

  test(
    "is of a kind that muster does not read",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const folder = yield* temporaryFolder;
      plainGit(folder, ["init", "-q", "-b", "main", "--object-format=sha256"]);
      plainGit(folder, ["commit", "-q", "--allow-empty", "-m", "x"]);
      const repository = yield* resolveRepository(folder);
      const error = yield* trouble(box, { repository });
      expect(["Unsupported", "BranchMissing"]).toContain(error.reason);
    }),
  );
});

describe("a source that was emptied", () => {
  test(
    "says so, whether the branch holds nothing or only the folder is gone",
    Effect.gen(function* () {
      const box = yield* boxWith({ "prod/a.yaml": "a", "readme.md": "x" });
      const origin = { repository: box.repository, branch: "main" };
      const read = (commit: string, path: string, missing: "fault" | "emptied" = "emptied") =>
        readBlobs({ cache: box.cache, commit, path, isDocument: yaml, origin, missing });
      const { head } = yield* look(box);
      expect((yield* read(head, "prod")).emptied).toBeNull();
      box.git("rm", "-q", "-r", "prod");
      box.commit({});
      box.pushMain();
      const { head: emptied } = yield* look(box);
      for (const path of ["prod", "."]) {
        const answer = yield* read(emptied, path);
        expect(answer).toMatchObject({ files: [], emptied: { reason: "SourceEmptied" } });
        expect(answer.emptied?.remedy).toContain("never destroyed");
      }
      expect((yield* Effect.flip(read(emptied, "prod", "fault"))).reason).toBe("NotFound");
      // A document that cannot be read is there: that is another trouble.
      box.commit({ "prod/a.yaml": "x".repeat(1024 * 1024 + 1) });
      box.pushMain();
      const { head: large } = yield* look(box);
      expect(yield* read(large, "prod")).toMatchObject({
        ...{ files: [], emptied: null, skipped: [{ reason: "TooLarge" }] },
      });
    }),
  );
});

/** The pack of the remote, unpacked into nothing else. */
const packOf = (box: Sandbox): string => {
  box.inRemote("", "repack", "-q", "-a", "-d");
  const folder = join(box.remote, "objects", "pack");
  const name = readdirSync(folder).find((file) => file.endsWith(".pack"))!;
  chmodSync(join(folder, name), 0o644);
  return join(folder, name);
};

describe("a corrupt repository", () => {
  const noise = Array.from({ length: 400 }, (_, index) => Math.sin(index).toString(36)).join("");

  test(
    "with a damaged or cut pack is told from a slow and an absent one",
    Effect.gen(function* () {
      for (const damage of ["flipped", "cut"]) {
        const box = yield* boxWith({ "a.yaml": noise, "b.yaml": `${noise}2` });
        const pack = packOf(box);
        const bytes = readFileSync(pack);
        if (damage === "cut") truncateSync(pack, Math.floor(bytes.length / 2));
        else writeFileSync(pack, bytes.fill(0xa5, 60, bytes.length - 60));
        const error = yield* trouble(box);
        expect(error.reason, error.message).toBe("Corrupt");
        expect(error.remedy).toContain("git fsck");
      }
    }),
  );

  test(
    "that lost a file says so, and names none of the others as gone",
    Effect.gen(function* () {
      const box = yield* boxWith({ "a.yaml": "a", "b.yaml": "b" });
      plainGit(box.remote, ["config", "uploadpack.allowFilter", "true"]);
      const blob = box.git("rev-parse", "HEAD:b.yaml");
      rmSync(join(box.remote, "objects", blob.slice(0, 2), blob.slice(2)), { force: true });
      const { head } = yield* look(box);
      const origin = { repository: box.repository, branch: "main" };
      const error = yield* Effect.flip(
        readBlobs({ cache: box.cache, commit: head, isDocument: yaml, origin }),
      );
      expect(error.reason, error.message).toBe("Corrupt");
      const alone = yield* Effect.flip(
        readBlobs({ cache: box.cache, commit: head, isDocument: yaml }),
      );
      expect(alone).toMatchObject({ reason: "Corrupt" });
      expect(alone.message).toMatch(/"?[ab]\.yaml/);
    }),
  );

  test(
    "is the copy, when the copy is",
    Effect.gen(function* () {
      const box = yield* boxWith({ "a.yaml": "a" });
      const { head } = yield* look(box);
      rmSync(join(box.cache, "objects"), { recursive: true });
      plainGit(box.folder, ["init", "-q", "--bare", box.cache]);
      const error = yield* Effect.flip(
        readBlobs({ cache: box.cache, commit: head, isDocument: yaml }),
      );
      expect(error.reason).toBe("Corrupt");
      expect(error.remedy).toContain("delete its copy");
    }),
  );
});

describe("a huge repository", () => {
  test(
    "is stopped at the size of its pack, by the kernel",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      writeFileSync(join(box.work, "big.bin"), randomBytes(300_000));
      box.commit({ "a.yaml": "a" });
      box.pushMain();
      const error = yield* trouble(box, { packBytes: 20_000 });
      expect(error.reason, error.message).toBe("TooLarge");
      expect(error.remedy).toContain("smaller repository");
      expect(plainGit(box.cache, ["for-each-ref"])).toBe("");
      yield* look(box);
    }),
  );

  test(
    "is refused when it has too many files, or too much in them",
    Effect.gen(function* () {
      const box = yield* boxWith({ "a.yaml": "aaaa", "b.yaml": "bbbb", "c.yaml": "cccc" });
      const { head } = yield* look(box);
      for (const narrow of [{ files: 2 }, { totalBytes: 11 }]) {
        const error = yield* Effect.flip(
          readBlobs({
            ...{ cache: box.cache, commit: head, isDocument: yaml },
            limits: { ...sourceLimits, ...narrow },
          }),
        );
        expect(error.reason).toBe("TooLarge");
        expect(error.remedy).toContain("narrower path");
      }
    }),
  );
});

describe.skipIf(!present("openssl"))("a server that serves badly", () => {
  const served = (
    box: Sandbox,
    answer: (request: IncomingMessage, response: ServerResponse) => void,
    timeoutMillis = 30_000,
  ) =>
    Effect.gen(function* () {
      const certificate = makeCertificate(yield* temporaryFolder);
      const server = yield* serve(certificate, answer);
      const repository = yield* resolveRepository(`${server.url}/remote.git`);
      return yield* trouble(box, { repository, timeoutMillis }).pipe(
        Effect.provide(
          Git.layer({ environment: { PATH: process.env["PATH"] }, caFile: certificate.cert }),
        ),
      );
    });
  const isPack = (request: IncomingMessage): boolean => request.method === "POST";

  test(
    "is slow when it says nothing, or a byte now and then",
    Effect.gen(function* () {
      const box = yield* boxWith({ "a.yaml": "a" });
      const silent = yield* served(box, () => undefined, 700);
      expect(silent).toMatchObject({ reason: "TimedOut" });
      expect(silent.message).toContain("0.7 s");
      let posts = 0;
      const trickle = yield* served(
        box,
        (request, response) => {
          // The look, and the fetch's own look, are answered; the pack comes in drops.
          if (!isPack(request) || ++posts < 3) return serveGit(box, request, response);
          response.setHeader("content-type", "application/x-git-upload-pack-result");
          response.write("0fff");
          const drip = setInterval(() => response.write("0"), 20);
          response.on("close", () => clearInterval(drip));
        },
        2_500,
      );
      expect(trickle.operation).toBe("fetch");
      expect(trickle.reason).toBe("TimedOut");
      expect(retryOf(trickle)).toBe("soon");
    }),
  );

  test(
    "is unreachable when its answer breaks off in a pack, empty when it is no git at all",
    Effect.gen(function* () {
      const box = yield* boxWith({ "a.yaml": "a".repeat(5_000) });
      let posts = 0;
      const cut = yield* served(box, (request, response) => {
        if (!isPack(request) || ++posts < 3) return serveGit(box, request, response);
        const end = response.end.bind(response);
        Object.assign(response, {
          end: (chunk: Buffer) => end(chunk.subarray(0, Math.floor(chunk.length * 0.7))),
        });
        serveGit(box, request, response);
      });
      expect(cut.reason, cut.message).toBe("Unreachable");
      expect(cut.remedy).toContain("broke off");
      const page = yield* served(box, (_request, response) => {
        response.setHeader("content-type", "text/html");
        response.end("<html>Sign in</html>");
      });
      expect(page.reason, page.message).toBe("RepositoryEmpty");
      expect(page.remedy).toContain("web page");
    }),
  );

  test(
    "is unreachable when it fails itself, and says how it failed",
    Effect.gen(function* () {
      const box = yield* boxWith({ "a.yaml": "a" });
      for (const code of [500, 503]) {
        const failing = yield* served(box, (_request, response) => {
          response.writeHead(code).end();
        });
        expect(failing.reason).toBe("Unreachable");
        expect(failing.message).toContain(String(code));
      }
      const limited = yield* served(box, (_request, response) => {
        response.writeHead(429, { "retry-after": "60" }).end();
      });
      expect(limited.reason).toBe("Unreachable");
    }),
  );
});

describe("a connection that nobody takes", () => {
  test(
    "is unreachable, and its message says where",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const port = yield* Effect.promise(
        () =>
          new Promise<number>((resolve) => {
            const probe = createServer().listen(0, "127.0.0.1", () => {
              const { port: found } = probe.address() as AddressInfo;
              probe.close(() => resolve(found));
            });
          }),
      );
      const repository = yield* resolveRepository(`https://127.0.0.1:${port}/a`);
      const error = yield* trouble(box, { repository });
      expect(error).toMatchObject({ reason: "Unreachable" });
      expect(error.message).toContain(String(port));
      expect(retryOf(error)).toBe("soon");
    }),
  );
});

describe.skipIf(process.getuid?.() !== 0)("a folder of somebody else", () => {
  test(
    "is denied, with what to do",
    Effect.gen(function* () {
      const box = yield* boxWith({ "a.yaml": "a" });
      chownSync(box.remote, 65_534, 65_534);
      expect((yield* trouble(box)).reason).toBe("Denied");
    }),
  );
});

describe("the page of conditions", () => {
  const page = readFileSync(
    join(import.meta.dirname, "../../../docs/reference/repository-conditions.md"),
    "utf8",
  );
  const rows = new Set([...page.matchAll(/^\| `([A-Za-z]+)` \|/gm)].map(([, name]) => name!));

  it("lists every reason, and none that there is not", () => {
    const verdicts = [
      ...["SourceRewritten", "SourceEmptied", "CommitNotSigned", "SignatureNotAccepted"],
      "TooManyCommits",
    ];
    expect([...rows].toSorted()).toEqual([...GitReason.literals, ...verdicts].toSorted());
  });

  it("says what is tried again", () => {
    for (const reason of GitReason.literals) {
      const error = new GitError({ reason, operation: "x", message: "x" });
      const row = page.split("\n").find((line) => line.startsWith(`| \`${reason}\` |`));
      expect(row, reason).toContain(`| ${retryOf(error)} |`);
    }
  });
});
