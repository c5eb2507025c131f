// Holds what an OpenSSH configuration says for a host, also against what the real ssh makes of it.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type { HostAddress } from "@muster/core/words/contact";
import { routeTo, settingsFor, type SshConfig, type Surroundings } from "../src/ssh-config.ts";
import { ownSurroundings, readSshConfig } from "../src/ssh-config-file.ts";
import { readConfigText, splitArguments } from "../src/ssh-config-text.ts";
import { temporaryFolder } from "./folder.ts";
import { programPath } from "./keys.ts";

const surroundings: Surroundings = {
  home: "/home/ada",
  localUser: "ada",
  localHost: "desk.example",
  uid: 1000,
  env: { SSH_AUTH_SOCK: "/run/agent", KEYS: "/keys" },
};

const configOf = (...texts: ReadonlyArray<string>): SshConfig => ({
  files: texts.map((text, index) => readConfigText(`c${index}`, text)),
  findings: [],
});

const ask = (text: string, address: HostAddress | string, around = surroundings) =>
  settingsFor(configOf(text), typeof address === "string" ? { host: address } : address, around);

const messages = (settings: { readonly findings: ReadonlyArray<{ readonly message: string }> }) =>
  settings.findings.map(({ message }) => message);

describe("settings of a host", () => {
  it("are the usual ones where nothing is said", () => {
    expect(ask("", "web")).toEqual({
      host: "web",
      hostName: "web",
      port: 22,
      user: "ada",
      identityFiles: null,
      identitiesOnly: false,
      identityAgent: "/run/agent",
      userKnownHostsFiles: ["/home/ada/.ssh/known_hosts", "/home/ada/.ssh/known_hosts2"],
      globalKnownHostsFiles: ["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
      unknownKeys: "refuse",
      hashKnownHosts: false,
      hostKeyAlias: null,
      jumps: [],
      connectTimeoutSeconds: null,
      findings: [],
    });
  });

  it("are the first that is said, of the user before the machine, the address before all", () => {
    const config = configOf(
      "Host web-*\n  User first\n  Port 2201\nHost *\n  User second\n  HostName %h.example\n",
      "User third\nConnectTimeout 5\nPort 99\n",
    );
    const of = (address: HostAddress) => {
      const { user, port, hostName, connectTimeoutSeconds } = settingsFor(
        ...([config, address, surroundings] as const),
      );
      return [user, port, hostName, connectTimeoutSeconds];
    };
    expect(of({ host: "web-1" })).toEqual(["first", 2201, "web-1.example", 5]);
    expect(of({ host: "db" })).toEqual(["second", 99, "db.example", 5]);
    expect(of({ host: "web-1", user: "me", port: 7 })).toEqual(["me", 7, "web-1.example", 5]);
  });

  it("come from blocks that apply: patterns, negation, and criteria that need no look", () => {
    const text = [
      "Host *.example !db.example",
      "  User hosts",
      "Match originalhost web user ada",
      "  HostName web.real",
      "Match host *.real",
      "  Port 2222",
      "Match !host *.real localuser ada",
      "  Port 1111",
      "Match all",
      "  User all",
    ].join("\n");
    const of = (host: string) => {
      const { user, port, hostName } = ask(text, host);
      return [user, port, hostName];
    };
    expect(of("a.example")).toEqual(["hosts", 1111, "a.example"]);
    expect(of("db.example")).toEqual(["all", 1111, "db.example"]);
    expect(of("web")).toEqual(["all", 2222, "web.real"]);
    expect(ask("Match user root\n  Port 1\n", { host: "web", user: "root" }).port).toBe(1);
  });

  it("expand tokens and variables, and name what they do not know", () => {
    const settings = ask(
      [
        "IdentityFile ~/.ssh/%r-%h",
        "IdentityFile %d/%u-%n-%p-%i-%L-%%",
        'IdentityFile "${KEYS}/with space"',
        "IdentityFile ~/.ssh/%r-%h",
        "IdentityAgent $KEYS",
        "UserKnownHostsFile ~/kh /etc/kh-%k",
        "HostName real.example",
        "HostKeyAlias fleet",
      ].join("\n"),
      "web",
    );
    expect(settings.identityFiles).toEqual([
      "/home/ada/.ssh/ada-real.example",
      "/home/ada/ada-web-22-1000-desk-%",
      "/keys/with space",
    ]);
    expect(settings.identityAgent).toBe("/keys");
    expect(settings.userKnownHostsFiles).toEqual(["/home/ada/kh", "/etc/kh-fleet"]);
    expect(settings.findings).toEqual([]);
    const unknown = ask("IdentityFile %Z\nIdentityFile ${NONE}/x\nIdentityFile ~bob/x", "web");
    expect(unknown.identityFiles).toEqual([]);
    expect(unknown.findings).toEqual([
      ...['"%Z"', '"${NONE}"', '"~bob"'].map((what, index) => ({
        ...{ file: "c0", line: index + 1, severity: "error" },
        message: `${what} in ${JSON.stringify(["identityfile %Z", "identityfile ${NONE}/x", "identityfile ~bob/x"][index])} is not known`,
      })),
    ]);
  });

  it("let an agent, known hosts and jumps be taken away", () => {
    const none = ask(
      "IdentityAgent none\nUserKnownHostsFile none\nIdentityFile none\nProxyJump none\nConnectTimeout none",
      "web",
    );
    expect(none.identityAgent).toBe(null);
    expect(none.userKnownHostsFiles).toEqual([]);
    expect(none.identityFiles).toEqual([]);
    expect(none.jumps).toEqual([]);
    expect(none.findings).toEqual([]);
  });

  it("never let an unknown key pass for a `no`, which is told", () => {
    expect(ask("StrictHostKeyChecking accept-new", "web").unknownKeys).toBe("accept-new");
    for (const strict of ["yes", "ask"]) {
      expect(ask(`StrictHostKeyChecking ${strict}`, "web").unknownKeys).toBe("refuse");
    }
    const off = ask("StrictHostKeyChecking no\nStrictHostKeyChecking accept-new", "web");
    expect(off.unknownKeys).toBe("refuse");
    expect(off.findings).toEqual([
      {
        ...{ file: "c0", line: 1, severity: "warning" },
        message:
          '"stricthostkeychecking no" is never obeyed: unknown and changed host keys are refused all the same',
      },
    ]);
  });
});

describe("what is never obeyed", () => {
  it("is named when it would apply to the host, and not else", () => {
    const text = [
      "Host web",
      "  ProxyCommand nc %h %p",
      "  ForwardAgent yes",
      "  ForwardX11 yes",
      "  LocalCommand touch /tmp/x",
      "  LocalForward 80 a:80",
      "  Ciphers aes128-ctr",
      "  Frobnicate 7",
      "Host db",
      "  ForwardAgent no",
      "  ProxyCommand none",
      "  ProxyJump bastion",
      "  SendEnv LANG",
      "  ServerAliveInterval 5",
    ].join("\n");
    const web = ask(text, "web");
    expect(messages(web)).toEqual([
      "ProxyCommand is never obeyed: reach the host by ProxyJump",
      "forwarding the agent is never obeyed",
      "forwarding X11 is never obeyed",
      "LocalCommand is never obeyed",
      "LocalForward is never obeyed",
      "ciphers is not supported",
      '"frobnicate" is not a word that muster knows',
    ]);
    expect(web.findings.map(({ line }) => line)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(web.findings.filter(({ severity }) => severity === "error")).toHaveLength(1);
    const db = ask(text, "db");
    expect(db.findings).toEqual([]);
    // As in OpenSSH, the ProxyCommand came first.
    expect(db.jumps).toEqual([]);
    expect(
      ask("IgnoreUnknown Frob*,Other\nFrobnicate 7\nOther 1\nThird 1", "web").findings,
    ).toEqual([expect.objectContaining({ line: 4 })]);
  });

  it("is told for a word that OpenSSH knows, whatever IgnoreUnknown says", () => {
    const { findings } = ask("IgnoreUnknown *\nRevokedHostKeys /revoked\nFrobnicate 7", "web");
    expect(findings).toEqual([expect.objectContaining({ line: 2, severity: "error" })]);
  });

  it.effect("is a command of Match exec, whose lines are left out", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder;
      const touched = join(folder, "touched");
      const file = join(folder, "config");
      writeFileSync(
        file,
        `Match host web exec "touch ${touched}"\n  User wrong\nMatch host other exec "true"\n  Port 1\nMatch tagged x\n  Port 2\n`,
      );
      const config = yield* readSshConfig({ file, surroundings });
      const web = settingsFor(config, { host: "web" }, surroundings);
      expect(web.user).toBe("ada");
      expect(existsSync(touched)).toBe(false);
      expect(messages(web)).toEqual([
        'Match "exec" is never run: its lines are left out',
        'Match "tagged" is not supported: its lines are left out',
      ]);
      expect(web.findings.map(({ line }) => line)).toEqual([1, 5]);
    }).pipe(Effect.scoped),
  );

  it("is an error where the host could not be reached as was meant", () => {
    const bad = [
      "Port none",
      "Port 70000",
      "ConnectTimeout soon",
      "IdentitiesOnly maybe",
      "StrictHostKeyChecking perhaps",
      'User "open',
      "User",
      "ProxyJump a b@c@d",
      "RevokedHostKeys /etc/revoked",
    ];
    for (const text of bad) {
      expect([text, ask(text, "web").findings.map(({ severity }) => severity)]).toEqual([
        text,
        ["error"],
      ]);
      // Of another host it says nothing.
      expect(ask(`Host other\n${text}`, "web").findings).toEqual([]);
    }
  });

  it("shows nothing that a terminal would act on", () => {
    for (const text of ["\u001b[31mWord x", "ProxyJump \u001b[2J@", 'User "\u001b']) {
      for (const message of messages(ask(text, "web"))) expect(message).not.toMatch(/[^ -~]/);
    }
  });
});

