// Holds that what a host says is bounded, kept as data, shown as text, and run by nobody.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "@effect/vitest";
import type { HostFile, HostOptions } from "@muster/testkit/hosts/index";
import { peers } from "@muster/testkit/hosts/peers";
import { watching, type Watched } from "./watched.ts";

/** What a terminal acts on, or what hides text: everything but line ends, letters and signs. */
const actedOn =
  // oxlint-disable-next-line no-control-regex
  /[\0-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u;

const steering = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp\u2066\u200b";

/** Commands that would leave a file, here or on the host, were any part of them run. */
const spliced = (canary: string): string =>
  `$(touch ${canary})\`touch ${canary}\`;touch ${canary};'"|touch ${canary}&#`;

const hostCanary = "/etc/canary";

const roleFile = "/etc/puppet_role";
const overrideFile = "/etc/puppet/ronin_settings";
const lastRunFile = "/etc/puppet/last_run_metadata.json";

const inEachPlace = (file: HostFile): Readonly<Record<string, HostFile>> => ({
  [roleFile]: file,
  [overrideFile]: file,
  [lastRunFile]: file,
});

const oddRole = `${steering}${spliced(hostCanary)}`;
const oddOverride = Buffer.concat([
  Buffer.from(`PUPPET_BRANCH=${oddRole}\n${steering}\r\n`),
  Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x9b, 0x0a]),
]);
const longest = 64 * 1024;

const strange: ReadonlyArray<HostOptions> = [
  {
    name: "odd",
    files: {
      [roleFile]: `${oddRole}\nrole=second\n`,
      [overrideFile]: oddOverride,
      "/etc/os-release": `NAME=x\nPRETTY_NAME="Linux ${steering}"\n`,
      [lastRunFile]: JSON.stringify({
        ...{ success: true, ts: steering, git_sha: oddRole, override_sha: steering },
      }),
    },
  },
  { name: "bytes", files: { [roleFile]: Buffer.from("a\0b\xff\xc3\xa9\r\nc", "latin1") } },
  { name: "long-role", role: "x".repeat(100_000) },
  { name: "long-override", override: "x".repeat(longest + 1) },
  { name: "longest-override", override: "x".repeat(longest) },
  { name: "directory", files: inEachPlace({ is: "directory" }) },
  {
    name: "fifo",
    files: { ...inEachPlace({ is: "fifo" }), "/etc/os-release": { is: "fifo" } },
  },
  {
    name: "loop",
    files: {
      [roleFile]: { is: "link", to: roleFile },
      [overrideFile]: { is: "link", to: overrideFile },
      [lastRunFile]: { is: "link", to: lastRunFile },
    },
  },
  // It opens as a plain file does, and cannot be read.
  { name: "unreadable", files: inEachPlace({ is: "link", to: "/proc/self/mem" }) },
];

/** What commands answer in place of the probe; `{mark}` is the mark that only this exec was given. */
const forgeries: ReadonlyArray<readonly [string, string, RegExp]> = [
  ["no-mark", "0123456789abcdef begin\nrole=x\n0123456789abcdef end\n", /did not begin/u],
  ["cut", "{mark} begin\nrole=x\n", /was cut/u],
  ["half-mark", "{mark} begin\nrole=x\n{mark} en\n", /was cut/u],
  ["twice", "{mark} begin\nrole=x\n{mark} end\n{mark} begin\nrole=y\n{mark} end\n", /was forged/u],
  ["in-a-value", "{mark} begin\nrole={mark}\n{mark} end\n", /was forged/u],
  ["two-roles", "{mark} begin\nrole=x\nrole=y\n{mark} end\n", /strange line: "role=y"/u],
  [
    "odd-line",
    `{mark} begin\n${steering}${spliced(hostCanary)}\n{mark} end\n`,
    /strange line: "\\u\{1b\}\]0;owned/u,
  ],
  ["no-end-of-file", "{mark} begin\noverride-base64=4\nAAAA\n{mark} end\n", /strange line/u],
];

