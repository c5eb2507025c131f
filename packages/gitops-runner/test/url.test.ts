// Holds which addresses are spoken to, and that each repository has one spelling.

import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Result from "effect/Result";
import { checkEnvironment, ownerOf, parseAddress, resolveRepository } from "../src/url.ts";
import { temporaryFolder } from "./sandbox.ts";

const normalised = (text: string) =>
  Effect.map(resolveRepository(text), (found) => found.normalised);

describe("addresses", () => {
  it.effect("have one spelling", () =>
    Effect.gen(function* () {
      for (const spelling of [
        "https://git.example.com/team/fleet",
        "HTTPS://Git.Example.com:443/team/fleet.git",
        "https://git.example.com/team/fleet.git/",
        "https://git.example.com/team//fleet///",
      ]) {
        expect(yield* normalised(spelling)).toBe("https://git.example.com/team/fleet");
      }
      expect(yield* normalised("https://git.example.com:8443/Team/Fleet.git")).toBe(
        "https://git.example.com:8443/Team/Fleet",
      );
    }),
  );

  it.effect("of folders are their real paths", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      mkdirSync(join(folder, "a fleet.git"));
      symlinkSync(join(folder, "a fleet.git"), join(folder, "link"));
      const byPath = yield* resolveRepository(join(folder, "link"));
      const byUrl = yield* resolveRepository(`file://${folder}/a%20fleet.git`);
      expect(byPath).toEqual(byUrl);
      expect(byPath.normalised).toMatch(/^file:\/\/\/.*\/a%20fleet$/);
      expect(ownerOf(byPath, "prod")).toBe(`${byPath.normalised}#prod`);
      const missing = yield* Effect.flip(resolveRepository(join(folder, "nowhere")));
      expect(missing.reason).toBe("RepositoryMissing");
    }),
  );

  it.effect("of ssh servers have one spelling, and what git gets is theirs", () =>
    Effect.gen(function* () {
      for (const [text, url] of [
        ["git@Git.Example.com:team/fleet.git", "git@Git.Example.com:team/fleet.git"],
        ["git@git.example.com:~/team/fleet", "git@git.example.com:team/fleet"],
        ["git@git.example.com:/team/fleet/", "ssh://git@git.example.com/team/fleet/"],
        ["ssh://git@git.example.com/team/fleet", "ssh://git@git.example.com/team/fleet"],
        [
          "SSH://git@git.example.com:22//team/fleet.git",
          "ssh://git@git.example.com:22//team/fleet.git",
        ],
        ["ssh://git@git.example.com/~/team/fleet", "git@git.example.com:team/fleet"],
      ] as const) {
        expect(yield* resolveRepository(text), text).toEqual({
          scheme: "ssh",
          url,
          normalised: "ssh://git@git.example.com/team/fleet",
        });
      }
      expect(yield* normalised("ssh://Ann@[::1]:2222/srv/a.git")).toBe(
        "ssh://Ann@[::1]:2222/srv/a",
      );
      expect(yield* normalised("host:a")).toBe("ssh://host/a");
    }),
  );

  it("of ssh servers hold nothing that ssh or a shell could read as more", () => {
    for (const text of [
      "ssh://-oProxyCommand=touch x/a",
      "ssh://-oProxyCommand=x/a",
      "ssh://git@-oProxyCommand=x/a",
      "ssh://-oProxyCommand=x@host/a",
      "-oProxyCommand=x:a",
      "git@-oProxyCommand=x:a",
      "-l@host:a",
      "git@host:-x",
      "git@host:a;touch b",
      "git@host:$(x)",
      "git@host:`x`",
      "git@host:a'b",
      "git@host:a b",
      "git@host:a\nb",
      "git@ho%68st:a",
      "git@host:../a",
      "git@host:a/../../b",
      "git@host:",
      "git@host:/",
      "git@:a",
      "a@b@host:a",
      "ssh://host",
      "ssh://host/",
      "ssh:///a",
      "ssh://host:0/a",
      "ssh://host:99999/a",
      "ssh://host:22x/a",
      "ssh://git@host/a?b",
      "ssh://git@host/a%0ab",
      "ssh://[::1%25eth0]/a",
      "ssh://host.-/a",
    ]) {
      const refusal = Result.flip(parseAddress(text));
      expect(Result.isSuccess(refusal) && refusal.success.reason, text).toBe("Invalid");
    }
    const secret = Result.flip(parseAddress("ssh://git:hunter2@host/a"));
    expect(JSON.stringify(secret)).not.toContain("hunter2");
  });

  it("other than https, ssh and file are refused, with the remedy", () => {
    for (const text of [
      "http://example.com/a",
      "git+ssh://example.com/a",
      "git://example.com/a",
      "ext::sh -c 'touch /tmp/x'",
      "ext::sh",
      "fd::17",
      "ftp://example.com/a",
      "file://host/a",
      "relative/path",
      "-upload-pack=x",
      "--upload-pack=x",
      "https://example.com/",
      "https://example.com/a?b",
      "https://example.com/a\n",
      "/srv/a\nb",
      "",
    ]) {
      const refusal = Result.flip(parseAddress(text));
      expect(Result.isSuccess(refusal) && refusal.success.reason, text).toBe("Invalid");
      expect(Result.isSuccess(refusal) && refusal.success.remedy, text).toBeTruthy();
    }
  });

  it("with a user name or password are refused without repeating them", () => {
    for (const text of [
      "https://bob:hunter2@example.com/a",
      "https://hunter2@example.com/a",
      "https://:hunter2@example.com/a",
      "https://@example.com/hunter2",
    ]) {
      const refusal = Result.flip(parseAddress(text));
      expect(Result.isSuccess(refusal)).toBe(true);
      const error = Result.getOrThrow(refusal);
      expect(error.remedy).toContain("MUSTER_GIT_TOKEN");
      expect(JSON.stringify(error)).not.toContain("hunter2");
    }
  });

  it.effect("environments are short and plain", () =>
    Effect.gen(function* () {
      expect(yield* checkEnvironment("prod-2")).toBe("prod-2");
      for (const bad of ["", "Prod", "a/b", "a b", "..", "x".repeat(41), "a\n"]) {
        const error = yield* Effect.flip(checkEnvironment(bad));
        expect(error.reason).toBe("Invalid");
      }
    }),
  );
});
