// Holds that nothing in a repository, in its refs or in what its server says can steer muster or its reader.

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type * as Scope from "effect/Scope";
import { makeMemoryStore } from "@muster/core/store/memory";
import { Store } from "@muster/core/store/store";
import { makeFakeCloud } from "@muster/testkit/fleet/fake-cloud";
import { fakePlugin } from "@muster/testkit/fleet/fake-fleet";
import { fakePace } from "@muster/testkit/fleet/turn";
import { lastPublished } from "../src/audit.ts";
import { readBlobs } from "../src/blobs.ts";
import { openCache } from "../src/cache.ts";
import { fetchBranch, type FetchRequest } from "../src/fetch.ts";
import type { Git, GitRequest } from "../src/git.ts";
import { makeKept } from "../src/kept.ts";
import { makeGitLease } from "../src/lease.ts";
import { push } from "../src/publish.ts";
import { readPublished } from "../src/published.ts";
import { runOnce } from "../src/run.ts";
import { buildStatusUpdate } from "../src/status.ts";
import { commitTree } from "../src/tree.ts";
import { ownerOf } from "../src/url.ts";
import { verifySource } from "../src/verify.ts";
import { gitLayer, makeSandbox, plainGit, recordingLayer, type Sandbox } from "./sandbox.ts";

const test = <A, E>(name: string, body: Effect.Effect<A, E, Git | Scope.Scope>): void =>
  it.live(name, () => Effect.provide(body, gitLayer));

const look = (box: Sandbox, more: Partial<FetchRequest> = {}) =>
  fetchBranch({
    ...{ repository: box.repository, branch: "main", environment: "default", cache: box.cache },
    ...more,
  });

const yaml = (path: string): boolean => path.endsWith(".yaml");

const readAt = (box: Sandbox, commit: string) =>
  readBlobs({
    ...{ cache: box.cache, commit, isDocument: yaml },
    origin: { repository: box.repository, branch: "main" },
  });

/** ESC, bell, a C1 control, right-to-left override, isolate, zero width, line separator. */
const steering = "\u001b[31m\u0007\u009b2J\u202e\u2066\u200b\u2028";
// eslint-disable-next-line no-control-regex
const steers =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]/;

/** A tree object as its raw bytes say, whatever git thinks of it. */
const rawTree = (
  box: Sandbox,
  entries: ReadonlyArray<readonly [string, string, string]>,
): string => {
  const file = join(box.folder, "raw");
  writeFileSync(
    file,
    Buffer.concat(
      entries.map(([mode, name, id]) =>
        Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(id, "hex")]),
      ),
    ),
  );
  return box.inRemote("", "hash-object", "-w", "-t", "tree", "--literally", file);
};

const serveTree = (box: Sandbox, tree: string, ref = "refs/heads/main"): string => {
  const commit = box.inRemote("", "commit-tree", "-m", "x", tree);
  box.inRemote("", "update-ref", ref, commit);
  return commit;
};

