// Holds that commits are built as asked, and files read by tree without following anything.

import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, layer } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { readBlobs, sourceLimits } from "../src/blobs.ts";
import { fetchBranch } from "../src/fetch.ts";
import { commitTree } from "../src/tree.ts";
import { gitLayer, makeSandbox, plainGit, type Sandbox } from "./sandbox.ts";

const yaml = (path: string): boolean => path.endsWith(".yaml");

const fetched = (sandbox: Sandbox) =>
  fetchBranch({
    repository: sandbox.repository,
    branch: "main",
    environment: "default",
    cache: sandbox.cache,
  });

layer(gitLayer)("readBlobs", (it) => {
  it.effect("reads what is wanted and says what it skipped", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      const files = {
        "fleets/b.yaml": "b",
        "fleets/ü/a.yaml": "ä\n",
        "fleets/x.md": "no",
        "c.yaml": "c",
      };
      symlinkSync("/etc/passwd", join(sandbox.work, "link.yaml"));
      symlinkSync("fleets", join(sandbox.work, "folder"));
      writeFileSync(join(sandbox.work, "raw.yaml"), Buffer.from([0xff, 0xfe, 0x00]));
      writeFileSync(join(sandbox.work, "new\nline.yaml"), "x");
      writeFileSync(join(sandbox.work, "big.yaml"), "x".repeat(2000));
      writeFileSync(join(sandbox.work, "big.bin"), "x".repeat(2000));
      const first = sandbox.commit(files);
      sandbox.git("update-index", "--add", "--cacheinfo", `160000,${first},sub.yaml`);
      sandbox.git("commit", "-q", "-m", "submodule");
      sandbox.pushMain();
      const { head } = yield* fetched(sandbox);
      const limits = { ...sourceLimits, fileBytes: 1000 };
      const origin = { repository: sandbox.repository, branch: "main" };
      const request = { cache: sandbox.cache, commit: head, isDocument: yaml, limits, origin };
      const read = yield* readBlobs(request);
      expect(read.files.map(({ path, text }) => [path, text])).toEqual([
        ["c.yaml", "c"],
        ["fleets/b.yaml", "b"],
        ["fleets/ü/a.yaml", "ä\n"],
      ]);
      expect(read.skipped.map(({ path, reason }) => [path, reason]).toSorted()).toEqual([
        ["big.yaml", "TooLarge"],
        ["folder", "Link"],
        ["link.yaml", "Link"],
        ["new / line.yaml", "UnsafePath"],
        ["raw.yaml", "NotText"],
        ["sub.yaml", "Submodule"],
      ]);
      const below = yield* readBlobs({ ...request, path: "./fleets/" });
      expect(below.files.map(({ path }) => path)).toEqual(["fleets/b.yaml", "fleets/ü/a.yaml"]);
      const one = yield* readBlobs({ ...request, path: "c.yaml" });
      expect(one.files.map(({ path }) => path)).toEqual(["c.yaml"]);
      const link = yield* readBlobs({ ...request, path: "folder" });
      expect(link).toMatchObject({ files: [], skipped: [{ reason: "Link" }] });
      const through = yield* Effect.flip(readBlobs({ ...request, path: "folder/b.yaml" }));
      expect(through.reason).toBe("NotFound");
      expect((yield* Effect.flip(readBlobs({ ...request, path: "flee" }))).reason).toBe("NotFound");
      for (const path of ["../x", "/etc", "a/../../b", "fleets/*", ":(glob)**", "-r"]) {
        const error = yield* Effect.flip(readBlobs({ ...request, path }));
        expect(["Invalid", "NotFound"], path).toContain(error.reason);
      }
      for (const narrow of [{ files: 3 }, { totalBytes: 5 }]) {
        const tight = { ...request, limits: { ...limits, ...narrow } };
        expect((yield* Effect.flip(readBlobs(tight))).reason).toBe("TooLarge");
      }
      const named = yield* Effect.flip(readBlobs({ ...request, commit: "HEAD" }));
      expect(named.reason).toBe("Invalid");
    }),
  );

  it.effect("finds nothing to fear in an empty tree", () =>
    Effect.gen(function* () {
      const sandbox = yield* makeSandbox;
      sandbox.commit({});
      sandbox.pushMain();
      const { head } = yield* fetched(sandbox);
      const read = yield* readBlobs({ cache: sandbox.cache, commit: head, isDocument: yaml });
      expect(read).toMatchObject({ files: [], skipped: [], emptied: { reason: "SourceEmptied" } });
    }),
  );
});

layer(gitLayer)("commitTree", (it) => {
  it.effect("builds exactly the tree and message asked for, and leaves no ref", () =>
    Effect.gen(function* () {
      const { cache } = yield* makeSandbox;
      const show = (...args: ReadonlyArray<string>) => plainGit(cache, args);
      const files = new Map([
        ['odd "name" ü.json', "{}"],
        ["a/b.json", "line\ndone\n"],
      ]);
      const first = yield* commitTree({ cache, files, parents: [], subject: "one" });
      expect(show("-c", "core.quotePath=false", "ls-tree", "-r", "-z", "--name-only", first)).toBe(
        'a/b.json\0odd "name" ü.json\0',
      );
      expect(show("cat-file", "blob", `${first}:a/b.json`)).toBe("line\ndone");
      const trailers = [["Muster-Run", "r1"]] as const;
      const added = new Map([["c", "c"]]);
      const second = yield* commitTree({
        ...{ cache, files: added, parents: [first], subject: "two", trailers },
        onto: "parent",
      });
      expect(show("ls-tree", "-r", "--name-only", second).split("\n")).toHaveLength(3);
      const third = yield* commitTree({ cache, files: added, parents: [second], subject: "three" });
      expect(show("ls-tree", "-r", "--name-only", third)).toBe("c");
      expect(show("log", "-1", "--format=%an <%ae>|%cn|%ct|%P|%B", second)).toBe(
        `muster <muster@localhost>|muster|0|${first}|two\n\nMuster-Run: r1`,
      );
      expect(show("for-each-ref")).toBe("");
      expect(show("fsck", "--strict", "--no-dangling")).toBe("");
    }),
  );

  it.effect("refuses paths and messages that could say something else", () =>
    Effect.gen(function* () {
      const { cache } = yield* makeSandbox;
      const base = { cache, files: new Map(), parents: [], subject: "x" };
      for (const path of [
        "../a",
        "/a",
        "a//b",
        "a\nb",
        "",
        ".git/config",
        "a/.GIT/x",
        "a\\b",
        "a/.",
      ]) {
        const error = yield* Effect.flip(commitTree({ ...base, files: new Map([[path, ""]]) }));
        expect(error.reason, path).toBe("Invalid");
      }
      for (const odd of [
        { subject: "a\nb" },
        { trailers: [["Muster-Run", "a\nMuster-Run: b"]] as const },
        { trailers: [["a b", "x"]] as const },
        { parents: ["main"] },
      ]) {
        expect((yield* Effect.flip(commitTree({ ...base, ...odd }))).reason).toBe("Invalid");
      }
    }),
  );
});
