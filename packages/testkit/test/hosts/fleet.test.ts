// Holds how a fleet of simulated hosts starts, is refused, and leaves nothing behind.

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import * as Scope from "effect/Scope";
import * as Exit from "effect/Exit";
import { startEmulatedHosts, type SimulatedHost } from "../../src/hosts/index.ts";
import { ssh, sshPresent } from "./openssh.ts";
import { peers } from "../../src/hosts/peers.ts";

/** The processes that this one has started and that are not gone. */
const children = (): readonly string[] =>
  readdirSync("/proc/self/task").flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );

const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");

const answers = ({ address, port }: SimulatedHost): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const socket = connect(port, address);
    socket.once("connect", () => {
      socket.destroy();
      resume(Effect.succeed("connected"));
    });
    socket.once("error", (error: NodeJS.ErrnoException) =>
      resume(Effect.succeed(error.code ?? "")),
    );
  });

for (const { peer, missing, start } of peers) {
  describe.skipIf(missing || !sshPresent())(`a fleet of ${peer} hosts`, () => {
    it.live("leaves no process, mount, port or folder behind, whatever its hosts were doing", () =>
      Effect.gen(function* () {
        const before = { children: children(), mounts: mounts() };
        const scope = yield* Scope.make();
        const fleet = yield* Scope.provide(
          start({
            hosts: [{ name: "well" }, { name: "deaf" }, { name: "busy" }, { name: "held" }],
          }),
          scope,
        );
        yield* fleet.host("deaf").strike("timeout");
        yield* fleet.host("busy").strike("hang-in-exec");
        yield* fleet.host("held").strike("hang-before-auth");
        expect((yield* ssh(fleet, "well", "hostname")).stdout).toBe("well\n");
        yield* ssh(fleet, "busy", "true", { until: /Sending command/u });
        yield* ssh(fleet, "held", "true", { until: /Offering public key/u });
        yield* fleet.host("well").reboot({ downMs: 600_000 });
        // The test would see what it looks for.
        expect(children().length).toBeGreaterThan(before.children.length);
        expect(existsSync(fleet.identity)).toBe(true);
        expect(yield* answers(fleet.host("busy"))).toBe("connected");
        yield* Scope.close(scope, Exit.void);
        expect(children()).toEqual(before.children);
        expect(mounts()).toBe(before.mounts);
        expect(existsSync(fleet.folder)).toBe(false);
        for (const host of fleet.hosts) expect(yield* answers(host)).toBe("ECONNREFUSED");
      }),
    );

    it.live("is refused when it makes no sense, or cannot listen", () =>
      Effect.gen(function* () {
        const refused = (options: Parameters<typeof start>[0]) => Effect.flip(start(options));
        expect(yield* refused({ hosts: 0 })).toMatchObject({ reason: "options" });
        expect(yield* refused({ hosts: [{ name: "a" }, { name: "a" }] })).toMatchObject({
          reason: "options",
        });
        expect(yield* refused({ hosts: [{ name: "../a" }] })).toMatchObject({ reason: "options" });
        const outside = yield* refused({ hosts: [{ files: { "/etc/../root/x": "" } }] });
        expect(outside).toMatchObject({ reason: "options" });
        expect(outside.message).toContain("does not lie below /etc");
        const fleet = yield* start({ hosts: 2 });
        const taken = yield* refused({ hosts: 2, port: fleet.hosts[1]!.port });
        expect(taken.reason).toBe("address");
        expect(taken.remedy).toContain("choose another port");
      }),
    );
  });
}