describe("the way to a host", () => {
  const wayOf = (text: string, host: string) => {
    const way = routeTo(configOf(text), { host }, surroundings);
    return typeof way === "string"
      ? way
      : way.map(({ host, user, port }) => `${user}@${host}:${port}`);
  };

  it("goes through each hop, with that hop's own settings", () => {
    const text =
      "Host web\n ProxyJump ops@b1:2201,b2\nHost b2\n User two\n Port 2202\n ProxyJump none-such\nHost b1\n Port 9\n User nine\n";
    expect(wayOf(text, "web")).toEqual(["ops@b1:2201", "two@b2:2202", "ada@web:22"]);
    expect(wayOf(text, "b1")).toEqual(["nine@b1:9"]);
    // The first hop goes its own way.
    expect(wayOf(text, "b2")).toEqual(["ada@none-such:22", "two@b2:2202"]);
    expect(wayOf("Host web\n ProxyJump b\nHost b\n ProxyJump a\n", "web")).toEqual([
      ...["ada@a:22", "ada@b:22", "ada@web:22"],
    ]);
    expect(wayOf("Host web\n ProxyJump ssh://u@[2001:db8::1]:7/\n", "web")).toEqual([
      ...["u@2001:db8::1:7", "ada@web:22"],
    ]);
  });

  it("ends: a circle, or too many hops, is no way", () => {
    expect(wayOf("Host *\n ProxyJump web\n", "web")).toContain("in a circle");
    expect(wayOf(`Host web\n ProxyJump ${"abcdefghi".split("").join(",")}\n`, "web")).toContain(
      "more than 8 hosts",
    );
    expect(wayOf(`Host web\n ProxyJump ${"abcdefgh".split("").join(",")}\n`, "web")).toHaveLength(
      9,
    );
  });
});

