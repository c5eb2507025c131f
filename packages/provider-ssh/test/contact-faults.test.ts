// Holds how a contact ends with servers that hang, cut, refuse and flood at each step.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "@effect/vitest";
import * as Deferred from "effect/Deferred";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import { openSession } from "../src/client.ts";
import type { ContactOptions } from "../src/connect.ts";
import type { ExecRequest } from "../src/session.ts";
import { makeOperator } from "./operator.ts";
import { barePeer, makeWire, sshPeer, type Manners, type Peer } from "./peer.ts";
import { freePort } from "./sshd.ts";

/** An operator who knows the peer's key. */
const operatorAt = (peer: Peer) =>
  Effect.tap(makeOperator, (operator) =>
    Effect.sync(() => {
      operator.configure("");
      if (peer.hostKey !== "") operator.know(`[127.0.0.1]:${peer.port} ${peer.hostKey}`);
    }),
  );

const run = (peer: Peer, options: Partial<ContactOptions> = {}, request?: ExecRequest) =>
  Effect.gen(function* () {
    const operator = yield* operatorAt(peer);
    const contacts = yield* operator.contacts(options);
    const contact = yield* contacts.connect({ host: "127.0.0.1", port: peer.port });
    return yield* contact.exec(request ?? { command: "true" });
  }).pipe(Effect.scoped);

const endOf = (peer: Peer, options: Partial<ContactOptions> = {}, request?: ExecRequest) =>
  Effect.map(
    Effect.flip(run(peer, options, request)),
    (error) => error as import("@muster/core/words/contact").ContactError,
  );

/** Short enough to wait for, where a silent step is what is tested. */
const brief = 150;

describe("a server that says nothing more", () => {
  it.live("before its banner is a timeout there", () =>
    Effect.gen(function* () {
      const peer = yield* barePeer(() => {});
      const end = yield* endOf(peer, { deadlines: { bannerMillis: brief } });
      expect(end).toMatchObject({ reason: "timeout", step: "banner", host: "127.0.0.1" });
      expect(end.message).toBe(`"127.0.0.1": no answer in ${brief} ms`);
      yield* peer.closed;
    }).pipe(Effect.scoped),
  );

  it.live("after its banner is a timeout of the exchange of keys", () =>
    Effect.gen(function* () {
      const peer = yield* barePeer((socket) => void socket.write("hello\r\nSSH-2.0-quiet\r\n"));
      const end = yield* endOf(peer, { deadlines: { kexMillis: brief } });
      expect(end).toMatchObject({ reason: "timeout", step: "kex" });
      yield* peer.closed;
    }).pipe(Effect.scoped),
  );

  const hangs: ReadonlyArray<readonly [string, Manners, Partial<ContactOptions>, object]> = [
    [
      "to a login is a timeout of the login",
      { login: () => {} },
      { deadlines: { authMillis: brief } },
      { reason: "timeout", step: "auth" },
    ],
    [
      "to a channel is a timeout of the channel, and no command is sent",
      { session: () => {} },
      { deadlines: { channelMillis: brief } },
      { reason: "timeout", step: "channel" },
    ],
    [
      "to a command leaves unknown what it did",
      { exec: () => {} },
      { deadlines: { channelMillis: brief } },
      { reason: "disconnected", step: "exec" },
    ],
    [
      "once a command runs leaves unknown what it did",
      { exec: (_, accept) => void accept() },
      { deadlines: { execMillis: brief } },
      { reason: "disconnected", step: "exec" },
    ],
  ];

  it.live.each(hangs)("%s", ([, manners, options, expected]) =>
    Effect.gen(function* () {
      const peer = yield* sshPeer(manners);
      const end = yield* endOf(peer, options);
      expect(end).toMatchObject(expected);
      expect(end.remedy).not.toBe("");
      if (end.step === "channel") expect(peer.asked).not.toContain("exec true");
      yield* peer.closed;
    }).pipe(Effect.scoped),
  );
});