describe("a tree that leads elsewhere", () => {
  test(
    "never comes into the copy",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const blob = box.inRemote("evil", "hash-object", "-w", "--stdin");
      const inner = rawTree(box, [["100644", "a.yaml", blob]]);
      const trees: ReadonlyArray<ReadonlyArray<readonly [string, string, string]>> = [
        [["100644", "..", blob]],
        [["40000", ".", inner]],
        [["40000", ".git", inner]],
        [["40000", ".GiT", inner]],
        [["40000", "git~1", inner]],
        [["100644", "/etc/a.yaml", blob]],
        [["100644", "x/../../a.yaml", blob]],
        [["100644", "", blob]],
        [
          ["100644", "a.yaml", blob],
          ["100644", "a.yaml", blob],
        ],
        [
          ["100644", "b.yaml", blob],
          ["100644", "a.yaml", blob],
        ],
        [["120000", ".gitmodules", blob]],
      ];
      for (const filter of ["false", "true"]) {
        plainGit(box.remote, ["config", "uploadpack.allowFilter", filter]);
        for (const entries of trees) {
          serveTree(box, rawTree(box, entries));
          const error = yield* Effect.flip(look(box));
          expect(error.reason, JSON.stringify(entries)).toBe("Corrupt");
        }
      }
      expect(plainGit(box.cache, ["for-each-ref"])).toBe("");
    }),
  );

  test(
    "by links, submodules and filters is read as what it is",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const proof = join(box.folder, "ran");
      const blob = (text: string) => box.inRemote(text, "hash-object", "-w", "--stdin");
      const folder = rawTree(box, [["100644", "deep.yaml", blob("deep")]]);
      const commit = box.inRemote("", "commit-tree", "-m", "x", folder);
      serveTree(
        box,
        rawTree(box, [
          ["100644", ".gitattributes", blob("*.yaml filter=evil diff=evil export-subst ident\n")],
          ["100644", ".gitmodules", blob(`[submodule "s"]\n\tpath = s\n\turl = ../x.git\n`)],
          ["100644", "a.yaml", blob("$Id$ $Format:%H$\r\n")],
          ["120000", "document.yaml", blob("/etc/passwd")],
          ["120000", "folder", blob("..")],
          ["40000", "real", folder],
          ["160000", "s", commit],
          ["120000", "self.yaml", blob("self.yaml")],
        ]),
      );
      for (const key of ["filter.evil.smudge", "filter.evil.process", "diff.evil.textconv"]) {
        plainGit(box.cache, ["config", key, `touch ${proof}`]);
      }
      const { head } = yield* look(box);
      const read = yield* readAt(box, head);
      expect(read.files.map(({ path, text }) => [path, text])).toEqual([
        ["a.yaml", "$Id$ $Format:%H$\r\n"],
        ["real/deep.yaml", "deep"],
      ]);
      expect(read.skipped.map(({ path, reason }) => [path, reason])).toEqual([
        ["document.yaml", "Link"],
        ["folder", "Link"],
        ["s", "Submodule"],
        ["self.yaml", "Link"],
      ]);
      expect(existsSync(proof)).toBe(false);
    }),
  );
});

describe("the folder of the copy", () => {
  test(
    "is refused with objects, parents or settings from elsewhere",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      yield* openCache(box.cache);
      for (const name of ["objects/info/alternates", "info/grafts"]) {
        const path = join(box.cache, name);
        mkdirSync(join(path, ".."), { recursive: true });
        writeFileSync(path, `${box.remote}/objects\n`);
        const error = yield* Effect.flip(openCache(box.cache));
        expect(error).toMatchObject({ reason: "Corrupt" });
        expect(error.message).toContain(name);
        rmSync(path);
      }
      for (const [key, value] of [
        ["core.fsmonitor", "touch x"],
        ["core.alternateRefsCommand", "touch x"],
        ["include.path", "/tmp/x"],
        ["remote.muster.vcs", "ext"],
        ["url.ext::x.insteadOf", "file"],
      ] as const) {
        plainGit(box.cache, ["config", key, value]);
        expect((yield* Effect.flip(openCache(box.cache))).reason, key).toBe("Corrupt");
        plainGit(box.cache, ["config", "--remove-section", key.slice(0, key.lastIndexOf("."))]);
      }
      yield* openCache(box.cache);
    }),
  );

  test(
    "lends no commit another content or another parent",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const acted = box.commit({ "a.yaml": "honest" });
      box.pushMain();
      yield* look(box);
      box.git("checkout", "-q", "--orphan", "other");
      const head = box.commit({ "a.yaml": "new" });
      box.pushMain();
      const seen = yield* look(box);
      plainGit(box.cache, ["replace", "--graft", head, acted]);
      mkdirSync(join(box.cache, "info"), { recursive: true });
      writeFileSync(join(box.cache, "info", "grafts"), `${head} ${acted}\n`);
      const blob = box.git("rev-parse", "HEAD:a.yaml");
      const other = plainGit(box.cache, ["hash-object", "-w", "--stdin"], "replaced");
      plainGit(box.cache, ["replace", blob, other]);
      const origin = { repository: box.repository, branch: "main" };
      const judged = yield* verifySource({
        ...{ cache: box.cache, head: seen.head, lastActed: acted, signers: null, origin },
      });
      expect(judged).toMatchObject({ rewritten: true });
      expect((yield* readAt(box, seen.head)).files[0]?.text).toBe("new");
    }),
  );
});

