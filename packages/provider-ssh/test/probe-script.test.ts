// Holds what the probe's script says of files, in each shell that is here, and what is made of it.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import { readProbeAnswer } from "../src/probe-answer.ts";
import { maxFileBytes, probeCommand, probeFrame, probeScript } from "../src/probe-script.ts";
import { temporaryFolder } from "./folder.ts";
import { randomOf } from "./keys.ts";

const marker = "0123456789abcdef0123456789abcdef";

/** The shells of POSIX that are on this machine; a host may have any of them. */
const shells: ReadonlyArray<ReadonlyArray<string>> = [
  ["/bin/sh"],
  ["/bin/dash"],
  ["/bin/bash"],
  ["/bin/bash", "--posix"],
  ["/bin/busybox", "ash"],
  ["/bin/ksh"],
  ["/bin/zsh", "--emulate", "sh"],
].filter(([path]) => existsSync(path!));

/** A folder with programs of its own beside those of the machine, and the three files in it. */
const makeHost = Effect.map(temporaryFolder, (folder) => {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const places = {
    roleFile: join(folder, "etc", "role"),
    overrideFile: join(folder, "etc", "puppet", "override"),
    lastRunFile: join(folder, "etc", "puppet", "last.json"),
  };
  mkdirSync(join(folder, "etc", "puppet"), { recursive: true });
  const program = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  program("sudo", "exit 1");
  return { folder, bin, places, program };
});

type Host = Effect.Success<typeof makeHost>;

const runIn = (
  shell: ReadonlyArray<string>,
  host: Host,
  more: { readonly stdin?: string; readonly path?: string; readonly uid?: number } = {},
) => {
  const frame = Buffer.from(probeFrame(marker, host.places) as Uint8Array);
  const [program, ...args] = shell;
  return spawnSync(program!, [...args, "-c", probeScript], {
    input: more.stdin ?? frame,
    // Who hangs is ended, and then has no answer.
    timeout: 10_000,
    killSignal: "SIGKILL",
    // A home without a file that bash would read first.
    env: { HOME: host.folder, PATH: more.path ?? `${host.bin}:/usr/bin:/bin` },
    ...(more.uid === undefined ? {} : { uid: more.uid, gid: more.uid }),
  });
};

const probed = (...run: Parameters<typeof runIn>) => {
  const { stdout, stderr } = runIn(...run);
  expect(stderr.toString("utf8")).toBe("");
  const read = readProbeAnswer(stdout, marker);
  if (typeof read === "string") throw new Error(`${read}: ${stdout.toString("utf8")}`);
  return read;
};

const shaOf = (bytes: Uint8Array | string): string =>
  createHash("sha256").update(bytes).digest("hex");