describe("a server that is no SSH server", () => {
  const says = (text: string, then: "end" | "reset" | "wait") =>
    barePeer((socket) => {
      if (then === "reset") socket.resetAndDestroy();
      else if (then === "end") socket.end(text);
      else socket.write(text);
    });

  it.live("is told by what it says", () =>
    Effect.gen(function* () {
      const web = yield* endOf(yield* says("HTTP/1.1 400 Bad\u001b[31m\r\n\r\n", "end"));
      expect(web).toMatchObject({ reason: "reset", step: "banner" });
      expect(web.message).toContain('"HTTP/1.1 400 Bad\\u{1b}[31m');
      const flood = yield* endOf(yield* says("x".repeat(20_000), "wait"));
      expect(flood).toMatchObject({ reason: "unreadable", step: "banner" });
      expect(flood.message.length).toBeLessThan(300);
      const old = yield* endOf(yield* says("SSH-1.5-old\r\n", "wait"));
      expect(old).toMatchObject({
        reason: "unreadable",
        message: expect.stringContaining("Invalid ident"),
      });
    }).pipe(Effect.scoped),
  );

  it.live("or is not there at all", () =>
    Effect.gen(function* () {
      const reset = yield* endOf(yield* says("", "reset"));
      expect(reset.reason).toBe("reset");
      expect(["tcp", "banner"]).toContain(reset.step);
      const busy = yield* endOf(yield* says("Exceeded MaxStartups\r\n", "end"));
      expect(busy).toMatchObject({ reason: "reset", step: "banner" });
      expect(busy.message).toContain("Exceeded MaxStartups");
      const port = yield* freePort;
      const nobody = { ...(yield* says("", "end")), port };
      expect(yield* endOf(nobody)).toMatchObject({ reason: "refused", step: "tcp" });
    }).pipe(Effect.scoped),
  );
});

it.live("a connection that was cut before anybody listened is a reset, and waits for nothing", () =>
  Effect.gen(function* () {
    const transport = new PassThrough();
    transport.on("error", () => {});
    transport.destroy(new Error("ECONNRESET"));
    yield* Effect.promise(() => new Promise((resolve) => transport.once("close", resolve)));
    const late = 2_000;
    const end = yield* Effect.flip(
      Effect.scoped(
        openSession({
          ...{ transport, user: "x", hostKeyTypes: [], verify: () => null, verified: Effect.void },
          ...{ agent: null, identities: [], keepaliveMillis: 0, keepaliveMisses: 0 },
          deadlines: {
            ...{ connectMillis: late, bannerMillis: late, kexMillis: late },
            ...{ authMillis: late, channelMillis: late, execMillis: late },
          },
        }),
      ),
    );
    expect(end).toEqual({ reason: "reset", step: "banner", message: "ended the connection" });
  }),
);

