// Holds what a probe makes of real hosts, of Windows, and of answers that are cut, forged or endless.

import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type { ServerChannel } from "ssh2";
import { Prober } from "@muster/core/inventory/refresh";
import { makePool } from "../src/pool.ts";
import { probe, type ProbeOptions } from "../src/probe.ts";
import { layerProber } from "../src/prober.ts";
import { makeOperator } from "./operator.ts";
import { sshPeer, type Manners } from "./peer.ts";
import { sshdPath, startSshd } from "./sshd.ts";

const places = (folder: string) => ({
  roleFile: join(folder, "role"),
  overrideFile: join(folder, "override"),
  lastRunFile: join(folder, "last.json"),
});

describe.skipIf(sshdPath === undefined)("a host with sshd", () => {
  it.live("is looked at by one exec, on a connection that stays open", () =>
    Effect.gen(function* () {
      const operator = yield* makeOperator;
      operator.configure("");
      const sshd = yield* startSshd({ authorized: [operator.publicKey] });
      operator.know(`[127.0.0.1]:${sshd.port} ${sshd.hostKeys["ed25519"]}`);
      const { config: configFile, surroundings, home } = operator;
      const ssh = yield* makePool({ configFile, surroundings });
      const files = places(home);
      writeFileSync(files.roleFile, "gecko_t_linux_talos\n");
      writeFileSync(files.overrideFile, "PUPPET_BRANCH=x\n");
      writeFileSync(files.lastRunFile, '{"success":false,"ts":"2026-11-25T10:00:00Z"}');
      const address = { host: "127.0.0.1", port: sshd.port };
      const seen = yield* probe(ssh, address, files);
      expect(seen).toMatchObject({
        platform: "posix",
        addresses: ["127.0.0.1"],
        facts: {
          role: "gecko_t_linux_talos",
          overrideSha: createHash("sha256").update("PUPPET_BRANCH=x\n").digest("hex"),
          puppet: { success: false, at: "2026-11-25T10:00:00.000Z", sha: null, overrideSha: null },
        },
      });
      expect(Buffer.from(seen.override!).toString("utf8")).toBe("PUPPET_BRANCH=x\n");
      expect(["yes", "no"]).toContain(seen.facts.sudo);
      const again = yield* probe(ssh, address, places(join(home, "none")));
      expect(again.facts).toMatchObject({ role: null, overrideSha: null, puppet: null });
      expect(again.facts.bootId).toBe(seen.facts.bootId);
      expect(sshd.log().match(/Accepted publickey/g)).toHaveLength(1);
      expect(sshd.log().match(/Starting session: command/g)).toHaveLength(2);
    }).pipe(Effect.scoped),
  );

  it.live("that hangs in what it is asked is given up in time, and what it did is unknown", () =>
    Effect.gen(function* () {
      const operator = yield* makeOperator;
      operator.configure("");
      const bin = join(operator.home, "bin");
      mkdirSync(bin);
      writeFileSync(join(bin, "sudo"), "#!/bin/sh\nexec sleep 20\n");
      chmodSync(join(bin, "sudo"), 0o755);
      const sshd = yield* startSshd({
        authorized: [operator.publicKey],
        settings: [`SetEnv PATH=${bin}:/usr/bin:/bin`],
      });
      operator.know(`[127.0.0.1]:${sshd.port} ${sshd.hostKeys["ed25519"]}`);
      const { config: configFile, surroundings, home } = operator;
      const ssh = yield* makePool({ configFile, surroundings });
      const end = yield* Effect.flip(
        probe(...([ssh, { host: "127.0.0.1", port: sshd.port }] as const), {
          ...places(home),
          timeoutMillis: 500,
        }),
      );
      expect(end).toMatchObject({ reason: "disconnected", step: "exec" });
      expect(existsSync(home)).toBe(true);
    }).pipe(Effect.scoped),
  );
});

/** A probe of a peer that answers by itself; `frame` is what it was handed over. */
const probeOf = (
  answer: (channel: ServerChannel, marker: string) => void,
  manners: Manners = {},
  options: ProbeOptions = {},
) =>
  Effect.gen(function* () {
    const peer = yield* sshPeer({
      exec: (_, accept) => {
        const channel = accept();
        channel.on("error", () => {});
        channel.once("data", (frame: Buffer) => {
          answer(channel, frame.toString("utf8").split("\n")[0] ?? "");
        });
      },
      ...manners,
    });
    const operator = yield* makeOperator;
    operator.configure("");
    operator.know(`[127.0.0.1]:${peer.port} ${peer.hostKey}`);
    const { config: configFile, surroundings } = operator;
    const ssh = yield* makePool({ configFile, surroundings });
    const look = probe(ssh, { host: "127.0.0.1", port: peer.port }, options);
    return { peer, look };
  });

