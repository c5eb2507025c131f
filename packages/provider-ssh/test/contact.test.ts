// Holds a contact with real OpenSSH servers: host keys, logins, commands, and the way through others.

import { execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Redacted from "effect/Redacted";
import type { ContactOptions } from "../src/connect.ts";
import { makeKeyPair, programPath } from "./keys.ts";
import { makeOperator } from "./operator.ts";
import { sshdPath, startSshd, type SshdOptions } from "./sshd.ts";

/** An operator, and a server that lets this operator in and is known. */
const makePair = (options: Partial<SshdOptions> = {}) =>
  Effect.gen(function* () {
    const operator = yield* makeOperator;
    operator.configure("");
    const sshd = yield* startSshd({ authorized: [operator.publicKey], ...options });
    const address = { host: "127.0.0.1", port: sshd.port };
    const known = `[127.0.0.1]:${sshd.port} ${Object.values(sshd.hostKeys)[0]}`;
    operator.know(known);
    const connect = (more: Partial<ContactOptions> = {}) =>
      Effect.flatMap(operator.contacts(more), (contacts) => contacts.connect(address));
    return { operator, sshd, address, known, connect };
  });

const refusal = <A, E>(contact: Effect.Effect<A, E, import("effect/Scope").Scope>) =>
  Effect.map(
    Effect.flip(Effect.scoped(contact)),
    (error) => error as import("@muster/core/words/contact").ContactError,
  );

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

describe.skipIf(sshdPath === undefined)("a host with sshd", () => {
  it.live("runs commands, one channel each, and gives bytes and ends back", () =>
    Effect.gen(function* () {
      const { sshd, connect, known } = yield* makePair();
      const contact = yield* connect();
      expect(contact.addresses).toEqual(["127.0.0.1"]);
      expect(contact.banner).toMatch(/^SSH-2\.0-OpenSSH/);
      writeFileSync(join(sshd.folder, "key.pub"), known.split(" ").slice(1).join(" "));
      const listed = execFileSync("ssh-keygen", ["-lf", join(sshd.folder, "key.pub")]);
      expect(text(listed)).toContain(contact.hostKey.fingerprint);
      expect(contact.hostKey.type).toBe("ssh-ed25519");
      const stdin = new Uint8Array(200_000).map((_, index) => index % 253);
      const echoed = yield* contact.exec({ command: "cat; echo oops >&2; exit 7", stdin });
      expect(Buffer.from(echoed.stdout).equals(stdin)).toBe(true);
      expect([echoed.code, echoed.signal, text(echoed.stderr)]).toEqual([7, null, "oops\n"]);
      expect(echoed.truncated).toBe(false);
      const killed = yield* contact.exec({ command: "kill -9 $$" });
      expect([killed.code, killed.signal]).toEqual([null, "SIGKILL"]);
      const many = yield* Effect.forEach(
        Array.from({ length: 30 }, (_, index) => index),
        (index) => contact.exec({ command: `echo ${index}` }),
        { concurrency: 8 },
      );
      expect(many.map(({ stdout }) => text(stdout))).toEqual(many.map((_, index) => `${index}\n`));
      expect(sshd.log().match(/Accepted publickey/g)).toHaveLength(1);
    }).pipe(Effect.scoped),
  );

  it.live("is sent nothing when its key is unknown, changed, revoked or certified", () =>
    Effect.gen(function* () {
      const { operator, sshd, known, connect } = yield* makePair();
      const other = yield* startSshd({ authorized: [] });
      const name = `[127.0.0.1]:${sshd.port}`;
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [[], "hostkey-unknown"],
        [[`${name} ${other.hostKeys["ed25519"]}`], "hostkey-changed"],
        [[known, `@revoked ${name} ${sshd.hostKeys["ed25519"]}`], "hostkey-changed"],
        [[`@cert-authority ${name} ${other.hostKeys["ed25519"]}`], "certificate"],
      ];
      for (const [lines, reason] of cases) {
        operator.know(...lines);
        const end = yield* refusal(connect());
        expect(end).toMatchObject({ reason, step: "kex", host: "127.0.0.1" });
      }
      // One that is known, and lets nobody in, shows that an attempt would stand in the log.
      expect(sshd.log()).not.toMatch(/authenticating user|publickey/);
      operator.know(known);
      writeFileSync(join(sshd.folder, "authorized"), "");
      expect(yield* refusal(connect())).toMatchObject({ reason: "auth" });
      yield* sshd.logged(/authenticating user|publickey/);
    }).pipe(Effect.scoped),
  );

  it.live("with several keys is asked for the one that is known", () =>
    Effect.gen(function* () {
      const { operator, sshd, connect } = yield* makePair({
        hostKeyTypes: ["ed25519", "ecdsa", "rsa"],
      });
      for (const [type, line] of Object.entries(sshd.hostKeys)) {
        operator.know(`[127.0.0.1]:${sshd.port} ${line}`);
        const contact = yield* connect();
        expect([type, contact.hostKey.type]).toEqual([type, line.split(" ")[0]]);
      }
    }).pipe(Effect.scoped),
  );

  it.live("is known from its first time on when new keys are accepted, as OpenSSH writes it", () =>
    Effect.gen(function* () {
      const { operator, sshd, known, connect } = yield* makePair();
      operator.configure("StrictHostKeyChecking accept-new\nHashKnownHosts yes");
      rmSync(operator.knownHosts);
      yield* Effect.scoped(connect());
      expect(operator.known()).toMatch(/^\|1\|[^|]{28}\|[^ ]{28} ssh-ed25519 [^ ]+\n$/);
      const name = `[127.0.0.1]:${sshd.port}`;
      const found = execFileSync("ssh-keygen", ["-F", name, "-f", operator.knownHosts]);
      expect(text(found)).toContain("found: line 1");
      operator.configure("");
      yield* Effect.scoped(connect());
      // What the real client writes is the same.
      rmSync(operator.knownHosts);
      execFileSync(
        ...([
          "ssh",
          [
            ...[
              "-F",
              operator.config,
              "-i",
              operator.key,
              "-o",
              "StrictHostKeyChecking=accept-new",
            ],
            ...["-o", `UserKnownHostsFile=${operator.knownHosts}`, "-o", "BatchMode=yes"],
            ...["-p", String(sshd.port), "127.0.0.1", "true"],
          ],
          { stdio: "ignore" },
        ] as const),
      );
      expect(operator.known()).toBe(`${known}\n`);
      rmSync(operator.knownHosts);
      yield* Effect.scoped(connect({ acceptNewKeys: true }));
      expect(operator.known()).toBe(`${known}\n`);
    }).pipe(Effect.scoped),
  );

  it.live("ends its connection with the scope, also in the middle of a command", () =>
    Effect.gen(function* () {
      const { sshd, connect } = yield* makePair();
      const fiber = yield* Effect.forkChild(
        Effect.scoped(
          Effect.flatMap(connect(), (contact) =>
            contact.exec({ command: "while echo .; do sleep 1; done" }),
          ),
        ),
      );
      yield* sshd.logged(/Starting session: command/);
      yield* Fiber.interrupt(fiber);
      yield* sshd.logged(/Received disconnect|Connection (closed|reset)/);
    }).pipe(Effect.scoped),
  );
});

