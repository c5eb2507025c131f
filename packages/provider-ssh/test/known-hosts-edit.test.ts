// Holds that a key which takes the place of another touches no other host, also as ssh-keygen reads the file.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { replaceKnownHost } from "../src/known-hosts-edit.ts";
import { firstWritable, rewriteFile } from "../src/known-hosts-rewrite.ts";
import { fingerprintOf, knownHostsLine } from "../src/known-hosts.ts";
import { temporaryFolder } from "./folder.ts";
import { keyOf, programPath, randomOf } from "./keys.ts";

const lineOf = (names: string, seed: string, type = "ssh-ed25519"): string =>
  `${names} ${type} ${keyOf(seed, type).toString("base64")}`;

const hashedLine = (host: string, seed: string): string =>
  knownHostsLine({ host, port: 22 }, keyOf(seed), true).trimEnd();

const web = { host: "web", port: 22 };

const edited = (lines: ReadonlyArray<string>, who: { host: string; port: number } = web) => {
  const { text, replaced } = replaceKnownHost(lines.join("\n"), who, keyOf("new"), false);
  return { lines: text.split("\n"), replaced };
};

describe("a key that takes the place of others", () => {
  it("stands where the first of them stood, and the others are gone", () => {
    const { lines, replaced } = edited([
      "# mine",
      lineOf("db", "db"),
      `${lineOf("Web", "old")} comment`,
      "",
      lineOf("web", "old", "ssh-rsa"),
      "",
    ]);
    expect(lines).toEqual(["# mine", lineOf("db", "db"), lineOf("web", "new"), "", ""]);
    expect(replaced).toEqual([
      { line: 3, type: "ssh-ed25519", fingerprint: fingerprintOf(keyOf("old")) },
      { line: 5, type: "ssh-rsa", fingerprint: fingerprintOf(keyOf("old", "ssh-rsa")) },
    ]);
  });

  it("leaves patterns, revoked keys, authorities, other ports, and what cannot be read", () => {
    const others = [
      lineOf("w*", "a"),
      lineOf("web,!web2", "b"),
      `@revoked ${lineOf("web", "c")}`,
      `@cert-authority ${lineOf("web", "d")}`,
      lineOf("[web]:2222", "e"),
      "web ssh-ed25519 nonsense",
      "  # web",
    ];
    const { lines, replaced } = edited([...others, ""]);
    expect([lines, replaced]).toEqual([[...others, lineOf("web", "new"), ""], []]);
    const there = edited([...others, ""], { host: "web", port: 2222 });
    expect(there.lines).toEqual(
      [...others, ""].map((line) =>
        line.startsWith("[web]") ? lineOf("[web]:2222", "new") : line,
      ),
    );
  });

  it("leaves the other names of a line their key", () => {
    const { lines, replaced } = edited([`  ${lineOf("db,web,10.0.0.1", "old")} c\r`, ""]);
    expect(lines).toEqual([`  ${lineOf("db,10.0.0.1", "old")} c\r`, lineOf("web", "new"), ""]);
    expect(replaced).toHaveLength(1);
  });

  it("is hashed when the name was, and leaves the hashed names of others", () => {
    const db = hashedLine("db", "db");
    const { lines } = edited([db, hashedLine("web", "old"), ""]);
    expect(lines[0]).toBe(db);
    expect(lines[1]).toMatch(/^\|1\|[^ ]+ ssh-ed25519 /);
    expect(lines[1]).toContain(keyOf("new").toString("base64"));
    expect(lines).toHaveLength(3);
  });

  it("goes to the end of a file, also of one whose last line has no end", () => {
    expect(edited([lineOf("db", "db")]).lines).toEqual([
      lineOf("db", "db"),
      lineOf("web", "new"),
      "",
    ]);
    expect(edited([""]).lines).toEqual([lineOf("web", "new"), ""]);
  });
});

const sshKeygen = programPath("ssh-keygen");

describe.skipIf(sshKeygen === undefined)("ssh-keygen", () => {
  const hosts = ["web", "db", "10.0.0.1", "web.example", "ww"];

  /** Lines of keys that it finds for a name. */
  const found = (file: string, name: string): ReadonlyArray<string> =>
    spawnSync(sshKeygen!, ["-F", name, "-f", file])
      .stdout.toString("utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      // Of a line that names several only its key is the host's.
      .map((line) => line.replace(/^(@\S+ )?\S+ /u, "$1"));

  it.live("finds the new key for the host, and for every other host what it found before", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = join(folder, "known_hosts");
      for (let round = 0; round < 12; round += 1) {
        const random = randomOf(`edit ${round}`);
        const pick = <A>(all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)]!;
        const line = (): string => {
          const seed = `${round} ${random()}`;
          const kind = random();
          if (kind < 0.25) return hashedLine(pick(hosts), seed);
          if (kind < 0.35) return `@revoked ${lineOf(pick(hosts), seed)}`;
          if (kind < 0.45) return lineOf(pick(["w*", "*.example", "web,!db"]), seed);
          if (kind < 0.55) return pick(["", "# web", "web", "\u00e4 \u00ff"]);
          if (kind < 0.75) return lineOf(`${pick(hosts)},${pick(hosts)},[web]:2222`, seed);
          return lineOf(pick(hosts), seed);
        };
        const text = Array.from({ length: 10 }, line).join("\n");
        writeFileSync(file, Buffer.from(text, "latin1"));
        const others = [...hosts.filter((host) => host !== "web"), "[web]:2222"];
        const before = others.map((host) => found(file, host));
        const own = found(file, "web").filter((key) => key.startsWith("@revoked"));
        const { text: after } = replaceKnownHost(text, web, keyOf("new"), random() < 0.5);
        writeFileSync(file, Buffer.from(after, "latin1"));
        expect([round, others.map((host) => found(file, host))]).toEqual([round, before]);
        const now = found(file, "web");
        expect(now.filter((key) => key.startsWith("@revoked"))).toEqual(own);
        expect(now).toContain(lineOf("x", "new").slice(2));
        // Whatever else is found comes by a pattern that is for others, too.
        const patterns = after.split("\n").filter((each) => /^(w\*|web,!)/u.test(each));
        expect(now.length).toBe(own.length + 1 + patterns.length);
      }
    }).pipe(Effect.scoped),
  );
});