const say =
  (...lines: ReadonlyArray<string>) =>
  (channel: ServerChannel): void => {
    channel.write(lines.join("\n"));
    channel.exit(0);
    channel.end();
  };

describe("a host that answers otherwise", () => {
  it.live("is unreadable: cut, forged, replayed, endless, or with a strange line", () =>
    Effect.gen(function* () {
      const old = "f".repeat(32);
      const answers: ReadonlyArray<
        readonly [string, (channel: ServerChannel, marker: string) => void]
      > = [
        ["did not begin", say("")],
        ["did not begin", say(`${old} begin`, "role=root", `${old} end`, "")],
        ["was cut", (channel, marker) => say(`${marker} begin`, "role=x", "")(channel)],
        ["was cut", (channel, marker) => say(`${marker} begin`, `${marker} e`)(channel)],
        [
          "was forged",
          (channel, marker) =>
            say(`${marker} begin`, `${marker} end`, `${marker} begin`, `${marker} end`)(channel),
        ],
        [
          "strange line",
          (channel, marker) =>
            say(`${marker} begin`, "\u001b[2J$(reboot)", `${marker} end`)(channel),
        ],
        [
          "too long",
          (channel, marker) =>
            say(`${marker} begin`, "x".repeat(600_000), `${marker} end`)(channel),
        ],
      ];
      for (const [message, answer] of answers) {
        const { look } = yield* probeOf(answer);
        const end = yield* Effect.flip(look);
        expect(end).toMatchObject({ reason: "unreadable", step: "exec", host: "127.0.0.1" });
        expect(end.message).toContain(message);
        expect(end.message).not.toMatch(/[^ -~]/);
      }
    }).pipe(Effect.scoped),
  );

  it.live("may print what it likes around the answer", () =>
    Effect.gen(function* () {
      const { look, peer } = yield* probeOf((channel, marker) =>
        say("motd", `${marker} begin`, "role=a", "os=Linux", `${marker} end`, "bye")(channel),
      );
      const seen = yield* look;
      expect(seen).toMatchObject({ platform: "posix", facts: { role: "a", os: "Linux" } });
      expect(seen.override).toBe(null);
      yield* look;
      expect(peer.counts.begun).toBe(1);
    }).pipe(Effect.scoped),
  );

  it.live("is given another marker each time", () =>
    Effect.gen(function* () {
      const markers: Array<string> = [];
      const { look } = yield* probeOf((channel, marker) => {
        markers.push(marker);
        say(`${marker} begin`, `${marker} end`)(channel);
      });
      yield* look;
      yield* look;
      expect(new Set(markers).size).toBe(2);
      for (const marker of markers) expect(marker).toMatch(/^[0-9a-f]{32}$/);
    }).pipe(Effect.scoped),
  );

  it.live("is Windows by its banner, and is then sent nothing, or by its answer", () =>
    Effect.gen(function* () {
      const byBanner = yield* probeOf(say(""), { ident: "OpenSSH_for_Windows_9.5" });
      expect(yield* byBanner.look).toMatchObject({
        ...{ platform: "windows", facts: { os: "Windows" }, override: null },
      });
      expect(byBanner.peer.asked.filter((asked) => asked.startsWith("exec"))).toEqual([]);
      for (const said of [
        "'exec' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n",
        "exec : The term 'exec' is not recognized as the name of a cmdlet, function, script file",
      ]) {
        const byAnswer = yield* probeOf((channel) => {
          channel.stderr.write(said);
          channel.exit(1);
          channel.end();
        });
        expect(yield* byAnswer.look).toMatchObject({ platform: "windows" });
      }
    }).pipe(Effect.scoped),
  );

  it.live("is not contacted for a file that cannot be named", () =>
    Effect.gen(function* () {
      const { look, peer } = yield* probeOf(say(""), {}, { roleFile: "/etc/a\nb" });
      expect(yield* Effect.flip(look)).toMatchObject({ reason: "config", step: "config" });
      expect(peer.counts.begun).toBe(0);
    }).pipe(Effect.scoped),
  );
});

it.live("a host that runs something else than what it is told has not answered", () =>
  Effect.gen(function* () {
    const peer = yield* sshPeer({
      exec: (_, accept) => {
        const channel = accept();
        channel.write("This account is currently not available.\n");
        channel.exit(1);
        channel.end();
      },
    });
    const operator = yield* makeOperator;
    operator.configure("");
    operator.know(`[127.0.0.1]:${peer.port} ${peer.hostKey}`);
    const { config: configFile, surroundings } = operator;
    const { observation } = yield* Effect.flatMap(Prober, (prober) =>
      prober.look({ host: "127.0.0.1", port: peer.port }, "fast"),
    ).pipe(Effect.provide(layerProber({ configFile, surroundings })));
    expect(observation.contact).toMatchObject({ reason: "no-exec", step: "exec" });
  }).pipe(Effect.scoped),
);