describe.skipIf(sshdPath === undefined)("a login", () => {
  it.live("that finds no key is told with what was tried", () =>
    Effect.gen(function* () {
      const { operator, connect } = yield* makePair({ authorized: [] });
      const end = yield* refusal(connect());
      expect(end).toMatchObject({ reason: "auth", step: "auth" });
      expect(end.message).toContain(`"${operator.key}" was offered`);
      operator.configure(`IdentityFile ${operator.home}/none`);
      const none = yield* refusal(connect());
      expect(none).toMatchObject({ reason: "auth", step: "auth" });
      chmodSync(operator.key, 0o644);
      operator.configure("");
      const open = yield* refusal(connect());
      expect(open.message).toContain("can be read by others: chmod 600 it");
      expect(open.message).not.toContain("was offered");
    }).pipe(Effect.scoped),
  );

  it.live("opens an encrypted key by its pass phrase, asked for once, and never shows it", () =>
    Effect.gen(function* () {
      const { operator, sshd, connect } = yield* makePair();
      const key = join(operator.home, "locked");
      const line = makeKeyPair(key, "correct horse");
      writeFileSync(join(sshd.folder, "authorized"), `${line}\n`);
      operator.configure(`IdentityFile ${key}`);
      const without = yield* refusal(connect());
      expect(without).toMatchObject({ reason: "auth", step: "auth" });
      expect(without.message).toContain(
        `"${key}" is encrypted, and there is no pass phrase for it`,
      );
      const asked: Array<string> = [];
      const ask = (given: string) => (file: string) =>
        Effect.sync(() => {
          asked.push(file);
          return Redacted.make(given);
        });
      const wrong = yield* refusal(connect({ askPassPhrase: ask("battery staple") }));
      expect(wrong.reason).toBe("auth");
      expect(wrong.message).toContain("does not open with its pass phrase");
      expect(`${JSON.stringify(wrong)} ${String(wrong)}`).not.toContain("battery");
      const contacts = yield* operator.contacts({ askPassPhrase: ask("correct horse") });
      const address = { host: "127.0.0.1", port: sshd.port };
      yield* Effect.scoped(contacts.connect(address));
      yield* Effect.scoped(contacts.connect(address));
      expect(asked).toEqual([key, key]);
    }).pipe(Effect.scoped),
  );

  const agentPath = programPath("ssh-agent");

  const startAgent = (folder: string) =>
    Effect.acquireRelease(
      Effect.promise(
        () =>
          new Promise<{ readonly socket: string; readonly stop: () => void }>((resolve, reject) => {
            const socket = join(folder, "agent");
            const child = spawn(agentPath!, ["-D", "-a", socket], {
              stdio: ["ignore", "pipe", "ignore"],
            });
            child.once("error", reject);
            child.stdout.once("data", () => resolve({ socket, stop: () => void child.kill() }));
          }),
      ),
      ({ stop }) => Effect.sync(stop),
    );

  it.live("takes the agent's keys, all or only those of the files", () =>
    Effect.gen(function* () {
      const { operator, sshd, connect } = yield* makePair();
      const { socket } = yield* startAgent(operator.home);
      const add = (file: string) =>
        execFileSync("ssh-add", ["-q", file], {
          env: { ...process.env, SSH_AUTH_SOCK: socket },
          stdio: "ignore",
        });
      for (let index = 0; index < 8; index += 1) {
        const file = join(operator.home, `other-${index}`);
        makeKeyPair(file);
        add(file);
      }
      add(operator.key);
      // Only the agent has the private half from here on.
      copyFileSync(`${operator.key}.pub`, join(operator.home, "mine.pub"));
      copyFileSync(operator.key, join(operator.home, "kept"));
      rmSync(operator.key);
      // The public half beside it has the agent's key tried first.
      operator.configure(`IdentityAgent ${socket}`);
      yield* Effect.scoped(connect());
      rmSync(`${operator.key}.pub`);
      const tooMany = yield* refusal(connect());
      expect(tooMany).toMatchObject({ reason: "auth", step: "auth" });
      expect(tooMany.message).toMatch(/[Tt]oo many authentication failures/);
      operator.configure(
        `IdentityAgent ${socket}\nIdentitiesOnly yes\nIdentityFile ${operator.home}/mine`,
      );
      yield* Effect.scoped(connect());
      expect(sshd.log().match(/Accepted publickey/g)).toHaveLength(2);
      // No other key of the agent is offered, though the right one is among them.
      operator.configure(
        `IdentityAgent ${socket}\nIdentitiesOnly yes\nIdentityFile ${operator.home}/other-0`,
      );
      expect((yield* refusal(connect())).message).toContain("lets none of the keys in");
      // An agent that is not there leaves the files.
      operator.configure(`IdentityAgent ${socket}-none\nIdentityFile ${operator.home}/kept`);
      yield* Effect.scoped(connect());
    }).pipe(Effect.scoped),
  );

  it.live("that a certificate may open is told as such", () =>
    Effect.gen(function* () {
      const { operator, connect } = yield* makePair({ authorized: [] });
      writeFileSync(`${operator.key}-cert.pub`, "");
      expect(yield* refusal(connect())).toMatchObject({ reason: "certificate", step: "auth" });
    }).pipe(Effect.scoped),
  );

  it.live("of another user, or with too new algorithms, is refused as such", () =>
    Effect.gen(function* () {
      const { operator, sshd, address } = yield* makePair();
      const contacts = yield* operator.contacts();
      const nobody = yield* refusal(contacts.connect({ ...address, user: "no-such-user" }));
      expect(nobody).toMatchObject({ reason: "auth", step: "auth" });
      expect(nobody.message).toContain('as "no-such-user"');
      expect(sshd.log()).toContain("no-such-user");
      const modern = yield* makePair({
        settings: ["KexAlgorithms sntrup761x25519-sha512@openssh.com"],
      });
      expect(yield* refusal(modern.connect())).toMatchObject({
        ...{ reason: "algorithms", step: "kex" },
      });
    }).pipe(Effect.scoped),
  );

  it.live("without a right to run commands is told apart", () =>
    Effect.gen(function* () {
      const { connect } = yield* makePair({ settings: ["MaxSessions 0"] });
      const contact = yield* connect();
      const end = yield* Effect.flip(contact.exec({ command: "true" }));
      expect(end).toMatchObject({ reason: "no-exec", step: "channel" });
    }).pipe(Effect.scoped),
  );
});