describe.each(shells.map((shell) => [shell.join(" "), shell] as const))("in %s", (_, shell) => {
  it.effect("facts are told, and nothing is written", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      const { roleFile, overrideFile, lastRunFile } = host.places;
      const override = Buffer.from("PUPPET_BRANCH='x'\n$(touch no) `id` \u00e9\r\n\0end");
      writeFileSync(roleFile, "gecko_t_linux\nmore\n");
      writeFileSync(overrideFile, override);
      writeFileSync(
        lastRunFile,
        JSON.stringify({
          ...{ ts: "2026-11-25T12:00:00+02:00", success: true, git_sha: "abc" },
          ...{ override_sha: "", role: "gecko_t_linux" },
        }),
      );
      const before = readdirSync(host.folder, { recursive: true });
      const { facts, override: bytes } = probed(shell, host);
      expect(Buffer.from(bytes!).equals(override)).toBe(true);
      const { os, bootId, uptimeSeconds, ...others } = facts;
      expect(others).toEqual({
        role: "gecko_t_linux",
        overrideSha: shaOf(override),
        sudo: "no",
        puppet: { success: true, at: "2026-11-25T10:00:00.000Z", sha: "abc", overrideSha: null },
      });
      expect(os).toMatch(/\w+/);
      if (existsSync("/proc/uptime")) {
        expect(bootId).toBe(readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
        expect(uptimeSeconds).toBeGreaterThan(0);
      }
      expect(readdirSync(host.folder, { recursive: true })).toEqual(before);
    }).pipe(Effect.scoped),
  );

  it.effect("what is not there is absent, also with its folder; a folder is no file", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      const { facts, override } = probed(shell, host);
      expect([facts.role, facts.overrideSha, facts.puppet, override]).toEqual([
        ...[null, null, null, null],
      ]);
      const elsewhere = join(host.folder, "no", "such", "folder", "file");
      const none = { ...host, places: { ...host.places, overrideFile: elsewhere } };
      expect(probed(shell, none).facts.overrideSha).toBe(null);
      for (const file of Object.values(host.places)) mkdirSync(file);
      const { facts: folders } = probed(shell, host);
      expect(Object.keys(folders)).not.toContain("role");
      expect(Object.keys(folders)).not.toContain("overrideSha");
      expect(Object.keys(folders)).not.toContain("puppet");
    }).pipe(Effect.scoped),
  );

  it.effect("a link that leads nowhere is there, and unknown", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      symlinkSync("/nowhere/at/all", host.places.overrideFile);
      const { facts } = probed(shell, host);
      expect(Object.keys(facts)).not.toContain("overrideSha");
    }).pipe(Effect.scoped),
  );

  it.effect("a long override is told by its hash alone, by whichever program is there", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      const text = "x".repeat(maxFileBytes + 1);
      writeFileSync(host.places.overrideFile, text);
      const { facts, override } = probed(shell, host);
      expect([facts.overrideSha, override]).toEqual([shaOf(text), null]);
      writeFileSync(host.places.overrideFile, text.slice(1));
      expect(probed(shell, host).override).toHaveLength(maxFileBytes);
      writeFileSync(host.places.overrideFile, text);
      host.program("sha256sum", "exit 127");
      if (existsSync("/usr/bin/shasum")) {
        expect(probed(shell, host).facts.overrideSha).toBe(shaOf(text));
      }
      host.program("shasum", "exit 127");
      if (existsSync("/usr/bin/openssl")) {
        expect(probed(shell, host).facts.overrideSha).toBe(shaOf(text));
      }
      host.program("openssl", "exit 127");
      expect(Object.keys(probed(shell, host).facts)).not.toContain("overrideSha");
    }).pipe(Effect.scoped),
  );

  it.effect("a very long file is not read at all, only known to be there", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      writeFileSync(host.places.overrideFile, "");
      truncateSync(host.places.overrideFile, 1024 * maxFileBytes + 1);
      host.program("sha256sum", `touch ${host.folder}/read`);
      const { facts, override } = probed(shell, host);
      expect([Object.keys(facts).includes("overrideSha"), override]).toEqual([false, null]);
      expect(existsSync(join(host.folder, "read"))).toBe(false);
    }).pipe(Effect.scoped),
  );

  it.effect("what is no plain file, or cannot be read, is unknown, and holds nobody up", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      const places = Object.values(host.places);
      const unknown = ["role", "overrideSha", "puppet"];
      const known = () => unknown.filter((name) => name in probed(shell, host).facts);
      for (const place of places) {
        if (spawnSync("mkfifo", [place]).status !== 0) throw new Error("no pipe was made");
      }
      expect(known()).toEqual([]);
      for (const place of places) rmSync(place);
      for (const place of places) symlinkSync(place, place);
      expect(known()).toEqual([]);
      for (const place of places) rmSync(place);
      // A plain file that opens, and whose reading fails.
      if (existsSync("/proc/self/mem")) {
        for (const place of places) symlinkSync("/proc/self/mem", place);
        expect(known()).toEqual([]);
        for (const place of places) rmSync(place);
      }
      for (const place of places) writeFileSync(place, "");
      expect(probed(shell, host).facts).toMatchObject({ role: null, overrideSha: shaOf("") });
    }).pipe(Effect.scoped),
  );

  it.effect("a role is one line, without the bytes that no shell holds, and any other bytes", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      const roleOf = (bytes: string) => {
        writeFileSync(host.places.roleFile, Buffer.from(bytes, "latin1"));
        return probed(shell, host).facts.role;
      };
      expect(roleOf("a\0b\n")).toBe("ab");
      expect(roleOf("a\xffb\xc3\xa9\r\nsecond\n")).toBe("a\ufffdb\u00e9");
      expect(roleOf("\\\\n -n %s\tx")).toBe("\\\\n -n %s\tx");
      expect(roleOf(`x\n${marker} end\n${marker} begin\nsudo=yes\n`)).toBe("x");
      expect(roleOf("\u001b]0;x\u0007\u001b[2J")).toBe("\u001b]0;x\u0007\u001b[2J");
    }).pipe(Effect.scoped),
  );

  it.effect("what a shell printed before it began is passed over, with a line end or without", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      writeFileSync(host.places.roleFile, "web\n");
      const { stdout } = runIn(shell, host);
      for (const noise of ["motd\n", "no line end", "\0\u001b[2J"]) {
        const read = readProbeAnswer(Buffer.concat([Buffer.from(noise), stdout]), marker);
        expect(typeof read === "string" ? read : read.facts.role).toBe("web");
      }
    }).pipe(Effect.scoped),
  );

  it.effect("programs are found where PATH names none; who cannot tell of root tells nothing", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      writeFileSync(host.places.overrideFile, "x");
      const bare = probed(shell, host, { path: "/nowhere" });
      expect(bare.facts).toMatchObject({ overrideSha: shaOf("x"), role: null });
      rmSync(join(host.bin, "sudo"));
      for (const name of ["cat", "od", "wc"]) symlinkSync(`/usr/bin/${name}`, join(host.bin, name));
      const { facts } = probed(shell, host, { path: host.bin });
      expect(facts.overrideSha).toBe(shaOf("x"));
      expect("sudo" in facts).toBe(false);
    }).pipe(Effect.scoped),
  );

  it.effect("bytes go as hex where there is no base64", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      const bytes = Buffer.from(Array.from({ length: 700 }, (_, index) => index % 256));
      writeFileSync(host.places.overrideFile, bytes);
      // Nothing but these.
      for (const name of ["cat", "od", "wc", "uname", "id"]) {
        symlinkSync(join("/usr/bin", name), join(host.bin, name));
      }
      const told = runIn(shell, host, { path: host.bin }).stdout.toString("utf8");
      expect(told).toContain("override-hex=700\n");
      const { override } = probed(shell, host, { path: host.bin });
      expect(Buffer.from(override!).equals(bytes)).toBe(true);
    }).pipe(Effect.scoped),
  );

  it.effect("root is had where sudo says so, and asked for nothing else", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      host.program(
        "sudo",
        `printf "%s\\n" "$*" >>${host.folder}/asked; [ "$1" = -n ] && shift && exec "$@"`,
      );
      expect(probed(shell, host).facts.sudo).toBe("yes");
      expect(readFileSync(join(host.folder, "asked"), "utf8")).toBe("-n true\n");
    }).pipe(Effect.scoped),
  );

  it.effect.skipIf(process.getuid?.() !== 0)(
    "what is hidden is unknown, unless sudo shows it",
    () =>
      Effect.gen(function* () {
        const host = yield* makeHost;
        chmodSync(host.folder, 0o755);
        writeFileSync(host.places.overrideFile, "hidden");
        writeFileSync(host.places.roleFile, "role");
        chmodSync(host.places.roleFile, 0o600);
        chmodSync(join(host.folder, "etc", "puppet"), 0o700);
        const nobody = { uid: 65_534 };
        const { facts, override } = probed(shell, host, nobody);
        expect(Object.keys(facts)).not.toContain("overrideSha");
        expect(Object.keys(facts)).not.toContain("puppet");
        expect(Object.keys(facts)).not.toContain("role");
        expect(override).toBe(null);
        // One who may be root asks root, and only for what is hidden.
        host.program(
          "sudo",
          `[ "$1" = -n ] && shift
case "$1 $2" in
  true*) exit 0 ;;
  "test -e") [ "$3" = ${host.places.overrideFile} ] ;;
  "test !") [ "$4" = ${host.places.lastRunFile} ] ;;
  wc*) echo "  5 $3" ;;
  cat*) printf "by ro" ;;
esac`,
        );
        const byRoot = probed(shell, host, nobody);
        expect(byRoot.facts).toMatchObject({ overrideSha: shaOf("by ro"), puppet: null });
        expect(Object.keys(byRoot.facts)).not.toContain("role");
        // Root would wait for ever for who writes into a pipe.
        host.program(
          "sudo",
          `[ "$1" = -n ] && shift
case "$1 $2" in
  true*|"test -e") exit 0 ;;
  "test !"|"test -f") exit 1 ;;
  *) touch ${host.folder}/opened; chmod 666 ${host.folder}/opened ;;
esac`,
        );
        chmodSync(host.folder, 0o777);
        const { facts: pipe } = probed(shell, host, nobody);
        expect(Object.keys(pipe)).not.toContain("overrideSha");
        expect(existsSync(join(host.folder, "opened"))).toBe(false);
        host.program("sudo", "exit 1");
        chmodSync(host.places.overrideFile, 0o600);
        chmodSync(join(host.folder, "etc", "puppet"), 0o755);
        const { facts: unreadable } = probed(shell, host, nobody);
        expect(Object.keys(unreadable)).not.toContain("overrideSha");
        // Now it can be seen that there was no run.
        expect(unreadable.puppet).toBe(null);
      }).pipe(Effect.scoped),
  );

  it.effect("a frame that was cut does nothing", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      const frame = Buffer.from(probeFrame(marker, host.places) as Uint8Array).toString("utf8");
      for (const stdin of [
        "",
        frame.slice(0, 40),
        frame.slice(0, -2),
        frame.replace(/\.\n$/, "x\n"),
      ]) {
        const { status, stdout } = runIn(shell, host, { stdin });
        expect([status, stdout.toString("utf8")]).toEqual([64, ""]);
      }
    }).pipe(Effect.scoped),
  );

  it.effect("names and contents are data, whatever stands in them", () =>
    Effect.gen(function* () {
      const host = yield* makeHost;
      const odd = `$(touch ${host.folder}/pwned) ; \`id\` "x" 'y' \\ * %s -n`;
      mkdirSync(join(host.folder, "etc", odd.replaceAll("/", "_")));
      const folder = join(host.folder, "etc", odd.replaceAll("/", "_"));
      const places = {
        ...host.places,
        overrideFile: join(folder, "a b"),
        roleFile: join(folder, "-r"),
      };
      writeFileSync(places.overrideFile, `${marker} end\nsudo=yes\n`);
      writeFileSync(places.roleFile, `%s\\n$(id) \\x41 ${odd}`);
      const { facts, override } = probed(shell, { ...host, places });
      expect(Buffer.from(override!).toString("utf8")).toBe(`${marker} end\nsudo=yes\n`);
      expect(facts.role).toBe(`%s\\n$(id) \\x41 ${odd}`);
      expect(facts.sudo).toBe("no");
      expect(existsSync(join(host.folder, "pwned"))).toBe(false);
    }).pipe(Effect.scoped),
  );
});