const appending =
  (more: string) =>
  (text: string): { readonly text: string } => ({ text: `${text}${more}` });

describe("a file that is rewritten", () => {
  it.live("keeps its mode, its link and every byte, and leaves nothing beside it", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      mkdirSync(join(folder, "real"));
      const real = join(folder, "real", "hosts");
      const link = join(folder, "known_hosts");
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      writeFileSync(real, bytes);
      chmodSync(real, 0o644);
      symlinkSync("real/hosts", link);
      yield* rewriteFile(link, appending("more\n"));
      expect(lstatSync(link).isSymbolicLink()).toBe(true);
      expect(readFileSync(real)).toEqual(Buffer.concat([bytes, Buffer.from("more\n")]));
      expect(statSync(real).mode & 0o777).toBe(0o644);
      expect(readdirSync(join(folder, "real"))).toEqual(["hosts"]);
      const fresh = join(folder, "new", "known_hosts");
      yield* rewriteFile(fresh, appending("one\n"));
      expect([readFileSync(fresh, "utf8"), statSync(fresh).mode & 0o777]).toEqual(["one\n", 0o600]);
      expect(statSync(join(folder, "new")).mode & 0o777).toBe(0o700);
    }).pipe(Effect.scoped),
  );

  it.live("follows no link that somebody laid where it writes", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const file = join(folder, "known_hosts");
      const victim = join(folder, "victim");
      writeFileSync(file, "one\n");
      writeFileSync(victim, "untouched\n");
      symlinkSync(victim, `${file}.muster-${process.pid}`);
      yield* rewriteFile(file, appending("two\n"));
      expect(readFileSync(victim, "utf8")).toBe("untouched\n");
      expect(readFileSync(file, "utf8")).toBe("one\ntwo\n");
      expect(lstatSync(file).isSymbolicLink()).toBe(false);
    }).pipe(Effect.scoped),
  );

  it.live("loses no word of many writers", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "known_hosts");
      const words = Array.from({ length: 20 }, (_, index) => `${index}\n`);
      yield* Effect.forEach(words, (word) => rewriteFile(file, appending(word)), {
        concurrency: 8,
      });
      expect(readFileSync(file, "utf8").split("\n").toSorted()).toEqual(
        words.join("").split("\n").toSorted(),
      );
    }).pipe(Effect.scoped),
  );

  it.live("is read anew when another program wrote it meanwhile", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "known_hosts");
      writeFileSync(file, "a\n");
      let asked = 0;
      yield* rewriteFile(file, (text) => {
        asked += 1;
        if (asked === 1) writeFileSync(file, "a\nb\n");
        return { text: `${text}c\n` };
      });
      expect([readFileSync(file, "utf8"), asked]).toEqual(["a\nb\nc\n", 2]);
    }).pipe(Effect.scoped),
  );

  it.live("is written or not when who asked for it gives up, and never later", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryFolder, "known_hosts");
      // Long enough to be given up in the middle.
      const long = "x".repeat(8_000_000);
      writeFileSync(file, long);
      const asked = Deferred.makeUnsafe<void>();
      const fiber = yield* Effect.forkChild(
        rewriteFile(file, (text) => {
          Deferred.doneUnsafe(asked, Effect.void);
          return { text: `${text}more` };
        }),
      );
      yield* Deferred.await(asked);
      yield* Fiber.interrupt(fiber);
      expect(readdirSync(dirname(file))).toEqual(["known_hosts"]);
      expect(statSync(file).size).toBe(long.length + "more".length);
    }).pipe(Effect.scoped),
  );

  it.live("is the first one that can be written", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const [there, fresh] = [join(folder, "there"), join(folder, "below", "fresh")];
      writeFileSync(there, "");
      expect(yield* firstWritable([folder, there, fresh])).toBe(there);
      expect(yield* firstWritable([join(there, "x"), "/dev/null", fresh])).toBe(fresh);
      expect(yield* firstWritable(["/dev/null"])).toBeNull();
      expect(existsSync(fresh)).toBe(false);
    }).pipe(Effect.scoped),
  );
});
