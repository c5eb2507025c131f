// Holds what known_hosts files say of a key, also against what ssh-keygen finds in the same files.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { appendKnownHost, readKnownHostsFiles } from "../src/known-hosts-file.ts";
import {
  judgeKey,
  knownHostsLine,
  knownHostsName,
  knownKeyTypes,
  readKnownHosts,
  typeOfKeyBytes,
} from "../src/known-hosts.ts";
import { matchesPattern } from "../src/pattern.ts";
import { temporaryFolder } from "./folder.ts";
import { keyOf, programPath, randomOf } from "./keys.ts";

const encoded = (seed: string, type?: string): string => keyOf(seed, type).toString("base64");
const lineOf = (names: string, seed: string, type = "ssh-ed25519"): string =>
  `${names} ${type} ${encoded(seed, type)}`;

const read = (...lines: ReadonlyArray<string>) =>
  readKnownHosts([{ file: "kh", text: lines.join("\n") }]);

const verdictOf = (
  known: ReturnType<typeof read>,
  host: string,
  seed: string,
  port: number | null = 22,
  type?: string,
): string => judgeKey(known, { host, port }, keyOf(seed, type)).verdict;

describe("a key that a host shows", () => {
  it("is known when exactly it stands there, under that name and port", () => {
    const known = read(
      lineOf("web-1,10.0.0.1", "a"),
      lineOf("[web-2]:2222", "b"),
      `${lineOf("web-3", "c")} a comment`,
    );
    expect(known.findings).toEqual([]);
    expect(judgeKey(known, { host: "WEB-1", port: 22 }, keyOf("a"))).toEqual({
      verdict: "known",
      place: { file: "kh", line: 1 },
    });
    expect(verdictOf(known, "10.0.0.1", "a")).toBe("known");
    expect(verdictOf(known, "web-2", "b", 2222)).toBe("known");
    expect(verdictOf(known, "web-2", "b")).toBe("unknown");
    expect(verdictOf(known, "web-2", "b", 2223)).toBe("unknown");
    expect(verdictOf(known, "web-3", "c")).toBe("known");
    expect(verdictOf(known, "web-4", "a")).toBe("unknown");
  });

  it("has changed when others stand there and it does not, of whatever type", () => {
    const known = read(lineOf("web", "a"), lineOf("web", "r", "ssh-rsa"));
    expect(judgeKey(known, { host: "web", port: 22 }, keyOf("x"))).toEqual({
      verdict: "changed",
      place: { file: "kh", line: 1 },
    });
    expect(verdictOf(known, "web", "x", 22, "ecdsa-sha2-nistp256")).toBe("changed");
    expect(verdictOf(known, "web", "r", 22, "ssh-rsa")).toBe("known");
    expect(knownKeyTypes(known, { host: "web", port: 22 })).toEqual(["ssh-ed25519", "ssh-rsa"]);
  });

  it("is known by the bare name on another port, and never changed by it", () => {
    const known = read(lineOf("web", "a"));
    expect(verdictOf(known, "web", "a", 2222)).toBe("known");
    expect(verdictOf(known, "web", "b", 2222)).toBe("unknown");
    expect(knownKeyTypes(known, { host: "web", port: 2222 })).toEqual(["ssh-ed25519"]);
    const both = read(lineOf("web", "a"), lineOf("[web]:2222", "b"));
    expect(verdictOf(both, "web", "a", 2222)).toBe("changed");
    expect(verdictOf(read(`@revoked ${lineOf("web", "a")}`), "web", "a", 2222)).toBe("revoked");
  });

  it("is revoked whatever else stands there", () => {
    const known = read(lineOf("web", "a"), `@revoked ${lineOf("*", "a")}`, lineOf("db", "b"));
    expect(judgeKey(known, { host: "web", port: 22 }, keyOf("a"))).toEqual({
      verdict: "revoked",
      place: { file: "kh", line: 2 },
    });
    expect(verdictOf(known, "db", "b")).toBe("known");
    // A revoked line vouches for nobody, and is no other key of the host.
    expect(verdictOf(known, "new", "z")).toBe("unknown");
    expect(knownKeyTypes(known, { host: "new", port: 22 })).toEqual([]);
  });

  it("is never trusted for an authority's sake, which is told", () => {
    const known = read(`@cert-authority ${lineOf("*.example", "ca")}`, lineOf("b.example", "b"));
    expect(verdictOf(known, "a.example", "ca")).toBe("only-certificate-authority");
    expect(verdictOf(known, "a.example", "x")).toBe("only-certificate-authority");
    expect(verdictOf(known, "b.example", "b")).toBe("known");
    expect(verdictOf(known, "b.example", "x")).toBe("changed");
    expect(known.findings).toEqual([
      { file: "kh", line: 1, message: 'certificates are not supported: "*.example"' },
    ]);
  });

  it("is looked for by wildcards, which negation shuts out", () => {
    const known = read(lineOf("*.EXAMPLE,!db.example", "a"), lineOf("web-?", "b"));
    expect(verdictOf(known, "web.example", "a")).toBe("known");
    expect(verdictOf(known, "db.example", "a")).toBe("unknown");
    expect(verdictOf(known, "web-1", "b")).toBe("known");
    expect(verdictOf(known, "web-10", "b")).toBe("unknown");
    expect(verdictOf(read(lineOf("!web", "a")), "web", "a")).toBe("unknown");
    expect(verdictOf(read(lineOf("[*]:2222", "a")), "web", "a", 2222)).toBe("known");
  });

  it("is looked for by the alias alone, without a port", () => {
    expect(knownHostsName({ host: "Fleet", port: null })).toBe("fleet");
    expect(verdictOf(read(lineOf("fleet", "a")), "fleet", "a", null)).toBe("known");
  });

  it("must stand there to its end", () => {
    const known = read(lineOf("web", "a"));
    const cut = keyOf("a").subarray(0, -1);
    expect(judgeKey(known, { host: "web", port: 22 }, cut).verdict).toBe("changed");
    expect(judgeKey(known, { host: "web", port: 22 }, new Uint8Array()).verdict).toBe("changed");
  });
});