describe("an address or a branch that is more than a name", () => {
  test(
    "starts nothing, even when handed past the checks",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      box.commit({ a: "1" });
      box.pushMain();
      const proof = join(box.folder, "ran");
      for (const scheme of ["file", "https", "ssh"] as const) {
        for (const url of [
          `ext::sh -c touch% ${proof}`,
          "fd::17",
          `--upload-pack=touch ${proof}`,
          `-u touch ${proof}`,
          `file://${box.remote};touch ${proof}`,
          "http://127.0.0.1:1/a",
          "git://127.0.0.1:1/a",
        ]) {
          const repository = { scheme, url, normalised: url };
          const error = yield* Effect.flip(look(box, { repository }));
          expect(error.remedy, url).toBeTruthy();
        }
      }
      for (const branch of [
        `--upload-pack=touch ${proof}`,
        "-x",
        "a:b",
        "a..b",
        "+main",
        "ma*in",
      ]) {
        const error = yield* Effect.flip(look(box, { branch }));
        expect(["Invalid", "BranchMissing"], branch).toContain(error.reason);
      }
      const { head } = yield* look(box);
      // A folder is not reached by https settings, nor the other way round.
      const crossed = { ...box.repository, scheme: "https" } as const;
      const error = yield* Effect.flip(look(box, { repository: crossed, branch: "main" }));
      expect(error.reason).toBe("Unsupported");
      expect(existsSync(proof)).toBe(false);
      expect(head).toBe(box.git("rev-parse", "HEAD"));
    }),
  );

  test(
    "is not confused with a tag or a longer name that ends alike",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const right = box.commit({ a: "1" });
      box.pushMain();
      box.commit({ a: "2" });
      for (const ref of [
        "refs/tags/main",
        "refs/heads/x/refs/heads/main",
        "refs/tags/refs/heads/main",
        "refs/heads/x/main",
        "refs/x/muster/status/default",
        "refs/tags/muster/status/default",
      ]) {
        box.git("push", "-q", "origin", `HEAD:${ref}`);
      }
      expect(yield* look(box)).toMatchObject({ head: right, status: null });
    }),
  );
});

const statusRef = "refs/heads/muster/status/default";
const auditRef = "refs/heads/muster/audit/default";
const leaseRef = "refs/heads/muster/lease/default";

/** Writes a ref of the remote past git's own checks. */
const forceRef = (box: Sandbox, ref: string, text: string): void => {
  const path = join(box.remote, ref);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `${text}\n`);
};