const forger = (name: string): string => `forged-${name}`;

/** A length that is not that of the bytes: nothing is known of such a file, and the rest stands. */
const lying = "{mark} begin\nrole=web\noverride-base64=999999999\nAAAA\noverride-end\n{mark} end\n";

const hosts: ReadonlyArray<HostOptions> = [
  ...strange,
  ...forgeries.map(([name]) => ({ name: forger(name) })),
  ...["lying", "noisy", "greeting", "flood", "exits", "well"].map((name) => ({
    ...{ name, role: "web" },
  })),
];

const strikeAll = async ({ fleet, act, world }: Watched): Promise<void> => {
  for (const [name, text] of forgeries) {
    await act(fleet.host(forger(name)).strike("forged-end", { text }));
  }
  await act(fleet.host("lying").strike("forged-end", { text: lying }));
  const noise = `${steering}\n`.repeat(2_000);
  await act(fleet.host("noisy").strike("noisy-shell", { text: noise }));
  await act(fleet.host("greeting").strike("long-banner"));
  const flood = `${steering}\r\n`.repeat(100_000);
  await act(fleet.host("flood").strike("garbage-banner", { text: flood }));
  const last = `${steering}${spliced(world.at("canary"))}\n`;
  await act(fleet.host("exits").strike("shell-exits", { text: last }));
};

/** Writes the most memory that the process ever had, in KiB, when it ends. */
const peakHook = `import { writeFileSync } from "node:fs";
process.on("exit", () => writeFileSync(process.env.PEAK_FILE, String(process.resourceUsage().maxRSS)));`;

/** How much more than for a host that is well may be needed, in KiB. */
const mostMore = 128 * 1024;