describe("a file", () => {
  it("tells its bad lines by their numbers, and goes on", () => {
    const known = read(
      "# a comment",
      "",
      "   \t ",
      "web",
      "web ssh-ed25519",
      "web ssh-ed25519 !!!",
      lineOf("web", "a").replace("ssh-ed25519", "ssh-rsa"),
      `@trusted ${lineOf("web", "a")}`,
      `|1|short|short ssh-ed25519 ${encoded("a")}`,
      `|2|x|y ssh-ed25519 ${encoded("a")}`,
      "web 1024 35 1234567890",
      `  ${lineOf("good", "a")}\r`,
    );
    expect(known.findings.map(({ line }) => line)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    expect(known.findings.map(({ message }) => message)).toEqual([
      "is not: names, type of key, key",
      "is not: names, type of key, key",
      'holds no key of the type "ssh-ed25519"',
      'holds no key of the type "ssh-rsa"',
      '"@trusted" is no marker: @revoked or @cert-authority',
      '"|1|short|short" is no hashed name',
      '"|2|x|y" is no hashed name',
      'holds no key of the type "1024"',
    ]);
    expect(verdictOf(known, "web", "a")).toBe("unknown");
    expect(verdictOf(known, "good", "a")).toBe("known");
  });

  it("shows nothing of a line that a terminal would act on", () => {
    const known = read(`\u001b[2J@web ssh-ed25519 x`, "@\u001b[31m x y z");
    for (const { message } of known.findings) expect(message).not.toMatch(/[^ -~]/);
    expect(known.findings).toHaveLength(2);
  });

  it("of any bytes is read to its end", () => {
    const random = randomOf("bytes");
    const alphabet = ["@revoked ", "|1|", " ", "\n", "\r", ",", "!", "*", "?", "#", "\0", "é", "="];
    for (let turn = 0; turn < 200; turn += 1) {
      let text = "";
      for (let part = 0; part < 60; part += 1) {
        const at = Math.floor(random() * (alphabet.length + 3));
        text += alphabet[at] ?? lineOf(`h${at}`, "a").slice(0, Math.floor(random() * 90));
      }
      const known = readKnownHosts([{ file: "kh", text }]);
      for (const { line } of known.findings) {
        expect(line).toBeGreaterThan(0);
        expect(line).toBeLessThanOrEqual(text.split("\n").length);
      }
      // Nothing can stand there that was not written: this key was not.
      expect(verdictOf(known, "h1", "never")).not.toBe("known");
    }
  });

  it.effect("that is not there says nothing; one that cannot be read is a finding", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const good = join(folder, "good");
      writeFileSync(good, lineOf("web", "a"));
      const known = yield* readKnownHostsFiles([join(folder, "none"), folder, good]);
      expect(known.findings).toEqual([
        { file: folder, line: 0, message: "cannot be read: EISDIR" },
      ]);
      expect(verdictOf(known, "web", "a")).toBe("known");
    }).pipe(Effect.scoped),
  );
});

describe("a pattern", () => {
  it("matches as a plain reading of it does", () => {
    const slow = (pattern: string, text: string): boolean => {
      if (pattern === "") return text === "";
      if (pattern[0] === "*") {
        return slow(pattern.slice(1), text) || (text !== "" && slow(pattern, text.slice(1)));
      }
      if (text === "" || (pattern[0] !== "?" && pattern[0] !== text[0])) return false;
      return slow(pattern.slice(1), text.slice(1));
    };
    const random = randomOf("patterns");
    const draw = (alphabet: string, most: number): string =>
      Array.from({ length: Math.floor(random() * most) }, () =>
        alphabet.charAt(Math.floor(random() * alphabet.length)),
      ).join("");
    let matched = 0;
    for (let turn = 0; turn < 5_000; turn += 1) {
      const [pattern, text] = [draw("ab*?", 7), draw("ab", 7)];
      const is = matchesPattern(pattern, text);
      expect([pattern, text, is]).toEqual([pattern, text, slow(pattern, text)]);
      if (is) matched += 1;
    }
    expect(matched).toBeGreaterThan(500);
  });
});