describe.skipIf(sshdPath === undefined)("the way through another host", () => {
  const makeThree = (bastion: Partial<SshdOptions> = {}) =>
    Effect.gen(function* () {
      const operator = yield* makeOperator;
      const authorized = [operator.publicKey];
      const jump = yield* startSshd({ authorized, ...bastion });
      const middle = yield* startSshd({ authorized });
      const web = yield* startSshd({ authorized });
      operator.configure(
        [
          ...["Host web", "  HostName 127.0.0.1", `  Port ${web.port}`, "  HostKeyAlias web"],
          ...["  ProxyJump jump,middle"],
          ...["Host middle", "  HostName 127.0.0.1", `  Port ${middle.port}`],
          ...["Host jump", "  HostName 127.0.0.1", `  Port ${jump.port}`],
        ].join("\n"),
      );
      const lines = [
        `web ${web.hostKeys["ed25519"]}`,
        `[127.0.0.1]:${middle.port} ${middle.hostKeys["ed25519"]}`,
        `[127.0.0.1]:${jump.port} ${jump.hostKeys["ed25519"]}`,
      ];
      operator.know(...lines);
      const connect = () =>
        Effect.flatMap(operator.contacts(), (contacts) => contacts.connect({ host: "web" }));
      return { operator, jump, middle, web, lines, connect };
    });

  it.live("verifies every hop's key, and runs commands at its end", () =>
    Effect.gen(function* () {
      const { operator, jump, middle, web, lines, connect } = yield* makeThree();
      const contact = yield* connect();
      expect(contact.addresses).toEqual([]);
      const answer = yield* contact.exec({ command: "echo $SSH_CONNECTION" });
      expect(text(answer.stdout).trim().split(" ").at(-1)).toBe(String(web.port));
      for (const hop of [jump, middle]) expect(hop.log()).toContain("Accepted publickey");
      const logins = web.log().match(/Accepted publickey/g)?.length;
      for (const [index, step] of [
        [0, '"web": shows a key'],
        [1, '"web" (on the way, at "middle"): shows a key'],
        [2, '"web" (on the way, at "jump"): shows a key'],
      ] as const) {
        operator.know(...lines.filter((_, at) => at !== index));
        const end = yield* refusal(connect());
        expect(end).toMatchObject({ reason: "hostkey-unknown", step: "kex", host: "web" });
        expect(end.message).toContain(step);
      }
      expect(web.log().match(/Accepted publickey/g)).toHaveLength(logins!);
    }).pipe(Effect.scoped),
  );

  it.live("tells of a hop that forbids it, and of a host that is not there", () =>
    Effect.gen(function* () {
      const closed = yield* makeThree({ settings: ["AllowTcpForwarding no"] });
      const forbidden = yield* refusal(closed.connect());
      expect(forbidden).toMatchObject({ reason: "refused", step: "tcp" });
      expect(forbidden.message).toContain("may not be gone to from there");
      const { operator, jump } = yield* makeThree();
      operator.configure(
        `Host gone\n HostName 127.0.0.1\n Port 1\n ProxyJump jump\nHost nameless\n HostName no-such.invalid\n ProxyJump jump\nHost jump\n HostName 127.0.0.1\n Port ${jump.port}\n`,
      );
      const contacts = yield* operator.contacts();
      const gone = yield* refusal(contacts.connect({ host: "gone" }));
      expect(gone).toMatchObject({ reason: "refused", step: "tcp", host: "gone" });
      const nameless = yield* refusal(contacts.connect({ host: "nameless" }));
      expect(["dns", "refused"]).toContain(nameless.reason);
    }).pipe(Effect.scoped),
  );
});