describe.skipIf(peers.some(({ missing }) => missing) || !sshPresent())("a real host", () => {
  const { start } = peers.find(({ peer }) => peer === "real")!;

  it.live("has processes, files and power of its own, and nothing of this machine's", () =>
    Effect.gen(function* () {
      const fleet = yield* start({ hosts: [{ name: "one", override: "a=b\n" }, { name: "two" }] });
      const run = (command: string) => ssh(fleet, "one", command);
      const processes = (yield* run("ls /proc")).stdout
        .split("\n")
        .filter((id) => /^\d+$/u.test(id));
      expect(processes.length).toBeLessThan(6);
      for (const path of [
        "/usr/bin/made-by-a-host",
        "/etc/made-by-a-host",
        "/tmp/made-by-a-host",
      ]) {
        expect((yield* run(`touch ${path}`)).code, path).toBe(0);
        expect(existsSync(path), path).toBe(false);
      }
      expect((yield* ssh(fleet, "two", "test -e /usr/bin/made-by-a-host")).code).toBe(1);
      expect((yield* run("touch /made-by-a-host")).stderr).toContain("Read-only file system");
      // Looked at before it is called: what is called must be the fake.
      const fake = "a simulated host only reboots";
      for (const path of ["/sbin/halt", "/usr/sbin/poweroff", "/usr/bin/systemctl", "/sbin/init"]) {
        expect((yield* run(`grep -q '${fake}' ${path}`)).code, path).toBe(0);
      }
      expect(yield* run("/sbin/halt")).toMatchObject({ code: 1, stderr: `halt: ${fake}\n` });
      const sysrq = "/proc/sysrq-trigger";
      expect((yield* run(`test ! -e ${sysrq} || test -c ${sysrq}`)).code).toBe(0);
      expect((yield* run("sudo -n run-puppet.sh")).code).toBe(0);
      const metadata = JSON.parse((yield* run("cat /etc/puppet/last_run_metadata.json")).stdout);
      const sha = createHash("sha256").update("a=b\n").digest("hex");
      expect(metadata).toMatchObject({ success: true, override_sha: sha });
    }),
  );
});

it.live.skipIf(!sshPresent())("emulated hosts answer as a test says, and share an address", () =>
  Effect.gen(function* () {
    const fleet = yield* startEmulatedHosts({
      hosts: 2,
      addresses: "one",
      answer: async ({ host, command, stdin }) => {
        if (command === "fail") throw new Error("no answer");
        return {
          code: 3,
          stdout: `${host.name} ${(await stdin()).toString("utf8")}`,
          stderr: command,
        };
      },
    });
    expect(fleet.hosts.map(({ address }) => address)).toEqual(["127.0.0.1", "127.0.0.1"]);
    const end = yield* ssh(fleet, "host-0002", "any", { input: "thing" });
    expect(end).toEqual({ code: 3, stdout: "host-0002 thing", stderr: "any" });
    const failed = yield* ssh(fleet, "host-0001", "fail");
    expect(failed).toMatchObject({ code: 255, stdout: "" });
    expect(failed.stderr).toContain("the answerer failed: Error: no answer");
  }),
);

it.live.skipIf(!sshPresent())(
  "emulated hosts answer muster's probe, and not a frame that was cut",
  () =>
    Effect.gen(function* () {
      const override = "A=1\n".repeat(30);
      const fleet = yield* startEmulatedHosts({ hosts: [{ role: "web", override, sudo: false }] });
      const files = ["/etc/puppet_role", "/etc/puppet/ronin_settings", "/etc/puppet/last_run.json"];
      const probe = "exec /bin/sh -c 'IFS= read -r mark && exit'";
      const ask = (lines: readonly string[]) =>
        ssh(fleet, "host-0001", probe, { input: `${lines.join("\n")}\n` });
      const whole = (yield* ask(["MARK", ...files, "65536", "."])).stdout.split("\n");
      expect(whole).toEqual([
        "",
        "MARK begin",
        "os=Emulated",
        `boot=${yield* fleet.host("host-0001").bootId}`,
        expect.stringMatching(/^uptime=864\d\d\.\d\d$/u),
        "sudo=no",
        "role=web",
        "override-base64=120",
        ...(Buffer.from(override)
          .toString("base64")
          .match(/.{1,76}/gu) ?? []),
        "override-end",
        "puppet-absent",
        "MARK end",
        "",
      ]);
      const short = (yield* ask(["MARK", ...files, "100", "."])).stdout;
      const sha = createHash("sha256").update(override).digest("hex");
      expect(short).toContain(`override-long=${sha}\n`);
      expect(yield* ask(["MARK", ...files])).toEqual({ code: 64, stdout: "", stderr: "" });
    }),
);