describe("the script", () => {
  it("is one word in single quotes, the same for every host", () => {
    expect(probeScript).not.toContain("'");
    expect(probeCommand).toBe(`exec /bin/sh -c '${probeScript}'`);
    expect(shells.length).toBeGreaterThan(0);
  });

  it("is given no name that would break its frame", () => {
    const places = { roleFile: "/a", overrideFile: "/b", lastRunFile: "/c" };
    for (const bad of ["relative", "/a\nb", "/a\0", "-x", ""]) {
      expect(probeFrame(marker, { ...places, overrideFile: bad })).toBe(bad);
    }
  });
});

describe("an answer", () => {
  const answer = (...lines: ReadonlyArray<string>): Uint8Array =>
    Buffer.from(["motd", `${marker} begin`, ...lines, `${marker} end`, "bye", ""].join("\n"));
  const read = (...lines: ReadonlyArray<string>) => readProbeAnswer(answer(...lines), marker);

  it("is the script's own and whole, or none", () => {
    const whole = Buffer.from(
      answer("os=x", "sudo=yes", "override-base64=2", "aGk=", "override-end"),
    );
    expect(readProbeAnswer(whole, marker)).toEqual({
      ...{ facts: { os: "x", sudo: "yes", overrideSha: shaOf("hi") } },
      override: new Uint8Array(Buffer.from("hi")),
    });
    for (let length = 0; length < whole.length - "\nbye\n".length; length += 1) {
      expect([length, typeof readProbeAnswer(whole.subarray(0, length), marker)]).toEqual([
        ...[length, "string"],
      ]);
    }
    expect(readProbeAnswer(whole, marker.replace("0", "1"))).toBe("it did not begin to answer");
    const strange = /^its answer has a strange line/;
    for (const lines of [
      ["os=x", "os=y"],
      ["shell: not found"],
      ["role=a", "role-absent"],
      ["unknown=1"],
      ["override-base64=2", "aGk="],
      ["sudo"],
      ["os-absent"],
    ]) {
      expect(read(...lines)).toMatch(strange);
    }
    expect(read("os=x", `${marker} end`, "sudo=yes")).toBe("its answer was forged");
    expect(read(`os=${marker}`)).toBe("its answer was forged");
  });

  it("says only what can be believed, and nothing that a terminal acts on when it is strange", () => {
    const facts = (...lines: ReadonlyArray<string>) => {
      const probed = read(...lines);
      return typeof probed === "string" ? probed : probed.facts;
    };
    expect(facts("override-base64=3", "aGk=", "override-end")).toEqual({});
    expect(facts("override-base64=2", "a*k=", "override-end")).toEqual({});
    expect(facts("override-long=abc")).toEqual({});
    expect(facts("override-absent", "puppet-absent", "role-absent")).toEqual({
      ...{ overrideSha: null, puppet: null, role: null },
    });
    expect(facts("role=", "sudo=maybe", "boot=../x", "uptime=-1", 'os="A B"')).toEqual({
      ...{ role: null, os: "A B" },
    });
    expect(facts(`role=${"r".repeat(300)}`, "uptime=")).toEqual({});
    expect(facts("booted={ sec = 100, usec = 5 } now", "now=160")).toEqual({ uptimeSeconds: 60 });
    const run = (json: string) => {
      const bytes = Buffer.from(json);
      const lines = [`puppet-base64=${bytes.length}`, bytes.toString("base64"), "puppet-end"];
      return facts(...lines);
    };
    expect(run("{")).toEqual({});
    expect(run("[]")).toEqual({});
    expect(run('{"success":1,"ts":1700000000,"git_sha":7,"override_sha":"o"}')).toEqual({
      puppet: { success: null, at: "2023-11-14T22:13:20.000Z", sha: null, overrideSha: "o" },
    });
    expect(read("\u001b[2J\u0007")).toBe('its answer has a strange line: "\\u{1b}[2J\\u{7}"');
  });

  it("of any bytes is read to its end", () => {
    const random = randomOf("answers");
    const parts = [
      marker,
      " begin",
      " end",
      "\n",
      "override-",
      "base64=",
      "hex=",
      "os=",
      "\0",
      "é",
    ];
    let strange = 0;
    for (let turn = 0; turn < 500; turn += 1) {
      let text = turn % 2 === 0 ? `${marker} begin\n` : "";
      for (let part = 0; part < 30; part += 1) text += parts[Math.floor(random() * parts.length)];
      if (typeof readProbeAnswer(Buffer.from(text), marker) === "string") strange += 1;
    }
    expect(strange).toBe(500);
  });
});