describe("a host that the configuration gives no way to", () => {
  it.live("is not contacted", () =>
    Effect.gen(function* () {
      const operator = yield* makeOperator;
      operator.configure(
        "Host proxied\n  ProxyCommand touch /nowhere\nHost circle\n  ProxyJump circle",
      );
      const contacts = yield* operator.contacts();
      const proxied = yield* refusal(contacts.connect({ host: "proxied" }));
      expect(proxied).toMatchObject({ reason: "config", step: "config" });
      expect(proxied.message).toContain("ProxyCommand is never obeyed");
      expect(proxied.message).toContain('config":2)');
      const circle = yield* refusal(contacts.connect({ host: "circle" }));
      expect(circle).toMatchObject({ reason: "config", step: "config" });
      const nameless = yield* refusal(contacts.connect({ host: "no-such-host.invalid" }));
      expect(nameless).toMatchObject({ reason: "dns", step: "dns" });
    }).pipe(Effect.scoped),
  );

  it.live("has its addresses told apart from whether it lets us in", () =>
    Effect.gen(function* () {
      const operator = yield* makeOperator;
      operator.configure("Host down\n  HostName 127.0.0.1\nHost behind\n  ProxyJump down");
      const contacts = yield* operator.contacts();
      expect(yield* contacts.addresses({ host: "down" })).toEqual(["127.0.0.1"]);
      expect(yield* contacts.addresses({ host: "behind" })).toEqual([]);
      const none = yield* Effect.flip(contacts.addresses({ host: "no-such-host.invalid" }));
      expect(none).toMatchObject({ reason: "dns", step: "dns", host: "no-such-host.invalid" });
    }).pipe(Effect.scoped),
  );
});