describe("a branch of muster that somebody else wrote", () => {
  test(
    "is corrupt when it names a tag or a file, and when it is another name of a branch",
    Effect.gen(function* () {
      for (const ref of [statusRef, auditRef, leaseRef]) {
        const box = yield* makeSandbox;
        box.commit({ "a.yaml": "a" });
        box.git("tag", "-a", "-m", "x", "t");
        box.pushMain();
        box.git("push", "-q", "origin", "t");
        const blob = box.inRemote("x", "hash-object", "-w", "--stdin");
        for (const text of [box.inRemote("", "rev-parse", "t"), blob, "ref: refs/heads/main"]) {
          forceRef(box, ref, text);
          const error = yield* Effect.flip(look(box));
          expect(error.reason, `${ref} ${text}`).toBe("Corrupt");
        }
        // One that names itself, or nothing, is none.
        for (const text of [`ref: ${ref}`, "ref: refs/heads/nowhere"]) {
          forceRef(box, ref, text);
          expect(yield* look(box), text).toMatchObject({ status: null, audit: null, lease: null });
        }
      }
    }),
  );

  test(
    "is never pushed through to the branch that it is another name of",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const head = box.commit({ "a.yaml": "a" });
      box.pushMain();
      forceRef(box, statusRef, "ref: refs/heads/main");
      const { cache, repository } = box;
      const cloud = makeFakeCloud();
      const options = {
        ...{ repository, branch: "main", path: ".", environment: "default", cache },
        ...{ owner: ownerOf(repository, "default"), plugins: [fakePlugin(cloud)], signers: null },
        ...{ run: "r", holder: "t", pace: fakePace },
      };
      const error = yield* Effect.flip(
        runOnce(options).pipe(Effect.provideService(Store, makeMemoryStore())),
      );
      expect(error._tag).toBe("GitError");
      expect(box.at("refs/heads/main")).toBe(head);
    }),
  );

  test(
    "says nothing in a status commit of garbage, and is written over",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const head = box.commit({ "a.yaml": "a" });
      box.pushMain();
      const empty = box.inRemote("", "mktree");
      const blob = box.inRemote("x", "hash-object", "-w", "--stdin");
      const odd = box.inRemote(
        [
          `120000 blob ${blob}\ta.status.json`,
          `160000 commit ${head}\tsub`,
          `100755 blob ${blob}\tz\u202e.status.json`,
        ].join("\n") + "\n",
        "mktree",
      );
      const huge = box.inRemote(
        Array.from({ length: 100_001 }, (_, at) => `100644 blob ${blob}\t${at}\n`).join(""),
        "mktree",
      );
      const said = (message: string, tree = empty) => {
        const commit = box.inRemote(message, "commit-tree", tree);
        box.inRemote("", "update-ref", statusRef, commit);
        return commit;
      };
      for (const [message, tree] of [
        [
          `x${steering}\n\nMuster-Run: ${steering}\nMuster-Audit: 999999999999999999:sha256:x\n`,
          odd,
        ],
        [`\n\nMuster-Audit: 1:genesis\nMuster-Audit-Chain: ../../x\nMuster-Source: HEAD\n`, odd],
        ["x".repeat(2 * 1024 * 1024), odd],
        ["x", huge],
      ] as const) {
        const commit = said(message, tree);
        const { status } = yield* look(box);
        expect(status).toBe(commit);
        expect(yield* readPublished({ cache: box.cache, commit })).toEqual({
          ...{ run: null, source: null, plans: [], audit: null, trace: null, previous: null },
        });
        const update = yield* buildStatusUpdate({
          ...{ cache: box.cache, environment: "default", current: status },
          files: new Map([["a.status.json", "x"]]),
          trailers: {
            run: "r",
            source: head,
            plans: [],
            audit: { chain: "c", seq: 0, hash: "genesis" },
          },
        });
        yield* push({ cache: box.cache, repository: box.repository, updates: [update!] });
        expect(box.inRemote("", "ls-tree", "-r", statusRef)).toBe(
          `100644 blob ${blob}\ta.status.json`,
        );
      }
    }),
  );

  test(
    "takes nothing beside the audit's own files for entries, and covers none up",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      box.commit({ "a.yaml": "a" });
      box.pushMain();
      const blob = box.inRemote("1\n2\n3\n", "hash-object", "-w", "--stdin");
      const folder = box.inRemote(
        [
          `100644 blob ${blob}\t000000000001.jsonl`,
          `100644 blob ${blob}\tzzz`,
          `120000 blob ${blob}\tzzzzzzzzzzzz.jsonl`,
        ].join("\n") + "\n",
        "mktree",
      );
      serveTree(box, box.inRemote(`040000 tree ${folder}\tchain\n`, "mktree"), auditRef);
      const { audit: current } = yield* look(box);
      const request = { cache: box.cache, current, chain: "chain" };
      expect(yield* lastPublished(request)).toBe(3);
      expect(yield* lastPublished({ ...request, chain: "other" })).toBe(0);
      const file = box.inRemote(`100644 blob ${blob}\tchain\n`, "mktree");
      serveTree(box, file, auditRef);
      const { audit: replaced } = yield* look(box);
      expect(yield* lastPublished({ ...request, current: replaced })).toBe(0);
    }),
  );

  test(
    "holds nobody off as a lease of garbage, and for no longer than a lease lasts",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      box.commit({ "a.yaml": "a" });
      box.pushMain();
      const lease = yield* makeGitLease({
        ...{ cache: box.cache, repository: box.repository, environment: "default", holder: "t" },
      });
      const blob = (text: string) => box.inRemote(text, "hash-object", "-w", "--stdin");
      const content = (more: object) =>
        JSON.stringify({
          ...{
            format: 1,
            version: 7,
            holder: "eve",
            nonce: "n",
            expiresAt: "2027-01-01T00:00:00.000Z",
          },
          ...more,
        });
      const empty = box.inRemote("", "mktree");
      for (const entry of [
        `100644 blob ${blob("garbage")}\tlease.json`,
        `100644 blob ${blob("x".repeat(100_000))}\tlease.json`,
        `100644 blob ${blob(content({ version: 2 ** 53 }))}\tlease.json`,
        `100644 blob ${blob(content({ version: -1 }))}\tlease.json`,
        `100644 blob ${blob(content({ expiresAt: "soon" }))}\tlease.json`,
        `100644 blob ${blob(content({ holder: "x".repeat(300) }))}\tlease.json`,
        `040000 tree ${empty}\tlease.json`,
        `100644 blob ${blob(content({}))}\tother.json`,
      ]) {
        serveTree(box, box.inRemote(`${entry}\n`, "mktree"), leaseRef);
        yield* look(box);
        const error = yield* Effect.flip(lease.look);
        expect(error.reason, entry).toBe("Unavailable");
        expect(error.message, entry).toContain("muster/lease/default");
      }
      const far = content({ expiresAt: "9999-12-31T23:59:59.999Z", holder: `eve${steering}` });
      serveTree(box, box.inRemote(`100644 blob ${blob(far)}\tlease.json\n`, "mktree"), leaseRef);
      yield* look(box);
      const sighting = yield* lease.look;
      expect(sighting.version).toBe(7);
      expect(sighting.heldUntil! - Date.now()).toBeLessThanOrEqual(120_000);
      expect(sighting.holder).not.toMatch(steers);
      const taken = yield* Effect.flip(Effect.scoped(lease.claim(sighting)));
      expect(taken.message).not.toMatch(steers);
    }),
  );
});