describe("the files", () => {
  const inFolder = (files: Readonly<Record<string, string>>) =>
    Effect.map(temporaryFolder, (home) => {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(dirname(join(home, name)), { recursive: true });
        writeFileSync(join(home, name), text);
      }
      return { home, around: { ...surroundings, home }, systemFolder: join(home, "etc") };
    });

  it.effect(
    "include others: by patterns, in blocks, from both folders, and no deeper than 16",
    () =>
      Effect.gen(function* () {
        const { home, around, systemFolder } = yield* inFolder({
          ".ssh/config":
            "Host web\n  Include parts/*.conf ~/more none\n  Port 5\nHost db\n  Include inactive\nInclude self\n",
          ".ssh/parts/10.conf": "Host other\n  User wrong\n",
          ".ssh/parts/20.conf": "User parts\nHost other\n",
          ".ssh/parts/.hidden.conf": "User hidden\n",
          ".ssh/inactive": "Match all\n  HostName inactive\n",
          ".ssh/self": "Include self\n",
          more: "HostName more\n",
          "etc/ssh_config": "Include ssh_config.d/*.conf\nConnectTimeout 1m30s\n",
          "etc/ssh_config.d/a.conf": "HashKnownHosts yes\n",
        });
        const config = yield* readSshConfig({ file: null, surroundings: around, systemFolder });
        const web = settingsFor(config, { host: "web" }, around);
        expect([web.user, web.hostName, web.port]).toEqual(["parts", "more", 5]);
        expect(web.hashKnownHosts).toBe(true);
        expect(web.connectTimeoutSeconds).toBe(90);
        const other = settingsFor(config, { host: "other" }, around);
        expect([other.user, other.hostName, other.port]).toEqual(["ada", "other", 22]);
        expect(config.findings).toEqual([
          {
            ...{ file: join(home, ".ssh/self"), line: 1 },
            message: "includes files more than 16 deep",
          },
        ]);
      }).pipe(Effect.scoped),
  );

  it.effect("that were named must be there; those that were not may be missing", () =>
    Effect.gen(function* () {
      const { home, around, systemFolder } = yield* inFolder({});
      const none = yield* readSshConfig({ file: null, surroundings: around, systemFolder });
      expect(none).toEqual({ files: [[], []], findings: [] });
      const missing = join(home, "missing");
      const fault = yield* Effect.flip(readSshConfig({ file: missing, surroundings: around }));
      expect(fault.message).toBe(`"${missing}" is not there`);
      const folder = yield* Effect.flip(readSshConfig({ file: home, surroundings: around }));
      expect(folder.message).toBe(`"${home}": EISDIR`);
    }).pipe(Effect.scoped),
  );

  it("are split as OpenSSH splits them", () => {
    const cases: ReadonlyArray<readonly [string, ReadonlyArray<string> | null]> = [
      ["a b\tc", ["a", "b", "c"]],
      [`"a b" 'c "d"' e"f g"h`, ["a b", 'c "d"', "ef gh"]],
      [`a\\ b "c\\"d" e\\f`, ["a b", 'c"d', "e\\f"]],
      ["a #b c", ["a"]],
      ["a#b", ["a#b"]],
      ['""', [""]],
      ['"a', null],
      ["", []],
    ];
    for (const [text, words] of cases) expect([text, splitArguments(text)]).toEqual([text, words]);
    expect(readConfigText("f", " Port=22\r\n\n# x\nUser = a\n\tHOST  b\n")).toEqual([
      expect.objectContaining({ line: 1, word: "port", args: ["22"] }),
      expect.objectContaining({ line: 4, word: "user", args: ["a"] }),
      expect.objectContaining({ line: 5, word: "host", args: ["b"] }),
    ]);
  });
});

