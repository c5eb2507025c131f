// Acting on one host, on hosts that speak SSH: what is sent, what is told, and what the audit says before and after.

import { describe, expect, it } from "@effect/vitest";
import * as Effect from "effect/Effect";
import type { AuditEntry } from "@muster/core";
import { historyOwner } from "@muster/core/inventory/history";
import { peers } from "@muster/testkit/hosts/peers";
import { auditOf, fileOf, inStore, onStage, promised, type Stage, storeWithout } from "./stage.ts";

const looksOf = (stage: Stage, host: string): Promise<number> =>
  inStore(stage, (store) =>
    Effect.map(store.record(historyOwner, `History/${host}`), (record) =>
      record?._tag === "History" ? record.looks.length : 0,
    ),
  );

const execsOf = async ({ fleet }: Stage, host: string): Promise<number> =>
  (await promised(fleet.host(host).counts)).execs;

/** Phase, outcome and the number of the intent that it follows. */
const told = (entries: ReadonlyArray<AuditEntry>) =>
  entries.map(({ phase, outcome, seq, parameters }) =>
    phase === "intent" ? [phase, outcome, seq] : [phase, outcome, parameters["intent"]],
  );

const quick = { downMs: 100 };

for (const { name, missing, start } of peers) {
  describe.skipIf(missing)(`acting on one host, on ${name}`, () => {
    it(
      "converges: streams what the host says, audits before and after, and looks once",
      onStage(start, [{ name: "a", files: { "/etc/puppet/plan": "0 2 0\n" } }], async (stage) => {
        const { fleet, run } = stage;
        const execs = await execsOf(stage, "a");
        const ran = await run("converge host a --reason fix");
        expect(ran.stdout).toBe(
          [
            "Info: Applying configuration",
            "Notice: step 1",
            "Notice: step 2",
            "Notice: Applied configuration",
            "",
          ].join("\n"),
        );
        expect(ran.stderr).toContain("running on a: sudo -n run-puppet.sh\n");
        expect(ran.stderr).toContain("Warning: a simulated one\n");
        expect(ran.stderr).toContain('"a": the command ended well');
        expect(ran.code).toBe(0);
        expect(
          await promised(fleet.host("a").read("/etc/puppet/last_run_metadata.json")),
        ).toContain('"success":true');
        // The line and the look after it, and nothing else.
        expect((await execsOf(stage, "a")) - execs).toBe(2);
        expect(await looksOf(stage, "a")).toBe(2);
        const entries = await auditOf(stage, "converge host");
        expect(told(entries)).toEqual([
          ["intent", null, entries[0]!.seq],
          ["outcome", "done", entries[0]!.seq],
        ]);
        expect(entries[0]).toMatchObject({
          targets: ["a"],
          parameters: { line: "sudo -n run-puppet.sh", timeoutMillis: 1_800_000 },
          reason: { text: "fix" },
          approval: { mode: "self" },
        });
        expect(entries[0]!.actor.claimed).toMatch(/^ann@/u);
        expect(entries[0]!.actor.verified).toContain("uid");
        expect(entries[1]!.parameters).toMatchObject({ exitCode: 0 });
      }),
      60_000,
    );

    it(
      "tells in JSON each line as an object, and the end",
      onStage(start, [{ name: "a" }], async ({ world, env }) => {
        // Word for word, as the users of fleetroll know it.
        const ran = await world.fleetroll(["converge", "host", "a", "-o", "json"], { env });
        const objects = ran.stdout
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Record<string, unknown>);
        expect(objects).toContainEqual({ stream: "stdout", text: "Info: Applying configuration" });
        expect(objects).toContainEqual({ stream: "stderr", text: "Warning: a simulated one" });
        expect(objects.at(-2)).toMatchObject({ look: { host: "a", contact: { reason: null } } });
        expect(objects.at(-1)).toMatchObject({ host: "a", outcome: "done", code: 0, exitCode: 0 });
      }),
      60_000,
    );

    it(
      "calls a command that fails failed, and one that was cut or took too long unknown, sent once",
      onStage(
        start,
        [
          { name: "bad", files: { "/etc/puppet/plan": "3 0 0\n" } },
          { name: "cut" },
          { name: "slow", files: { "/etc/puppet/plan": "0 1 20\n" } },
        ],
        async (stage) => {
          const { fleet, run } = stage;
          const bad = await run("converge host bad");
          expect([bad.code, bad.stderr.includes("ended with exit code 3")]).toEqual([6, true]);
          await promised(fleet.host("cut").strike("cut-in-exec"));
          const cut = await run("converge host cut");
          expect([cut.code, cut.stdout]).toEqual([7, "Info: Applying c\n"]);
          expect(cut.stderr).toContain("was cut before the command had ended");
          const before = await execsOf(stage, "slow");
          const slow = await run("converge host slow --timeout 1s");
          expect([slow.code, slow.stderr.includes("had not ended in 1000 ms")]).toEqual([7, true]);
          // The line, and the look.
          expect((await execsOf(stage, "slow")) - before).toBe(2);
          const ends = (await auditOf(stage, "converge host"))
            .filter(({ phase }) => phase === "outcome")
            .map(({ targets, outcome }) => [targets[0], outcome]);
          expect(ends).toEqual([
            ["bad", "failed"],
            ["cut", "unknown"],
            ["slow", "unknown"],
          ]);
        },
      ),
      120_000,
    );

    it(
      "sends nothing, and audits no intent, where the host is not reached, disabled, unknown or no line is there",
      onStage(start, [{ name: "off" }, { name: "out" }, { name: "key" }], async (stage) => {
        const { fleet, run, world } = stage;
        await promised(fleet.host("off").strike("refuse"));
        await promised(fleet.host("key").strike("changed-host-key"));
        await run("host disable out --reason broken");
        const execs = await Promise.all(["off", "out", "key"].map((host) => execsOf(stage, host)));
        for (const verb of ["converge", "reboot"]) {
          const off = await run(`${verb} host off`);
          expect([verb, off.code]).toEqual([verb, 2]);
          expect(off.stderr).toContain("nothing was sent");
          const key = await run(`${verb} host key`);
          expect([verb, key.code]).toEqual([verb, 2]);
          const out = await run(`${verb} host out`);
          expect([verb, out.code]).toEqual([verb, 5]);
          expect(out.stderr).toContain("enable it first: host enable out --reason TEXT");
          expect((await run(`${verb} host nobody`)).code).toBe(1);
          const dry = await run(`${verb} host off --dry-run`);
          expect([dry.code, dry.stdout.includes("nothing was sent: this was a dry run")]).toEqual([
            0,
            true,
          ]);
        }
        const empty = await world.write("empty.config.ts", "export default {};\n");
        const none = await run("converge host off", empty);
        expect([none.code, none.stderr.includes("set hosts.converge")]).toEqual([5, true]);
        expect(
          await Promise.all(["off", "out", "key"].map((host) => execsOf(stage, host))),
        ).toEqual(execs);
        expect(await auditOf(stage, "converge host")).toEqual([]);
        expect(await auditOf(stage, "reboot host")).toEqual([]);
        // The failed look is kept all the same: one by the roll call, one by each command.
        expect(await looksOf(stage, "off")).toBe(3);
      }),
      120_000,
    );

    it(
      "reboots, and believes it by another boot id",
      onStage(start, [{ name: "a", reboot: quick }], async (stage) => {
        const { fleet, run } = stage;
        const before = await promised(fleet.host("a").bootId);
        const ran = await run("reboot host a");
        const after = await promised(fleet.host("a").bootId);
        expect(after).not.toBe(before);
        expect(ran.stderr).toContain(`is back, with the boot id ${after}`);
        expect(ran.code).toBe(0);
        const entries = await auditOf(stage, "reboot host");
        expect(told(entries)).toEqual([
          ["intent", null, entries[0]!.seq],
          ["outcome", "done", entries[0]!.seq],
        ]);
        expect(entries[0]!.parameters).toMatchObject({ line: "sudo -n reboot", bootId: before });
        expect(entries[1]!.parameters).toMatchObject({ before, after });
        const shown = await run("host show a -o json");
        expect(shown.stdout).toContain(after);
      }),
      60_000,
    );

    it(
      "never calls a reboot done that did not happen: refused by sudo, kept its boot id, or never back",
      onStage(
        start,
        [
          { name: "sudo", sudo: false },
          { name: "same", reboot: { ...quick, end: "same" } },
          { name: "gone", reboot: { ...quick, end: "gone" } },
          { name: "broken" },
        ],
        async (stage) => {
          const { run, world } = stage;
          const refused = await run("reboot host sudo");
          expect([refused.code, refused.stderr.includes("sudo refuses")]).toEqual([5, true]);
          const same = await run("reboot host same --timeout 2s");
          expect([same.code, same.stderr.includes("it did not reboot")]).toEqual([6, true]);
          const gone = await run("reboot host gone --timeout 2s");
          expect([gone.code, gone.stderr.includes("did not come back")]).toEqual([7, true]);
          const other = await world.write(
            "other.config.ts",
            'export default { hosts: { reboot: "cat /nowhere" } };\n',
          );
          const broken = await run("reboot host broken", other);
          expect([broken.code, broken.stderr.includes("exit code 1")]).toEqual([6, true]);
          const ends = (await auditOf(stage, "reboot host"))
            .filter(({ phase }) => phase === "outcome")
            .map(({ targets, outcome }) => [targets[0], outcome]);
          expect(ends).toEqual([
            ["sudo", "failed"],
            ["same", "failed"],
            ["gone", "unknown"],
            ["broken", "failed"],
          ]);
        },
      ),
      120_000,
    );

    it(
      "sends nothing when the intent cannot be written, and tells when only the outcome cannot",
      onStage(start, [{ name: "a", reboot: quick }], async (stage) => {
        const { env, fleet, world } = stage;
        const bootId = await promised(fleet.host("a").bootId);
        for (const verb of ["converge", "reboot"]) {
          const before = await execsOf(stage, "a");
          const wiring = storeWithout("intent");
          const ran = await world.inside([verb, "host", "a"], { env, wiring });
          expect([verb, ran.code, ran.stderr.includes("held")]).toEqual([verb, 2, true]);
          // A reboot has looked for the boot id.
          const looks = verb === "reboot" ? 1 : 0;
          expect([verb, (await execsOf(stage, "a")) - before]).toEqual([verb, looks]);
          expect(await auditOf(stage, `${verb} host`)).toEqual([]);
        }
        expect(await promised(fleet.host("a").bootId)).toBe(bootId);
        const ran = await world.inside(["reboot", "host", "a"], {
          ...{ env, wiring: storeWithout("outcome") },
        });
        expect([ran.code, ran.stderr]).toEqual([
          2,
          expect.stringContaining("the audit does not say what came of it: done") as string,
        ]);
        expect(await promised(fleet.host("a").bootId)).not.toBe(bootId);
      }),
      60_000,
    );

    it(
      "says unknown in the audit when it is interrupted, and leaves the intent when it is killed",
      onStage(
        start,
        [
          { name: "slow", files: { "/etc/puppet/plan": "0 1 20\n" } },
          { name: "gone", reboot: { ...quick, end: "gone" } },
        ],
        async (stage) => {
          const { world, env } = stage;
          const end = async (words: string, until: string, signal: "SIGINT" | "SIGKILL") => {
            const started = world.start(words.split(" "), { env });
            await started.until(until);
            started.process.kill(signal);
            return (await started.ended).code;
          };
          expect(await end("converge host slow", "Applying", "SIGINT")).toBe(130);
          expect(await end("reboot host gone", "away", "SIGINT")).toBe(130);
          expect(await end("converge host slow", "Applying", "SIGKILL")).toBe(-2);
          const all = [
            ...(await auditOf(stage, "converge host")),
            ...(await auditOf(stage, "reboot host")),
          ].map(({ action, phase, outcome }) => [action, phase, outcome]);
          expect(all).toEqual([
            ["converge host", "intent", null],
            ["converge host", "outcome", "unknown"],
            ["converge host", "intent", null],
            ["reboot host", "intent", null],
            ["reboot host", "outcome", "unknown"],
          ]);
          expect((await stage.run(`audit verify --store sqlite:${fileOf(stage)}`)).code).toBe(0);
        },
      ),
      60_000,
    );

    it(
      "shows no more than its bound of a host that prints for ever, and ends at the deadline",
      onStage(start, [{ name: "loud" }], async ({ fleet, run }) => {
        await promised(fleet.host("loud").strike("endless-output"));
        // The look after it meets the same, and ends, too.
        const { code, stdout, stderr } = await run("converge host loud --timeout 3s");
        expect([code, stdout.length <= 16 * 1024 * 1024]).toEqual([7, true]);
        expect(stdout.startsWith("y\ny\n")).toBe(true);
        expect(stderr).toContain("had not ended in 3000 ms");
        expect(stderr).toContain("looked at it: loud  unreadable");
      }),
      60_000,
    );
  });
}