for (const { name: peer, missing, start } of peers) {
  describe.skipIf(missing)(`what hosts say, on ${peer}`, () => {
    it(
      "is kept as it is where it can be believed, shown so that nothing acts on it, and never run",
      watching(start, { hosts }, async (watched) => {
        const { run, refresh, world, fleet } = watched;
        await strikeAll(watched);
        const { ran, looks } = await refresh();
        expect(ran.code).toBe(6);
        expect(looks.size).toBe(hosts.length);
        const factsOf = (name: string) => {
          const { contact, facts } = looks.get(name)!;
          expect([name, contact]).toEqual([name, { reason: null, step: null, message: null }]);
          return facts!;
        };

        // Data, whole and as it is, and nothing beyond the place that it was read from.
        expect(factsOf("odd")).toMatchObject({
          ...{ role: oddRole, os: `Linux ${steering}` },
          puppet: { success: true, at: null, sha: oddRole, overrideSha: steering },
        });
        expect(factsOf("bytes").role).toBe("ab\ufffd\u00e9");
        expect(factsOf("long-role")).not.toHaveProperty("role");
        const odd = JSON.parse((await run("host show odd -o json")).stdout) as {
          readonly override: string;
          readonly sighting: { readonly role: { readonly value: string } };
        };
        expect(odd.override).toBe(oddOverride.toString("utf8"));
        expect(odd.sighting.role.value).toBe(oddRole);
        const bytesOf = async (name: string) =>
          (JSON.parse((await run(`host show ${name} -o json`)).stdout) as { override: unknown })
            .override;
        expect(factsOf("long-override").overrideSha).toMatch(/^[0-9a-f]{64}$/u);
        expect(await bytesOf("long-override")).toBe(null);
        expect(await bytesOf("longest-override")).toBe("x".repeat(longest));
        // What is no plain file is unknown, and never taken for absent.
        for (const name of ["directory", "fifo", "loop", "unreadable"]) {
          const facts = factsOf(name);
          for (const piece of ["role", "overrideSha", "puppet"]) {
            expect([name, facts]).not.toEqual([
              name,
              expect.objectContaining({ [piece]: expect.anything() }),
            ]);
            expect(facts).not.toHaveProperty(piece);
          }
        }
        for (const [name, , why] of forgeries) {
          const contact = looks.get(forger(name))?.contact;
          expect([name, contact?.reason, contact?.step]).toEqual([name, "unreadable", "exec"]);
          expect(contact?.message).toMatch(why);
        }
        expect(factsOf("lying")).toEqual({ role: "web" });
        expect(factsOf("noisy").role).toBe("web");
        expect(factsOf("well").role).toBe("web");
        expect(looks.get("greeting")?.contact?.reason).toBe("unreadable");
        expect(looks.get("flood")?.contact).toMatchObject({
          step: "banner",
          reason: expect.stringMatching(/^(unreadable|reset)$/u),
        });
        expect(looks.get("exits")?.contact).toMatchObject({ reason: "unreadable", step: "exec" });

        // Every command that shows any of it, to people and to programs.
        const shown = [
          ["refresh", ran],
          ["a refresh for people", await run("inventory refresh")],
          ["list", await run("host list")],
          ["list -o json", await run("host list -o json")],
          ["seeds", await run("inventory seed list -o json")],
          ["a filter", await run(["host", "list", "--filter", "role:*owned*", "-o", "json"])],
        ] as const;
        const each = ["odd", "bytes", "forged-odd-line", "exits", "flood", "greeting"];
        const shownOfEach = [];
        for (const name of each) {
          for (const command of ["show", "history"]) {
            for (const output of ["human", "json"]) {
              const words = `host ${command} ${name} -o ${output}`;
              shownOfEach.push([words, await run(words)] as const);
            }
          }
        }
        for (const [what, { stdout, stderr }] of [...shown, ...shownOfEach]) {
          expect([what, actedOn.exec(stdout), actedOn.exec(stderr)]).toEqual([what, null, null]);
          expect(stdout.length).toBeLessThan(256 * 1024);
        }
        const human = shown[1][1].stdout;
        expect(human).toMatch(/^odd  ok  \\u\{1b\}\]0;owned\\u\{7\}\\u\{1b\}\[2J\\u\{9b\}31m/mu);
        expect(human).toMatch(/^exits  unreadable at exec  .*\\u\{1b\}\]0;owned/mu);

        // Nothing of it was run, here or there.
        expect(existsSync(world.at("canary"))).toBe(false);
        for (const host of fleet.hosts) {
          expect([host.name, await watched.act(host.read(hostCanary))]).toEqual([
            ...[host.name, undefined],
          ]);
        }
      }),
      300_000,
    );

    it(
      "has an end: who never stops is cut, and takes no memory",
      watching(
        start,
        { hosts: ["well", "output", "errors"].map((name) => ({ name, role: "web" })) },
        async (watched) => {
          const { fleet, act, refresh, world, counts } = watched;
          const hook = await world.write("peak.mjs", peakHook);
          const peakOf = async (seed: string) => {
            const file = world.at(`peak-${seed}`);
            const env = { NODE_OPTIONS: `--import ${hook}`, PEAK_FILE: file };
            const { looks } = await refresh(`--seed ${seed}`, env);
            return { peak: Number(readFileSync(file, "utf8")), contact: looks.get(seed)?.contact };
          };
          const { peak: usual, contact } = await peakOf("well");
          expect(contact?.reason).toBe(null);
          expect(usual).toBeGreaterThan(10_000);
          await act(fleet.host("output").strike("endless-output"));
          await act(fleet.host("errors").strike("endless-errors"));
          for (const name of ["output", "errors"]) {
            const flooded = await peakOf(name);
            expect(flooded.contact).toMatchObject({
              ...{ reason: "unreadable", step: "exec" },
              message: expect.stringContaining("answered without end, and was cut"),
            });
            expect(flooded.peak - usual).toBeLessThan(mostMore);
            await act(fleet.host(name).idle);
            const { execs, bytes } = await counts(name);
            expect(execs).toBe(1);
            // What is read and thrown away, and what was on its way.
            if (bytes !== null) expect(bytes.outgoing).toBeLessThan(32 * 1024 * 1024);
          }
        },
      ),
      180_000,
    );
  });
}