describe("a key that is not the known one", () => {
  it.live.each([
    ["unknown", "hostkey-unknown", (): ReadonlyArray<string> => []],
    [
      "changed",
      "hostkey-changed",
      (port: number, other: string) => [`[127.0.0.1]:${port} ${other}`],
    ],
    [
      "revoked",
      "hostkey-changed",
      (port: number, _: string, own: string) => [`[127.0.0.1]:${port} ${own}`, `@revoked * ${own}`],
    ],
    [
      "an authority's",
      "certificate",
      (port: number, other: string) => [`@cert-authority [127.0.0.1]:${port} ${other}`],
    ],
  ] as const)("%s gets no login and no command", ([what, reason, lines]) =>
    Effect.gen(function* () {
      const peer = yield* sshPeer({});
      const other = yield* sshPeer({});
      const operator = yield* makeOperator;
      operator.configure("");
      const before = lines(peer.port, other.hostKey, peer.hostKey).join("\n");
      operator.know(before);
      // Whoever accepts new keys accepts no others.
      const acceptNewKeys = what !== "unknown";
      const contacts = yield* operator.contacts({ acceptNewKeys });
      const end = yield* Effect.flip(
        Effect.scoped(contacts.connect({ host: "127.0.0.1", port: peer.port })),
      );
      expect(end).toMatchObject({ reason, step: "kex" });
      yield* peer.closed;
      expect(peer.asked).toEqual([]);
      expect(operator.known()).toBe(`${before}\n`);
      expect(end.message).toMatch(/SHA256:[A-Za-z0-9+/]{43}/);
      if (what === "changed") {
        expect(end.remedy).toContain(`ssh-keygen -R '[127.0.0.1]:${peer.port}' -f`);
        expect(end.message).toContain('known_hosts":1)');
      }
    }).pipe(Effect.scoped),
  );

  it.live("is kept before the login where new ones are accepted, and no other after it", () =>
    Effect.gen(function* () {
      const operator = yield* makeOperator;
      let atLogin = "";
      const peer = yield* sshPeer({
        login: (_, accept) => {
          atLogin = operator.known();
          accept();
        },
      });
      operator.configure("StrictHostKeyChecking accept-new");
      const contacts = yield* operator.contacts();
      const address = { host: "127.0.0.1", port: peer.port };
      yield* Effect.scoped(contacts.connect(address));
      const line = `[127.0.0.1]:${peer.port} ${peer.hostKey}\n`;
      expect(atLogin).toBe(line);
      // Known by now, without another reading and without another line.
      yield* Effect.scoped(contacts.connect(address));
      expect(operator.known()).toBe(line);
    }).pipe(Effect.scoped),
  );

  it.live("is judged by what the files say now, however long the contacts are kept", () =>
    Effect.gen(function* () {
      const peer = yield* sshPeer({});
      const operator = yield* operatorAt(peer);
      const contacts = yield* operator.contacts({ acceptNewKeys: true });
      const connect = Effect.scoped(contacts.connect({ host: "127.0.0.1", port: peer.port }));
      yield* connect;
      const line = `[127.0.0.1]:${peer.port} ${peer.hostKey}`;
      operator.know(line, `@revoked ${line}`);
      expect(yield* Effect.flip(connect)).toMatchObject({ reason: "hostkey-changed" });
      expect(peer.asked).toEqual(["auth publickey", "auth publickey"]);
    }).pipe(Effect.scoped),
  );

  it.live("is not accepted where it cannot be kept", () =>
    Effect.gen(function* () {
      const peer = yield* sshPeer({});
      const operator = yield* makeOperator;
      operator.configure(`UserKnownHostsFile ${operator.config}/none`);
      const contacts = yield* operator.contacts({ acceptNewKeys: true });
      const end = yield* Effect.flip(
        Effect.scoped(contacts.connect({ host: "127.0.0.1", port: peer.port })),
      );
      expect(end).toMatchObject({ reason: "hostkey-unknown", step: "kex" });
      yield* peer.closed;
      expect(peer.asked).toEqual([]);
    }).pipe(Effect.scoped),
  );

  it.live("is not accepted beside a file that cannot be read: it may know another", () =>
    Effect.gen(function* () {
      const peer = yield* sshPeer({});
      const operator = yield* makeOperator;
      operator.configure(`GlobalKnownHostsFile ${operator.home}`);
      const contacts = yield* operator.contacts({ acceptNewKeys: true });
      const address = { host: "127.0.0.1", port: peer.port };
      const end = yield* Effect.flip(Effect.scoped(contacts.connect(address)));
      expect(end).toMatchObject({ reason: "hostkey-unknown", step: "kex" });
      expect(operator.known()).toBe("");
      expect(peer.asked).toEqual([]);
    }).pipe(Effect.scoped),
  );
});