describe("text that steers a terminal or a reader", () => {
  test(
    "never comes out of names, messages or hooks as it went in",
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      const name = `dir/${steering.replaceAll("/", "")}x`;
      writeFileSync(join(box.folder, "message"), `subject ${steering}\n\nbody ${steering}\n`);
      box.commit({ [`${name}.yaml`]: "a", [`${name}.txt`]: "not a document" });
      box.git(
        "commit",
        "-q",
        "--amend",
        "-F",
        join(box.folder, "message"),
        "--author",
        `A${steering} <a@b>`,
      );
      box.pushMain();
      const { head } = yield* look(box);
      const read = yield* readAt(box, head);
      expect(read.files).toEqual([]);
      expect(read.skipped).toMatchObject([{ reason: "UnsafePath" }]);
      expect(JSON.stringify(read)).not.toMatch(steers);
      box.git("push", "-q", "origin", `HEAD:refs/heads/z\u202ez`);
      const missing = yield* Effect.flip(look(box, { branch: "nowhere" }));
      expect(`${missing.message}${missing.remedy}`).not.toMatch(steers);
      const hook = join(box.remote, "hooks", "pre-receive");
      mkdirSync(join(hook, ".."), { recursive: true });
      writeFileSync(
        hook,
        `#!/bin/sh\nprintf '%s\\n' '${steering} error: fatal: !\trefs'\nexit 1\n`,
        {
          mode: 0o755,
        },
      );
      const to = yield* commitTree({
        ...{ cache: box.cache, files: new Map([["a", "a"]]), parents: [], subject: "x" },
      });
      const updates = [{ ref: leaseRef, to, expected: null }];
      const refused = yield* Effect.flip(
        push({ cache: box.cache, repository: box.repository, updates }),
      );
      expect(refused.reason).toBe("Denied");
      expect(`${refused.message}${refused.remedy}`).not.toMatch(steers);
    }),
  );
});

