// Holds that simulated hosts, emulated and real, speak to the real OpenSSH client as a host does.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Fiber from "effect/Fiber";
import * as Schedule from "effect/Schedule";
import type { HostFleet } from "../../src/hosts/index.ts";
import { makeKeyPair } from "../../src/hosts/keys.ts";
import { ssh, sshPresent, type SshEnd } from "./openssh.ts";
import { peers } from "../../src/hosts/peers.ts";

const ok = (stdout: string): SshEnd => ({ code: 0, stdout, stderr: "" });

/** The fleet's configuration with another identity. */
const configOfStranger = (fleet: HostFleet): string => {
  const identity = join(fleet.folder, "stranger");
  writeFileSync(identity, makeKeyPair().privateKey, { mode: 0o600 });
  const config = join(fleet.folder, "stranger_config");
  const text = readFileSync(fleet.sshConfig, "utf8");
  writeFileSync(config, text.replaceAll(fleet.identity, identity));
  return config;
};

for (const { peer, missing, start } of peers) {
  describe.skipIf(missing || !sshPresent())(`${peer} hosts`, () => {
    it.live("answer with their files, take input, tell exit codes, and count", () =>
      Effect.gen(function* () {
        const lastRun = { success: true, override_sha: null };
        const fleet = yield* start({
          hosts: [{ name: "web-1", role: "gecko", lastRun, files: { "/etc/motd.test": "hi\n" } }],
        });
        const host = fleet.host("web-1");
        expect(yield* ssh(fleet, "web-1", "cat /etc/puppet_role")).toEqual(ok("gecko\n"));
        expect(yield* ssh(fleet, "web-1", "cat /etc/motd.test")).toEqual(ok("hi\n"));
        const metadata = yield* ssh(fleet, "web-1", "cat /etc/puppet/last_run_metadata.json");
        expect(JSON.parse(metadata.stdout)).toEqual(lastRun);
        expect(yield* ssh(fleet, "web-1", "test -e /etc/puppet/ronin_settings")).toMatchObject({
          code: 1,
        });
        const input = "a line\nanother\n";
        const tee = "sudo -n tee /etc/puppet/ronin_settings";
        expect(yield* ssh(fleet, "web-1", tee, { input })).toEqual(ok(input));
        expect(yield* host.read("/etc/puppet/ronin_settings")).toBe(input);
        yield* host.write("/etc/puppet_role", undefined);
        const gone = yield* ssh(fleet, "web-1", "cat /etc/puppet_role");
        expect(gone.code).toBe(1);
        expect(gone.stderr).toContain("/etc/puppet_role: No such file or directory");
        const unknown = yield* ssh(fleet, "web-1", "no-such-program");
        expect(unknown.code).toBe(127);
        expect(unknown.stderr).toContain("not found");
        const bootId = yield* ssh(fleet, "web-1", "cat /proc/sys/kernel/random/boot_id");
        expect(bootId.stdout).toBe(`${yield* host.bootId}\n`);
        yield* host.idle;
        const { bytes, authRequests, ...counts } = yield* host.counts;
        expect(counts).toEqual({ connections: 8, open: 0, authAttempts: 8, execs: 8 });
        if (peer === "real") expect([bytes, authRequests]).toEqual([null, null]);
        // A handshake of curve25519 has more than 1000 bytes in each direction.
        else expect(Math.min(bytes!.incoming, bytes!.outgoing)).toBeGreaterThan(8_000);
      }),
    );

    it.live("let one key in", () =>
      Effect.gen(function* () {
        const fleet = yield* start({ hosts: 1 });
        const config = configOfStranger(fleet);
        const end = yield* ssh(fleet, "host-0001", "true", { config });
        expect(end).toMatchObject({ code: 255, stdout: "" });
        expect(end.stderr).toContain("Permission denied (publickey)");
        const host = fleet.host("host-0001");
        yield* host.idle;
        expect(yield* host.counts).toMatchObject({ connections: 1, authAttempts: 1, execs: 0 });
      }),
    );

    it.live("are ten at once, each itself", () =>
      Effect.gen(function* () {
        const names = Array.from({ length: 10 }, (_, place) => `h${place}`);
        const fleet = yield* start({
          hosts: names.map((name) => ({ name, role: `role-of-${name}` })),
        });
        expect(new Set(fleet.hosts.map(({ hostKey }) => hostKey)).size).toBe(10);
        expect(new Set(fleet.hosts.map(({ address }) => address)).size).toBe(10);
        expect(readFileSync(fleet.seeds, "utf8")).toBe(names.map((name) => `${name}\n`).join(""));
        const ends = yield* Effect.forEach(
          names,
          (name) =>
            Effect.all([ssh(fleet, name, "hostname"), ssh(fleet, name, "cat /etc/puppet_role")]),
          { concurrency: 10 },
        );
        expect(ends).toEqual(names.map((name) => [ok(`${name}\n`), ok(`role-of-${name}\n`)]));
        for (const host of fleet.hosts) {
          expect(yield* host.counts).toMatchObject({ connections: 2, execs: 2 });
        }
      }),
    );

    it.live("keep a connection open, and a fault of commands strikes on it", () =>
      Effect.gen(function* () {
        const fleet = yield* start({ hosts: 1 });
        const host = fleet.host("host-0001");
        const options = ["ControlMaster=auto", `ControlPath=${fleet.folder}/master`];
        const kept = [...options, "ControlPersist=yes"];
        yield* Effect.addFinalizer(() =>
          // Nothing to say to it when the host ended first.
          Effect.ignore(
            ssh(fleet, "host-0001", "true", { options: [...options, "ControlPersist=no"] }),
          ),
        );
        expect((yield* ssh(fleet, "host-0001", "hostname", { options: kept })).stdout).toBe(
          "host-0001\n",
        );
        yield* host.strike("forged-end", { text: "role=none\nend 1\n" });
        const forged = yield* ssh(fleet, "host-0001", "hostname", { options });
        expect(forged).toEqual(ok("role=none\nend 1\n"));
        yield* host.heal;
        expect(yield* ssh(fleet, "host-0001", "hostname", { options })).toEqual(ok("host-0001\n"));
        expect(yield* host.counts).toMatchObject({ connections: 1, open: 1, authAttempts: 1 });
        yield* host.reboot({ downMs: 0 });
        yield* host.up;
        expect((yield* host.counts).open).toBe(0);
      }),
    );

    it.live("are a way to each other", () =>
      Effect.gen(function* () {
        const fleet = yield* start({ hosts: 2 });
        const options = ["ProxyJump=host-0001"];
        expect(yield* ssh(fleet, "host-0002", "hostname", { options })).toEqual(ok("host-0002\n"));
        expect(yield* fleet.host("host-0001").counts).toMatchObject({ connections: 1, execs: 0 });
      }),
    );

    it.live("reboot: sessions end, and connections are reset until they are up", () =>
      Effect.gen(function* () {
        const fleet = yield* start({ hosts: [{ role: "gecko", uptimeSeconds: 5_000 }] });
        const host = fleet.host("host-0001");
        const before = yield* host.bootId;
        yield* host.strike("hang-in-exec");
        const hanging = yield* Effect.forkChild(ssh(fleet, "host-0001", "true"));
        yield* Effect.repeat(host.counts, {
          until: ({ execs }) => execs === 1,
          schedule: Schedule.spaced("20 millis"),
        });
        yield* host.heal;
        yield* host.reboot({ downMs: 600_000 });
        expect((yield* Fiber.join(hanging)).code).toBe(255);
        const away = yield* ssh(fleet, "host-0001", "true");
        expect(away.code).toBe(255);
        expect(away.stderr).toMatch(/reset/iu);
        expect(yield* host.bootId).toBe(before);
      }),
    );

    it.live("reboot when a command says so: another boot id, the same files", () =>
      Effect.gen(function* () {
        const fleet = yield* start({ hosts: [{ role: "gecko", uptimeSeconds: 5_000 }] });
        const host = fleet.host("host-0001");
        const before = yield* host.bootId;
        expect((yield* ssh(fleet, "host-0001", "sudo -n reboot")).code).toBe(255);
        yield* host.up;
        const bootId = yield* ssh(fleet, "host-0001", "cat /proc/sys/kernel/random/boot_id");
        expect(bootId).toEqual(ok(`${yield* host.bootId}\n`));
        expect(bootId.stdout).not.toBe(`${before}\n`);
        expect(yield* ssh(fleet, "host-0001", "cat /etc/puppet_role")).toEqual(ok("gecko\n"));
      }),
    );
  });
}
