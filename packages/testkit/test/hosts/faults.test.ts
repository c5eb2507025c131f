// Holds the visible end of every fault of simulated hosts, emulated and real, for the real OpenSSH client.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import {
  hostFaultNames,
  type HostFault,
  type HostFaultName,
  type SimulatedHost,
} from "../../src/hosts/index.ts";
import { ssh, sshPresent, type SshCall, type SshEnd } from "./openssh.ts";
import { peers } from "../../src/hosts/peers.ts";

interface Expectation {
  readonly details?: Omit<HostFault, "name">;
  readonly command?: string;
  readonly call?: SshCall;
  readonly end: (end: SshEnd, peer: string) => void;
  /** Commands that began. */
  readonly execs?: number;
}

/** No connection, or none that lasts to a command; the client says why. */
const fails = (why: RegExp): Expectation => ({
  call: { options: ["ConnectTimeout=3"] },
  end: ({ code, stdout, stderr }) => {
    expect(stderr).toMatch(why);
    expect(code).toBe(255);
    expect(stdout).toBe("");
  },
});

/** The client comes to one step and never to the next; then it is ended. */
const hangs = (reached: RegExp, never: RegExp, execs = 0): Expectation => ({
  call: { until: reached },
  end: ({ code, stdout, stderr }) => {
    expect(stderr).toMatch(reached);
    expect(stderr).not.toMatch(never);
    expect(code).toBe(null);
    expect(stdout).toBe("");
  },
  execs,
});

const content = "role-of-a-host-with-faults";

const expectations: Readonly<Record<HostFaultName, Expectation>> = {
  refuse: fails(/Connection refused/u),
  timeout: fails(/connect to host \S+ port [0-9]+: Connection timed out/u),
  reset: fails(/[Cc]onnection reset/u),
  "hang-before-banner": fails(/timed out during banner exchange/u),
  "garbage-banner": fails(/invalid characters|invalid format/u),
  "changed-host-key": fails(/REMOTE HOST IDENTIFICATION HAS CHANGED/u),
  "unknown-host-key": fails(/No ED25519 host key is known for/u),
  "certificate-only": {
    // A client that reads no certificates, as ssh2's.
    ...fails(/no matching host key type found. Their offer: ssh-ed25519-cert-v01@openssh.com/u),
    call: { options: ["HostKeyAlgorithms=ssh-ed25519"] },
  },
  "long-banner": {
    end: ({ code, stdout, stderr }) => {
      expect({ code, stdout }).toEqual({ code: 0, stdout: `${content}\n` });
      expect(stderr.match(/please wait/gu)).toHaveLength(7_000);
    },
    execs: 1,
  },
  "hang-before-auth": hangs(/Offering public key/u, /Authenticated to|Permission denied/u),
  "auth-refused": fails(/Permission denied \(publickey\)/u),
  "hang-at-channel": hangs(/Authenticated to/u, /Sending command/u),
  "no-exec": fails(/channel 0: open failed/u),
  "hang-in-exec": hangs(/Sending command/u, /client_input_channel_req: .* exit-status/u, 1),
  "slow-exec": {
    details: { afterMs: 150 },
    end: (end) => expect(end).toEqual({ code: 0, stdout: `${content}\n`, stderr: "" }),
    execs: 1,
  },
  "cut-in-exec": {
    call: { keepsInput: true },
    end: ({ code, stdout, stderr }) => {
      expect(stderr).toMatch(/closed by remote host|reset/u);
      expect({ code, stdout }).toEqual({ code: 255, stdout: content.slice(0, 16) });
    },
    execs: 1,
  },
  "endless-output": {
    end: ({ code, stdout }) => {
      expect(code).toBe(null);
      expect(stdout.length).toBeGreaterThan(1024 * 1024);
      expect(stdout.startsWith("y\ny\n")).toBe(true);
    },
    execs: 1,
  },
  "endless-errors": {
    end: ({ code, stdout, stderr }) => {
      expect([code, stdout]).toEqual([null, ""]);
      expect(stderr.length).toBeGreaterThan(1024 * 1024);
      expect(stderr).toMatch(/^y\ny\n/u);
    },
    execs: 1,
  },
  "forged-end": {
    details: { text: "role=forged\n{mark} end\n" },
    call: { input: "0123456789abcdef\nmore\n" },
    end: (end) =>
      expect(end).toEqual({
        ...{ code: 0, stderr: "" },
        stdout: "role=forged\n0123456789abcdef end\n",
      }),
    execs: 1,
  },
  "noisy-shell": {
    end: (end) =>
      expect(end).toEqual({
        ...{ code: 0, stderr: "" },
        stdout: `Welcome\u001b[2J\nto this host ${content}\n`,
      }),
    execs: 1,
  },
  "shell-exits": {
    end: (end) => expect(end).toEqual({ code: 3, stdout: "", stderr: "no such module\u001b[2J\n" }),
    execs: 1,
  },
  "bare-path": {
    command: "no-such-program",
    end: ({ code, stdout, stderr }) => {
      expect([code, stdout]).toEqual([127, ""]);
      expect(stderr).toContain("not found");
    },
    execs: 1,
  },
  "no-sudo": {
    command: "sudo -n cat /etc/puppet_role",
    end: (end) =>
      expect(end).toEqual({ code: 1, stdout: "", stderr: "sudo: a password is required\n" }),
    execs: 1,
  },
  "read-only": {
    command: "rm -f /etc/puppet_role",
    end: ({ code, stderr }) => {
      expect(stderr).toContain("Read-only file system");
      expect(code).toBe(1);
    },
    execs: 1,
  },
};

for (const { peer, missing, start } of peers) {
  describe.skipIf(missing || !sshPresent())(`${peer} hosts`, () => {
    it.live(
      "show each fault as it is, no other host has it, and it can be taken away",
      () =>
        Effect.gen(function* () {
          const names = [...hostFaultNames, "well"];
          const fleet = yield* start({ hosts: names.map((name) => ({ name, role: content })) });
          const ask = (name: string, { command, call }: Partial<Expectation> = {}) =>
            ssh(fleet, name, command ?? "cat /etc/puppet_role", call);
          const wellThen = { code: 0, stdout: `${content}\n`, stderr: "" };
          const hasFault = Effect.fn(function* (name: HostFaultName) {
            const host: SimulatedHost = fleet.host(name);
            const expectation = expectations[name];
            yield* host.strike(name, expectation.details);
            expectation.end(yield* ask(name, expectation), peer);
            expect((yield* host.counts).execs, `${name}: execs`).toBe(expectation.execs ?? 0);
            expect(yield* ask("well"), `beside ${name}`).toEqual(wellThen);
            yield* host.heal;
            expect(yield* ask(name), `after ${name}`).toEqual(wellThen);
            // Nothing that it held up stays behind.
            yield* host.idle;
          });
          yield* Effect.forEach(hostFaultNames, hasFault, { concurrency: 3 });
        }),
      120_000,
    );
  });
}