describe("a hundred thousand files", () => {
  const log: Array<GitRequest> = [];

  it.live("cost a few processes and no file that is not asked for", () =>
    Effect.gen(function* () {
      const box = yield* makeSandbox;
      plainGit(box.remote, ["config", "uploadpack.allowFilter", "true"]);
      const file = (path: string, text: string): string =>
        `M 100644 inline ${path}\ndata ${text.length}\n${text}\n`;
      const many = Array.from({ length: 99_998 }, (_, at) =>
        file(`d/${at % 100}/${at}.yaml`, `${at % 1_000}`),
      );
      const few = file("fleets/a.yaml", "a") + file("fleets/b.yaml", "b");
      const head = (from: string) =>
        `commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nc\n${from}`;
      box.inRemote(`${head("")}${few}${many.join("")}`, "fast-import", "--quiet");
      const origin = { repository: box.repository, branch: "main" };
      const read = (commit: string, path: string) =>
        readBlobs({ cache: box.cache, commit, path, isDocument: yaml, origin });
      const seen = yield* look(box);
      log.length = 0;
      expect((yield* read(seen.head, "fleets")).files).toHaveLength(2);
      const objects = () =>
        plainGit(box.cache, ["cat-file", "--batch-all-objects", "--batch-check=%(objecttype)"])
          .split("\n")
          .filter((type) => type === "blob").length;
      expect(objects()).toBe(2);
      expect((yield* read(seen.head, ".")).files).toHaveLength(100_000);
      expect(objects()).toBe(1_002);
      // For each of the two: the list, the sizes, the fetch, the sizes again, the contents.
      expect(log).toHaveLength(10);
      box.inRemote(
        `${head("from refs/heads/main^0\n")}${file("one-more.yaml", "x")}`,
        "fast-import",
        "--quiet",
      );
      const more = yield* look(box);
      const error = yield* Effect.flip(read(more.head, "."));
      expect(error.reason).toBe("TooLarge");
      expect(error.message).toContain("100001 files");
    }).pipe(Effect.provide(recordingLayer(log))),
  );

  it("are not kept beyond the limit of what is kept", () => {
    const kept = makeKept(100_000);
    const key = (at: number) => ({ name: `object ${at}` });
    for (let at = 0; at < 1_000; at++) kept.keep("a", key(at), at, 1_000);
    const here = Array.from({ length: 1_000 }, (_, at) => kept.find("a", key(at)));
    expect(here.filter((value) => value !== undefined).length).toBeLessThanOrEqual(90);
    expect(here.at(-1)).toBe(999);
    kept.keep("a", key(-1), "large", 30_000);
    expect(kept.find("a", key(-1))).toBeUndefined();
    kept.keep("b", key(1), "other", 1);
    kept.forget("a");
    expect([kept.find("a", key(999)), kept.find("b", key(1))]).toEqual([undefined, "other"]);
  });
});