describe("a way through a host", () => {
  it.live("that opens after its deadline is closed again", () =>
    Effect.gen(function* () {
      const gone = Deferred.makeUnsafe<void>();
      const peer = yield* sshPeer({
        forward: (accept) =>
          void setTimeout(() => {
            const channel = accept();
            channel.on("close", () => void Deferred.doneUnsafe(gone, Effect.void)).resume();
          }, 3 * brief),
      });
      const operator = yield* operatorAt(peer);
      const contacts = yield* operator.contacts({ deadlines: { connectMillis: brief } });
      const way = yield* contacts.route({ host: "127.0.0.1", port: peer.port });
      const { session } = yield* contacts.enter(way, null);
      const end = yield* Effect.flip(Effect.scoped(session.forward("127.0.0.1", 9)));
      expect(end).toMatchObject({ reason: "timeout", step: "tcp" });
      yield* Deferred.await(gone);
      expect(session.isOpen()).toBe(true);
    }).pipe(Effect.scoped),
  );
});

describe("a key of ours", () => {
  it.live("that is a pipe holds nobody up", () =>
    Effect.gen(function* () {
      const peer = yield* sshPeer({});
      const operator = yield* operatorAt(peer);
      const pipe = join(operator.home, "pipe");
      execFileSync("mkfifo", ["-m", "600", pipe]);
      operator.configure(`IdentityFile ${pipe}\nIdentityFile ${operator.key}`);
      const contacts = yield* operator.contacts();
      yield* Effect.scoped(contacts.connect({ host: "127.0.0.1", port: peer.port }));
      expect(peer.asked).toEqual(["auth publickey", "auth publickey"]);
    }).pipe(Effect.scoped),
  );
});