const ssh = programPath("ssh");

/** What the real ssh would do: the first value of each word, and all identity files. */
const realSettings = (file: string, host: string) => {
  const said = execFileSync(ssh!, ["-G", "-F", file, host], { stdio: ["ignore", "pipe", "ignore"] })
    .toString("utf8")
    .trim()
    .split("\n");
  const all = (word: string): ReadonlyArray<string> =>
    said.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const one = (word: string): string | undefined => all(word)[0];
  return {
    hostname: one("hostname"),
    port: Number(one("port")),
    user: one("user"),
    identityFiles: all("identityfile"),
    identitiesOnly: one("identitiesonly"),
    userKnownHostsFiles: one("userknownhostsfile"),
    globalKnownHostsFiles: one("globalknownhostsfile"),
    strict: one("stricthostkeychecking"),
    hash: one("hashknownhosts"),
    alias: one("hostkeyalias"),
    jump: one("proxyjump"),
    timeout: one("connecttimeout"),
  };
};

describe.skipIf(ssh === undefined)("the real ssh", () => {
  const configs: ReadonlyArray<string> = [
    "",
    "Host web\n  HostName real.example\n  Port 2222\n  User deploy\n",
    "Host *\n  User all\nHost web\n  User late\n",
    "Host w* !web\n  User negated\nHost !web *\n  Port 5\nHost we?\n  Port 6\n",
    "Match host web\n  HostName a.b\nMatch host a.*\n  User second\nMatch originalhost a.*\n  Port 9\n",
    "Match !host web\n  Port 1\nMatch all\n  Port 2\nMatch originalhost db,web user nobody\n  User x\n",
    "User=first\nPort = 22022\n  HostName\t%h.example # comment\nHostKeyAlias 'one two'\n",
    "IdentityFile /keys/a\nIdentityFile /keys/b\nHost web\n  IdentityFile /keys/a\nIdentitiesOnly yes\n",
    "UserKnownHostsFile /a/kh /b/kh\nGlobalKnownHostsFile /c/kh\nStrictHostKeyChecking accept-new\n",
    "StrictHostKeyChecking ask\nHashKnownHosts yes\nConnectTimeout 1m30s\nConnectTimeout 5\n",
    "Host web\n  ProxyJump ops@b1:2201,b2\nHost db\n  ProxyJump none\n",
    "Include INCLUDED\nHost web\n  Include INCLUDED\n  Port 77\nUser late\n",
    "Host nobody\n  Include INCLUDED\nHost *\n  Port 78\n",
    'Host "web" db\n  User "with space"\n  IdentityFile "/keys/with space"\n',
    "Host WEB\n  Port 1\nHost web # not this\n  Port 2\n",
    "Match host=web\n  User eq\nMatch user eq host we*\n  Port 3\n",
  ];

  it.effect.each(configs.map((text, index) => [index, text] as const))(
    "agrees with us on configuration %i",
    ([, text]) =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder;
        const included = join(folder, "included");
        writeFileSync(included, "Host web\n  User included\nHost d*\n  Port 4444\n");
        const file = join(folder, "config");
        writeFileSync(file, text.replaceAll("INCLUDED", included));
        const around = ownSurroundings();
        const config = yield* readSshConfig({ file, surroundings: around });
        // OpenSSH goes by the account's folder, whatever HOME says.
        const home = userInfo().homedir;
        for (const host of ["web", "db", "a.b", "other"]) {
          const real = realSettings(file, host);
          const ours = settingsFor(config, { host }, { ...around, home });
          const jump = ours.jumps
            .map(
              (hop) =>
                `${hop.user ? `${hop.user}@` : ""}${hop.host}${hop.port ? `:${hop.port}` : ""}`,
            )
            .join(",");
          const shown = (files: ReadonlyArray<string>): string => files.join(" ");
          const atHome = (files: string | undefined) => files?.replaceAll("~", home);
          expect([host, ours.findings]).toEqual([host, []]);
          expect({
            host,
            hostname: ours.hostName,
            port: ours.port,
            user: ours.user,
            identityFiles: ours.identityFiles ?? real.identityFiles,
            identitiesOnly: ours.identitiesOnly ? "yes" : "no",
            userKnownHostsFiles: shown(ours.userKnownHostsFiles),
            globalKnownHostsFiles: shown(ours.globalKnownHostsFiles),
            hash: ours.hashKnownHosts ? "yes" : "no",
            alias: ours.hostKeyAlias ?? undefined,
            jump: jump === "" ? undefined : jump,
            timeout: String(ours.connectTimeoutSeconds ?? "none"),
            strict: ours.unknownKeys === "accept-new" ? "accept-new" : real.strict,
          }).toEqual({
            host,
            ...real,
            userKnownHostsFiles: atHome(real.userKnownHostsFiles),
            globalKnownHostsFiles: atHome(real.globalKnownHostsFiles),
          });
          expect(real.strict === "accept-new").toBe(ours.unknownKeys === "accept-new");
        }
      }).pipe(Effect.scoped),
  );
});