const keygen = programPath("ssh-keygen");

/** The lines that ssh-keygen finds for a name. */
const foundBy = (file: string, name: string): ReadonlyArray<number> =>
  spawnSync(keygen!, ["-F", name, "-f", file])
    .stdout.toString("utf8")
    .split("\n")
    .flatMap((line) => /found: line (\d+)/.exec(line)?.[1] ?? [])
    .map(Number);

describe.skipIf(keygen === undefined)("ssh-keygen", () => {
  const hosts = ["web", "db", "a.example", "b.example", "10.0.0.1", "::1"];
  const names = [...hosts, "*.example", "!b.example", "w?b", "[web]:2222", "[*]:2222", "*"];

  it.effect("finds the same lines as we do, before and after it hashes them", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const random = randomOf("keygen");
      const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(random() * from.length)]!;
      let found = 0;
      for (let turn = 0; turn < 3; turn += 1) {
        const file = join(folder, `kh-${turn}`);
        // Each line has a key of its own; hashed, it becomes a line for each name.
        const lines = Array.from({ length: 25 }, (_, index) => {
          const list = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(names));
          return lineOf(list.join(","), `${turn} ${index}`);
        });
        writeFileSync(file, `${lines.join("\n")}\n`);
        const before = yield* compared(file, hosts);
        expect(before.findings).toEqual([]);
        execFileSync(keygen!, ["-q", "-H", "-f", file], { stdio: "ignore" });
        expect(readFileSync(file, "utf8")).toContain("|1|");
        const after = yield* compared(file, hosts);
        expect(after.hashed.length).toBeGreaterThan(5);
        found += before.matches;
      }
      expect(found).toBeGreaterThan(50);
    }).pipe(Effect.scoped),
  );

  const compared = (file: string, names: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const known = yield* readKnownHostsFiles([file]);
      const keys = readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[2] ?? "");
      let matches = 0;
      for (const name of names) {
        for (const port of [22, 2222]) {
          const asked = knownHostsName({ host: name, port });
          const ours = [...new Set(keys)].filter((key) => {
            // By the alias: the bare name must not be asked beside it.
            const who = { host: asked, port: null };
            return judgeKey(known, who, Buffer.from(key, "base64")).verdict === "known";
          });
          const theirs = new Set(foundBy(file, asked).map((line) => keys[line - 1]));
          expect([file, asked, ours]).toEqual([file, asked, [...theirs]]);
          matches += ours.length;
        }
      }
      return { ...known, matches };
    });

  it.effect("finds a line that was added, plain and hashed", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = join(folder, "new", "known_hosts");
      const web = { host: "Web", port: 2222 };
      yield* appendKnownHost(file, knownHostsLine(web, keyOf("a"), false));
      yield* appendKnownHost(file, knownHostsLine({ host: "db", port: 22 }, keyOf("b"), true));
      expect(readFileSync(file, "utf8").split("\n")[0]).toBe(lineOf("[web]:2222", "a"));
      expect(readFileSync(file, "utf8")).not.toContain("db");
      expect(foundBy(file, "[web]:2222")).toEqual([1]);
      expect(foundBy(file, "db")).toEqual([2]);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(statSync(join(folder, "new")).mode & 0o777).toBe(0o700);
      const known = yield* readKnownHostsFiles([file]);
      expect(verdictOf(known, "web", "a", 2222)).toBe("known");
      expect(verdictOf(known, "db", "b")).toBe("known");
    }).pipe(Effect.scoped),
  );
});

describe("a line that is added", () => {
  it.effect("is whole beside those of others, and after a line without an end", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "known_hosts");
      writeFileSync(file, lineOf("old", "old"));
      const hosts = Array.from({ length: 40 }, (_, index) => `h${index}`);
      yield* Effect.forEach(
        hosts,
        (host) =>
          appendKnownHost(file, knownHostsLine({ host, port: 22 }, keyOf(host), host === "h3")),
        { concurrency: 8 },
      );
      const known = yield* readKnownHostsFiles([file]);
      expect(known.findings).toEqual([]);
      for (const host of ["old", ...hosts]) expect(verdictOf(known, host, host)).toBe("known");
    }).pipe(Effect.scoped),
  );

  it.effect("says why it could not be", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      writeFileSync(join(folder, "file"), "");
      chmodSync(folder, 0o700);
      const fault = yield* Effect.flip(appendKnownHost(join(folder, "file", "kh"), "x\n"));
      expect(fault.message).toMatch(/^E(NOTDIR|EXIST)$/);
    }).pipe(Effect.scoped),
  );

  it("is of a key only", () => {
    expect(() => knownHostsLine({ host: "web", port: 22 }, Buffer.from("x"), false)).toThrow(
      "no key",
    );
    expect(typeOfKeyBytes(keyOf("a", "ssh-rsa"))).toBe("ssh-rsa");
  });
});