describe("a command", () => {
  it.live("whose channel is refused cuts no other one on its connection", () =>
    Effect.gen(function* () {
      const channels: Array<import("ssh2").ServerChannel> = [];
      const begun = Deferred.makeUnsafe<void>();
      const peer = yield* sshPeer({
        session: (accept, reject) => (channels.length === 0 ? accept() : reject()),
        exec: (_, accept) => {
          channels.push(accept());
          Deferred.doneUnsafe(begun, Effect.void);
        },
      });
      const operator = yield* operatorAt(peer);
      const contacts = yield* operator.contacts();
      const contact = yield* contacts.connect({ host: "127.0.0.1", port: peer.port });
      const first = yield* Effect.forkChild(contact.exec({ command: "first" }));
      yield* Deferred.await(begun);
      const end = yield* Effect.flip(contact.exec({ command: "second" }));
      expect(end).toMatchObject({ reason: "no-exec", step: "channel" });
      channels[0]!.exit(0);
      channels[0]!.end();
      expect(yield* Fiber.join(first)).toMatchObject({ code: 0 });
      expect(peer.asked.filter((asked) => asked.startsWith("exec"))).toEqual(["exec first"]);
    }).pipe(Effect.scoped),
  );

  it.live("that is cut leaves unknown what it did, with or without an end of its channel", () =>
    Effect.gen(function* () {
      const cut = yield* sshPeer({
        exec: (connection, accept) => {
          accept().write("half");
          connection.end();
        },
      });
      expect(yield* endOf(cut)).toMatchObject({ reason: "disconnected", step: "exec" });
      const silent = yield* sshPeer({ exec: (_, accept) => void accept().end() });
      expect(yield* endOf(silent)).toMatchObject({ reason: "disconnected", step: "exec" });
      const before = yield* sshPeer({ exec: (connection) => void connection.end() });
      expect(yield* endOf(before)).toMatchObject({ reason: "disconnected", step: "exec" });
    }).pipe(Effect.scoped),
  );

  it.live("that may not run is told apart", () =>
    Effect.gen(function* () {
      const noChannel = yield* sshPeer({ session: (_, reject) => reject() });
      expect(yield* endOf(noChannel)).toMatchObject({ reason: "no-exec", step: "channel" });
      const noExec = yield* sshPeer({ exec: (_, __, reject) => reject() });
      expect(yield* endOf(noExec)).toMatchObject({ reason: "no-exec", step: "channel" });
    }).pipe(Effect.scoped),
  );

  it.live("may say more than is kept, and is cut when it never ends", () =>
    Effect.gen(function* () {
      const much = yield* sshPeer({
        exec: (_, accept) => {
          const channel = accept();
          channel.stderr.write("e".repeat(200));
          channel.write("o".repeat(100_000));
          channel.exit(3);
          channel.end();
        },
      });
      const request = { command: "x", maxStdout: 1_000, maxStderr: 10 };
      const answer = yield* run(much, {}, request);
      expect(answer).toMatchObject({ code: 3, signal: null, truncated: true });
      expect(answer.stdout).toHaveLength(1_000);
      expect(answer.stderr).toHaveLength(10);
      const endless = yield* sshPeer({
        exec: (_, accept) => {
          const channel = accept();
          const chunk = Buffer.alloc(256 * 1024, "y");
          const more = (): void => {
            while (channel.writable && channel.write(chunk));
          };
          channel.on("drain", more);
          channel.on("error", () => {});
          more();
        },
      });
      expect(yield* endOf(endless)).toMatchObject({ reason: "unreadable", step: "exec" });
    }).pipe(Effect.scoped),
  );

  it.live("ends with who asked for it, and so does the connection", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>();
      const peer = yield* sshPeer({
        exec: (_, accept) => {
          accept();
          Deferred.doneUnsafe(begun, Effect.void);
        },
      });
      const fiber = yield* Effect.forkChild(run(peer));
      yield* Deferred.await(begun);
      yield* Fiber.interrupt(fiber);
      yield* peer.closed;
    }).pipe(Effect.scoped),
  );

  it.live("ends with a connection that died without a word, as signs of life tell", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>();
      const peer = yield* sshPeer({
        exec: (_, accept) => {
          accept();
          Deferred.doneUnsafe(begun, Effect.void);
        },
      });
      const wire = yield* makeWire(peer.port);
      const behind = { ...peer, port: wire.port };
      const fiber = yield* Effect.forkChild(
        endOf(behind, { keepaliveMillis: 50, keepaliveMisses: 2 }),
      );
      yield* Deferred.await(begun);
      wire.fallSilent();
      const end = yield* Fiber.join(fiber);
      expect(end).toMatchObject({ reason: "disconnected", step: "exec" });
      yield* wire.closed;
    }).pipe(Effect.scoped),
  );

  it.live("is never sent late, when who asked gave up before its channel was open", () =>
    Effect.gen(function* () {
      const asked = yield* Deferred.make<() => void>();
      const peer = yield* sshPeer({
        session: (accept) =>
          void Deferred.doneUnsafe(
            asked,
            Effect.succeed(() => void accept()),
          ),
      });
      const operator = yield* operatorAt(peer);
      const contacts = yield* operator.contacts();
      const contact = yield* contacts.connect({ host: "127.0.0.1", port: peer.port });
      const fiber = yield* Effect.forkChild(contact.exec({ command: "late" }));
      const open = yield* Deferred.await(asked);
      yield* Fiber.interrupt(fiber);
      open();
      yield* peer.closed;
      expect(peer.asked).not.toContain("exec late");
      expect(contact.isOpen()).toBe(false);
      yield* contact.ended;
    }).pipe(Effect.scoped),
  );

  it.live("is sent as it is, with its bytes, and answers with its own", () =>
    Effect.gen(function* () {
      const peer = yield* sshPeer({
        exec: (_, accept) => {
          const channel = accept();
          const got: Array<Buffer> = [];
          channel.on("data", (chunk: Buffer) => got.push(chunk));
          channel.on("end", () => {
            channel.write(Buffer.concat(got));
            channel.exit("KILL");
            channel.end();
          });
        },
      });
      const stdin = new Uint8Array(300_000).map((_, index) => index % 251);
      const command = "sh -c 'x; $(y) `z` \u00e9'";
      const answer = yield* run(peer, {}, { command, stdin });
      expect(Buffer.from(answer.stdout).equals(stdin)).toBe(true);
      expect(answer).toMatchObject({ code: null, signal: "SIGKILL", truncated: false });
      expect(peer.asked.at(-1)).toBe(`exec ${command}`);
    }).pipe(Effect.scoped),
  );
});
